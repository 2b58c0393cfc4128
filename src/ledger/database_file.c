// SPDX-License-Identifier: Apache-2.0
#include "ledger/database_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/limits.h"
#include "ledger/fault.h"

/* How long a lock of somebody else is waited for: readers hold theirs for one query. */
enum { BUSY_TIMEOUT_MS = 5000 };

/* Temporary structures stay in memory: a sandboxed daemon has no /var/tmp. What a damaged or
 * hostile file says of itself is not run. */
static const char every_opening[] = "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
                                    "PRAGMA cell_size_check = ON;";

/* A new file needs no journal: it is thrown away if it is not finished. */
static const char new_file[] = "PRAGMA journal_mode = OFF; PRAGMA synchronous = FULL;";

/* A file being opened. */
struct opening {
    sqlite3 *handle; /* owned */
    const char *path;
    const char *vfs;
    const struct schema *schema;
    struct error *error;
};

static int fault(const struct opening *o, int code)
{
    return fault_set(o->error, code, o->handle, o->schema->kind, o->path);
}

static void give_up(struct opening *o)
{
    sqlite3_close(o->handle);
    o->handle = NULL;
}

static int connect_to(struct opening *o, const char *name, int flags)
{
    int code = sqlite3_open_v2(name, &o->handle,
                               flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, o->vfs);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(o->handle, BUSY_TIMEOUT_MS);
    if (code == SQLITE_OK)
        code = sqlite3_exec(o->handle, every_opening, NULL, NULL, NULL);
    return code;
}

static int run(struct opening *o, const char *sql)
{
    int code = sqlite3_exec(o->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : fault(o, code);
}

/* The first column of the first row, as a number and as text. Answers SQLite's code. */
struct answer {
    int64_t number;
    char text[200]; /* cut at the end */
};

static int ask(struct opening *o, const char *sql, struct answer *ret)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(o->handle, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        snprintf(ret->text, sizeof(ret->text), "%s", text ? text : "");
        ret->number = sqlite3_column_int64(statement, 0);
    }
    int finalized = sqlite3_finalize(statement);
    return code == SQLITE_ROW ? SQLITE_OK : finalized;
}

/* Brings version `from` up to ours, all of it or nothing. */
static int migrate(struct opening *o, int from)
{
    const struct schema *schema = o->schema;
    int r = run(o, "BEGIN IMMEDIATE");

    for (int version = from; r == 0 && version < schema->version; version++)
        r = run(o, schema->migrations[version]);
    if (r == 0 && from == 0 && schema->first_rows)
        r = run(o, schema->first_rows);

    char stamp[128];
    snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
             schema->application_id, schema->version);
    if (r == 0)
        r = run(o, stamp);

    if (r < 0 && !sqlite3_get_autocommit(o->handle))
        sqlite3_exec(o->handle, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

/* Making a new one. */

static int suffixed(char to[PATH_BYTES_MAX], const struct opening *o, const char *suffix)
{
    int size = snprintf(to, PATH_BYTES_MAX, "%s%s", o->path, suffix);
    if (size < PATH_BYTES_MAX)
        return 0;
    return error_set(o->error, -ENAMETOOLONG, "%s: the path is too long: at most %d bytes", o->path,
                     PATH_BYTES_MAX - 1);
}

/* The bytes of `PATH`+suffix, 0 where there is no such file. */
static int size_of(const struct opening *o, const char *suffix, int64_t *ret_size)
{
    char name[PATH_BYTES_MAX];
    struct stat st;

    int r = suffixed(name, o, suffix);
    if (r < 0)
        return r;
    *ret_size = stat(name, &st) == 0 ? st.st_size : 0;
    return 0;
}

static int sync_directory(const struct opening *o)
{
    char name[PATH_BYTES_MAX];
    snprintf(name, sizeof(name), "%s", o->path);

    CLEANUP(close_fd) int fd = open(dirname(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return error_set(o->error, -errno,
                         "%s: its directory cannot be written to disk (%s): check the disk",
                         o->path, strerror(errno));
    return 0;
}

static int fill(struct opening *o, const char *name)
{
    /* SQLite tries more than one way in, and forgets why the first failed. */
    CLEANUP(close_fd) int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return fault_cannot_open(o->error, -errno, o->schema->kind, o->path);

    int code = connect_to(o, name, SQLITE_OPEN_READWRITE);
    int r = code == SQLITE_OK ? 0 : fault(o, code);

    if (r == 0)
        r = run(o, new_file);
    if (r == 0)
        r = migrate(o, 0);
    give_up(o);
    return r;
}

/* What stands beside a missing book belongs to it: laid beside a new one, SQLite would mix both. */
static int refuse_orphaned_log(const struct opening *o)
{
    int64_t size;
    int r = size_of(o, "-wal", &size);
    if (r < 0 || size == 0)
        return r;
    return error_set(o->error, -EBADMSG,
                     "%s: the %s is missing but its %s-wal is there: put both back, or move that "
                     "away too to begin a new one",
                     o->path, o->schema->kind, o->path);
}

static int create(struct opening *o)
{
    char name[PATH_BYTES_MAX];
    int r = suffixed(name, o, ".new");
    if (r == 0)
        r = refuse_orphaned_log(o);
    if (r < 0)
        return r;

    unlink(name); /* of a start that was killed here */
    r = fill(o, name);
    if (r == 0 && rename(name, o->path) < 0)
        r = error_set(o->error, -errno, "%s: cannot be renamed to %s (%s): check the directory",
                      name, o->path, strerror(errno));
    if (r < 0) {
        unlink(name);
        return r;
    }
    return sync_directory(o);
}

/* Opening one that is there. */

static int foreign(const struct opening *o)
{
    return error_set(o->error, -EINVAL,
                     "%s: this is no %s of tallyman but something else's database: check the path",
                     o->path, o->schema->kind);
}

/* Whose file it is, and of which version. */
static int identify(struct opening *o, int *ret_version)
{
    struct answer id, version;
    int64_t size;

    int r = size_of(o, "", &size);
    if (r < 0)
        return r;
    if (size == 0)
        return fault(o, SQLITE_NOTADB);

    int code = ask(o, "PRAGMA application_id", &id);
    if (code == SQLITE_OK)
        code = ask(o, "PRAGMA user_version", &version);
    if (code != SQLITE_OK)
        return fault(o, code);
    if (id.number != o->schema->application_id)
        return foreign(o);
    if (version.number > o->schema->version)
        return error_set(o->error, -ENOTSUP,
                         "%s: the %s was written by a newer tallyman (schema %d, this one knows "
                         "%d): run that version again, or move the file away to begin a new one",
                         o->path, o->schema->kind, (int)version.number, o->schema->version);
    *ret_version = (int)version.number;
    return 0;
}

static int check_pages(struct opening *o)
{
    struct answer verdict;
    int code = ask(o, "PRAGMA quick_check(1)", &verdict);
    if (code != SQLITE_OK)
        return fault(o, code);
    if (strcmp(verdict.text, "ok") == 0)
        return 0;

    const char *heading_end = strrchr(verdict.text, '\n');
    return fault_damaged(o->error, heading_end ? heading_end + 1 : verdict.text, o->schema->kind,
                         o->path);
}

/* The log is what lets readers in beside us, and what a commit costs one fsync with. */
static int begin_log(struct opening *o)
{
    struct answer mode;
    int code = ask(o, "PRAGMA journal_mode = WAL", &mode);
    if (code != SQLITE_OK)
        return fault(o, code);
    return strcmp(mode.text, "wal") == 0
               ? 0
               : error_set(o->error, -ENOTSUP,
                           "%s: its file system cannot hold a write-ahead log (no shared memory): "
                           "put the state directory on a local disk",
                           o->path);
}

static int open_to_write(struct opening *o)
{
    int code = connect_to(o, o->path, SQLITE_OPEN_READWRITE);
    /* SQLite opens a file that may not be written for reading, without a word. */
    if (code == SQLITE_OK && sqlite3_db_readonly(o->handle, "main") == 1)
        code = SQLITE_READONLY;
    if (code != SQLITE_OK)
        return fault(o, code);

    int version;
    int r = identify(o, &version);
    if (r == 0)
        r = check_pages(o);
    if (r == 0)
        r = begin_log(o);
    if (r == 0)
        r = run(o, o->schema->settings);
    if (r == 0 && version < o->schema->version)
        r = migrate(o, version);
    return r;
}

/* `PATH` as a URI that promises that nobody writes. */
static const char *immutable_uri(struct buf *to, const char *path)
{
    buf_append(to, SPAN("file:"));
    for (const char *at = path; *at; at++)
        if (strchr("%?#", *at))
            buf_append_format(to, "%%%02x", (unsigned char)*at);
        else
            buf_append_char(to, *at);
    buf_append(to, SPAN("?immutable=1"));
    return buf_string(to);
}

/* A reader of a file with a log needs the log's shared memory, and where it is not there, makes it.
 * In a directory it may not write to that fails; but where there is no log either, the writer has
 * ended in order and the file alone is the whole book. (A writer that starts just now is not seen:
 * the reader may read torn pages, and says damaged. It should ask again.) */
static int open_at_rest(struct opening *o)
{
    CLEANUP(buf_deinit) struct buf uri = BUF_INIT(4 * PATH_BYTES_MAX);
    const char *name = immutable_uri(&uri, o->path);
    if (!name)
        return error_set(o->error, -ENOMEM, "%s: out of memory", o->path);

    give_up(o);
    int code = connect_to(o, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    return code == SQLITE_OK ? 0 : fault(o, code);
}

/* The log's shared memory is missing, and cannot be made here. */
static int no_way_in(const struct opening *o)
{
    return error_set(o->error, -EACCES,
                     "%s: uid %u can read the %s only together with its %s-wal, and for that needs "
                     "to write in its directory: read it as its owner, or copy both elsewhere",
                     o->path, (unsigned)geteuid(), o->schema->kind, o->path);
}

static int connect_to_read(struct opening *o)
{
    struct answer ignored;
    int code = connect_to(o, o->path, SQLITE_OPEN_READONLY);
    if (code == SQLITE_OK)
        code = ask(o, "PRAGMA user_version", &ignored);
    if (code == SQLITE_OK)
        return 0;
    if (!(code == SQLITE_READONLY_DIRECTORY || (code & 0xff) == SQLITE_CANTOPEN) ||
        access(o->path, R_OK) < 0)
        return fault(o, code);

    int64_t log_size;
    int r = size_of(o, "-wal", &log_size);
    if (r < 0)
        return r;
    return log_size == 0 ? open_at_rest(o) : no_way_in(o);
}

static int open_to_read(struct opening *o)
{
    int version;
    int r = connect_to_read(o);
    if (r == 0)
        r = identify(o, &version);
    if (r < 0 || version == o->schema->version)
        return r;
    return error_set(o->error, -ENOTSUP,
                     "%s: the %s is of an older version (schema %d): start this tallyman on it "
                     "once, which brings it up to %d",
                     o->path, o->schema->kind, version, o->schema->version);
}

int database_file_open(sqlite3 **ret, const char *path, const char *vfs, unsigned flags,
                       const struct schema *schema, struct error *error)
{
    struct opening o = {.path = path, .vfs = vfs, .schema = schema, .error = error};
    int r = 0;

    if (flags & DATABASE_READ_ONLY)
        r = open_to_read(&o);
    else {
        if (access(path, F_OK) < 0 && errno == ENOENT)
            r = create(&o);
        if (r == 0)
            r = open_to_write(&o);
    }

    if (r < 0)
        give_up(&o);
    else
        *ret = o.handle;
    return r;
}
