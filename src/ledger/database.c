// SPDX-License-Identifier: Apache-2.0
#include "ledger/database.h"

#include <errno.h>
#include <string.h>

#include "base/resource.h"
#include "ledger/database_file.h"
#include "ledger/fault.h"

enum transaction_step { BEGIN, COMMIT, ROLLBACK, STEP_COUNT };
static const char *const steps[STEP_COUNT] = {"BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"};

/* Itself, its write-ahead log, and the memory that the log is shared by: with SQLite, open for as
 * long as it is. One that is read at rest has fewer, but no daemon reads so. */
enum { DESCRIPTORS = 3 };

struct database {
    sqlite3 *handle;                       /* owned */
    char *path;                            /* owned */
    const char *kind;                      /* static */
    sqlite3_stmt *transaction[STEP_COUNT]; /* owned */
    sqlite3_stmt **statements;             /* owned, statement_count of them */
    unsigned statement_count;
};

static int fault(const struct database *db, int code, struct error *error)
{
    return fault_set(error, code, db->handle, db->kind, db->path);
}

/* Gives everything back; the last connection also empties the write-ahead log. */
struct database *database_close(struct database *db)
{
    if (!db)
        return NULL;

    for (int i = 0; i < STEP_COUNT; i++)
        sqlite3_finalize(db->transaction[i]);
    for (unsigned i = 0; db->statements && i < db->statement_count; i++)
        sqlite3_finalize(db->statements[i]);
    free(db->statements);
    for (int i = 0; db->handle && i < DESCRIPTORS; i++)
        resource_closed(RESOURCE_LEDGER);
    sqlite3_close(db->handle);
    free(db->path);
    free(db);
    return NULL;
}

static int prepare(struct database *db, const char *const *sql, unsigned count,
                   sqlite3_stmt **statements, struct error *error)
{
    for (unsigned i = 0; i < count; i++) {
        int code = sqlite3_prepare_v3(db->handle, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &statements[i], NULL);
        if (code != SQLITE_OK)
            return fault(db, code, error);
    }
    return 0;
}

int database_open(struct database **ret, const char *path, const char *vfs, unsigned flags,
                  const struct schema *schema, struct error *error)
{
    CLEANUP(database_close) struct database *db = calloc(1, sizeof(*db));
    if (!db)
        return error_set(error, -ENOMEM, "%s: out of memory", path);

    db->kind = schema->kind;
    db->path = strdup(path);
    db->statement_count = schema->statement_count;
    db->statements = calloc(schema->statement_count, sizeof(*db->statements));
    if (!db->path || !db->statements)
        return error_set(error, -ENOMEM, "%s: out of memory", path);

    int r = database_file_open(&db->handle, path, vfs, flags, schema, error);
    for (int i = 0; r == 0 && i < DESCRIPTORS; i++)
        resource_opened(RESOURCE_LEDGER);
    if (r == 0)
        r = prepare(db, steps, STEP_COUNT, db->transaction, error);
    if (r == 0)
        r = prepare(db, schema->statements, db->statement_count, db->statements, error);
    if (r < 0)
        return r;

    *ret = TAKE(db);
    return 0;
}

const char *database_path(const struct database *db)
{
    return db->path;
}

/* One step of a transaction. A statement that failed is reset too: it must not hold locks. */
static int transaction_step(struct database *db, enum transaction_step step)
{
    int code = sqlite3_step(db->transaction[step]);
    sqlite3_reset(db->transaction[step]);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static bool in_transaction(const struct database *db)
{
    return !sqlite3_get_autocommit(db->handle);
}

static int out_of_turn(const struct database *db, struct error *error)
{
    return error_set(error, -EINVAL, "%s: written to outside a transaction, or within two of them",
                     db->path);
}

int database_begin(struct database *db, struct error *error)
{
    if (in_transaction(db))
        return out_of_turn(db, error);

    int code = transaction_step(db, BEGIN);
    return code == SQLITE_OK ? 0 : fault(db, code, error);
}

int database_commit(struct database *db, bool *ret_may_stand, struct error *error)
{
    if (!in_transaction(db))
        return out_of_turn(db, error);

    int code = transaction_step(db, COMMIT);
    if (code == SQLITE_OK)
        return 0;

    /* A full disk took only a part, and the mark of the commit is written last. */
    if (ret_may_stand)
        *ret_may_stand = code != SQLITE_FULL;
    int r = fault(db, code, error);
    database_rollback(db);
    return r;
}

/* SQLite may have rolled back by itself (a full disk); then there is nothing to do. A rollback that
 * fails leaves no transaction either: pages are dropped, and the log was never marked. */
void database_rollback(struct database *db)
{
    if (in_transaction(db))
        transaction_step(db, ROLLBACK);
}

/* Through SQLite's own file, whose first sync also makes the log's name durable. What a checkpoint
 * has copied out of the log it has synced itself. The handle keeps no errno of this call. */
int database_sync(struct database *db, struct error *error)
{
    if (in_transaction(db))
        return out_of_turn(db, error);

    sqlite3_file *log = NULL;
    int code = sqlite3_file_control(db->handle, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (code == SQLITE_OK && log && log->pMethods)
        code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    return code == SQLITE_OK ? 0 : fault_set(error, code, NULL, db->kind, db->path);
}

struct row database_row(struct database *db, unsigned statement)
{
    return (struct row){.statement = db->statements[statement], .next = 1};
}

int database_run(struct database *db, struct row *row, int64_t *ret_changed, struct error *error)
{
    if (!in_transaction(db)) {
        row_end(row);
        return out_of_turn(db, error);
    }

    int code = row->failed;
    if (code == SQLITE_OK)
        code = sqlite3_step(row->statement);

    int r = code == SQLITE_DONE ? 0 : fault(db, code, error);
    row_end(row);
    if (r < 0)
        database_rollback(db);
    else if (ret_changed)
        *ret_changed = sqlite3_changes64(db->handle);
    return r;
}

int database_run_one(struct database *db, struct row *row, const char *what, struct error *error)
{
    int64_t changed;
    int r = database_run(db, row, &changed, error);
    if (r < 0)
        return r;
    if (changed == 1)
        return 0;

    database_rollback(db);
    return error_set(error, -ENOENT, "%s: the %s knows no such %s", db->path, db->kind, what);
}

int64_t database_last_key(const struct database *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int database_next(struct database *db, struct row *row, struct error *error)
{
    int code = row->failed;
    if (code == SQLITE_OK)
        code = sqlite3_step(row->statement);
    row->next = 0;

    if (code == SQLITE_ROW)
        return 1;
    return code == SQLITE_DONE ? 0 : fault(db, code, error);
}

int database_got(struct database *db, const struct row *row, struct error *error)
{
    return row->failed == SQLITE_OK ? 0 : fault(db, row->failed, error);
}

int database_checkpoint(struct database *db, struct error *error)
{
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return code == SQLITE_OK ? 0 : fault(db, code, error);
}

void database_rest(struct database *db)
{
    sqlite3_db_release_memory(db->handle);
}
