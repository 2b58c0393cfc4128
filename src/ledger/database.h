/* database — one SQLite file as a book of ours: opened, checked, migrated, its statements ready.
 *
 * A book appears whole or not at all: it is made under `PATH.new` and renamed. So an empty or
 * half-written PATH is damage, never a beginning, and is refused like any other damage. The VFS, if
 * one is named, has to keep its files in the file system under their own names.
 *
 * Power cut: the new file is fsynced by its first commit, its name by the fsync of the directory
 * after the rename (here). The write-ahead log's name is fsynced by SQLite itself: its unix VFS
 * fsyncs the directory with the first sync of a log it created.
 *
 * - Owns: one connection, its prepared statements.
 * - Thread: one.
 * - Errors: -errno with one sentence that names the file and what to do.
 *     -ENOENT     no such book (read only), or no directory to make it in
 *     -EBADMSG    damaged
 *     -EINVAL     not a book of this kind, or called out of turn
 *     -ENOTSUP    made by a newer version; or its file system can't hold a write-ahead log
 *     -EACCES -EROFS -EBUSY -ENOSPC -EIO …  what the system answered
 * - After a failed run or commit the transaction is rolled back.
 */
#pragma once

#include "base/error.h"
#include "ledger/row.h"

struct schema {
    const char *kind;              /* for the sentences: "ledger" */
    int32_t application_id;        /* in the file's header */
    const char *const *migrations; /* SQL; migrations[n] makes version n + 1 of version n */
    int version;                   /* how many migrations there are */
    const char *first_rows;        /* SQL run once in a new book, NULL for none */
    const char *settings;          /* SQL run at each opening for writing */
    const char *const *statements; /* prepared at open, called by their index */
    unsigned statement_count;
};

enum { DATABASE_READ_ONLY = 1 << 0 };

struct database;

/* The schema and `path` may go after the call. */
int database_open(struct database **ret, const char *path, const char *vfs, unsigned flags,
                  const struct schema *schema, struct error *error) MUST_CHECK;
struct database *database_close(struct database *db);
DEFINE_CLEANUP(struct database *, database_close)

const char *database_path(const struct database *db);

/* A transaction that locks out other writers from its beginning on. */
int database_begin(struct database *db, struct error *error) MUST_CHECK;
/* A commit that failed after everything was written (its fsync) may still stand whole in the log:
 * *ret_may_stand, if not NULL, says so. */
int database_commit(struct database *db, bool *ret_may_stand, struct error *error) MUST_CHECK;
void database_rollback(struct database *db);

/* Has the disk keep what is committed, where the schema's settings leave that for later
 * (synchronous = NORMAL): one fdatasync of the write-ahead log. A power cut before it undoes the
 * last commits, whole ones, newest first; a killed process undoes none. Not within a transaction.
 */
int database_sync(struct database *db, struct error *error) MUST_CHECK;

/* The statement of that index, its first parameter next. */
struct row database_row(struct database *db, unsigned statement);

/* Runs a statement that answers no rows, within a transaction. *ret_changed, if not NULL, is the
 * number of rows it inserted, changed or deleted. Ends the row. */
int database_run(struct database *db, struct row *row, int64_t *ret_changed, struct error *error)
    MUST_CHECK;
/* The same for what has to change exactly one row: -ENOENT, naming `what`, where there is none. */
int database_run_one(struct database *db, struct row *row, const char *what, struct error *error)
    MUST_CHECK;

/* The key of the row inserted last. */
int64_t database_last_key(const struct database *db);

/* 1: a result row is there, its first column next. 0: no more. */
int database_next(struct database *db, struct row *row, struct error *error) MUST_CHECK;
/* After the columns were got: -EBADMSG where one of them made no sense. */
int database_got(struct database *db, const struct row *row, struct error *error) MUST_CHECK;

/* Copies the write-ahead log into the file, as far as readers allow. */
int database_checkpoint(struct database *db, struct error *error) MUST_CHECK;

/* Gives back the memory of pages that were read; what needs them next reads them again. */
void database_rest(struct database *db);
