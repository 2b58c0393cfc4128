// SPDX-License-Identifier: Apache-2.0
#include "ledger/fault.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int fault_damaged(struct error *error, const char *why, const char *kind, const char *path)
{
    return error_set(error, -EBADMSG,
                     "%s: the %s is damaged (%s): restore it, or save what is readable with "
                     "`sqlite3 FILE .recover`, or move it away together with its -wal and -shm to "
                     "begin a new one",
                     path, kind, why);
}

static int not_allowed(struct error *error, int answer, const char *kind, const char *path)
{
    return error_set(error, answer,
                     "%s: uid %u may not use the %s (%s): give it rights to the file, its -wal and "
                     "-shm, and their directory",
                     path, (unsigned)geteuid(), kind, strerror(-answer));
}

int fault_cannot_open(struct error *error, int answer, const char *kind, const char *path)
{
    switch (answer) {
    case -EACCES:
    case -EPERM:
    case -EROFS: return not_allowed(error, answer, kind, path);
    case -ENOENT:
        return error_set(error, answer, "%s: there is no such %s: check the path and its directory",
                         path, kind);
    default:
        return error_set(error, answer,
                         "%s: the %s cannot be opened (%s): check the path, and that its directory "
                         "is one that may be written",
                         path, kind, strerror(-answer));
    }
}

static int full(struct error *error, int answer, const char *kind, const char *path)
{
    return error_set(error, answer,
                     "%s: no space left for the %s (%s): make room on its file system; what was "
                     "committed before is kept",
                     path, kind, strerror(-answer));
}

int fault_set(struct error *error, int code, sqlite3 *handle, const char *kind, const char *path)
{
    int system = handle ? -sqlite3_system_errno(handle) : 0;

    switch (code & 0xff) {
    case SQLITE_FULL: return full(error, -ENOSPC, kind, path);
    case SQLITE_IOERR:
        if (system == -ENOSPC || system == -EDQUOT)
            return full(error, system, kind, path);
        if (system == -EISDIR)
            return fault_cannot_open(error, system, kind, path);
        if (code == SQLITE_IOERR_NOMEM)
            return error_set(error, -ENOMEM, "%s: out of memory", path);
        return error_set(error, system ? system : -EIO,
                         "%s: the disk failed the %s (%s): check the disk and the kernel "
                         "log; what was committed before is kept",
                         path, kind, system ? strerror(-system) : sqlite3_errstr(code));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return fault_damaged(error, sqlite3_errstr(code), kind, path);
    case SQLITE_CANTOPEN: return fault_cannot_open(error, system ? system : -EIO, kind, path);
    case SQLITE_READONLY:
    case SQLITE_PERM: return not_allowed(error, -EACCES, kind, path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(error, -EBUSY,
                         "%s: another process keeps the %s locked: end it (fuser FILE names it)",
                         path, kind);
    case SQLITE_NOMEM: return error_set(error, -ENOMEM, "%s: out of memory", path);
    case SQLITE_CONSTRAINT:
        return error_set(error, -EEXIST, "%s: the %s refuses the row: %s", path, kind,
                         handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
    default:
        return error_set(error, -EIO, "%s: the %s failed: %s", path, kind,
                         handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
    }
}
