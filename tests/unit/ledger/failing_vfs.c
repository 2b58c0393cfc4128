// SPDX-License-Identifier: Apache-2.0
#include "failing_vfs.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 1024, COPY_BYTES = 64 * 1024 };

struct failing_file {
    sqlite3_file base;
    struct failing_vfs *owner;
    const char *name; /* SQLite's, for as long as it is open */
    bool log;
    _Alignas(sqlite3_file) char real[]; /* the real VFS's file */
};

static sqlite3_file *real_of(sqlite3_file *file)
{
    void *real = ((struct failing_file *)file)->real;
    return real;
}

static int allow(sqlite3_file *file, enum failing_operation operation)
{
    struct failing_file *f = (struct failing_file *)file;
    struct failing_vfs *owner = f->owner;

    if (owner->failing != operation || (owner->logs_only && !f->log))
        return SQLITE_OK;
    return owner->allowed-- > 0 ? SQLITE_OK : owner->code;
}

static int failing_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int failing_read(sqlite3_file *file, void *to, int size, sqlite3_int64 offset)
{
    int code = allow(file, FAIL_READ);
    return code ? code : real_of(file)->pMethods->xRead(real_of(file), to, size, offset);
}

static int failing_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 offset)
{
    int code = allow(file, FAIL_WRITE);
    return code ? code : real_of(file)->pMethods->xWrite(real_of(file), from, size, offset);
}

static int failing_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static void check(bool good)
{
    if (!good)
        abort();
}

/* A missing one is left out. */
static void copy(const char *from, const char *to)
{
    char bytes[COPY_BYTES];
    size_t size;
    FILE *in = fopen(from, "rb"), *out = NULL;
    unlink(to);
    if (!in)
        return;
    check((out = fopen(to, "wb")));
    while ((size = fread(bytes, 1, sizeof(bytes), in)))
        check(fwrite(bytes, 1, size, out) == size);
    check(fclose(out) == 0);
    fclose(in);
}

static void synced_name(char to[NAME_MAX_BYTES], const char *path, const char *suffix)
{
    check(snprintf(to, NAME_MAX_BYTES, "%s%s.synced", path, suffix) < NAME_MAX_BYTES);
}

static void remember(const struct failing_file *f)
{
    char name[NAME_MAX_BYTES];
    synced_name(name, f->name, "");
    copy(f->name, name);
}

void failing_vfs_copy_after_cut(const char *path, const char *to)
{
    char from[NAME_MAX_BYTES], log[NAME_MAX_BYTES];
    synced_name(from, path, "");
    copy(from, to);
    synced_name(from, path, "-wal");
    check(snprintf(log, sizeof(log), "%s-wal", to) < (int)sizeof(log));
    copy(from, log);
}

static int failing_sync(sqlite3_file *file, int flags)
{
    struct failing_file *f = (struct failing_file *)file;
    int code = allow(file, FAIL_SYNC);
    if (code == SQLITE_OK)
        code = real_of(file)->pMethods->xSync(real_of(file), flags);
    if (code != SQLITE_OK)
        return code;
    f->owner->log_syncs += f->log;
    f->owner->other_syncs += !f->log;
    if (f->owner->remembers && f->name)
        remember(f);
    return SQLITE_OK;
}

static int failing_file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), ret);
}

static int failing_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int failing_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int failing_check_lock(sqlite3_file *file, int *ret)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret);
}

static int failing_control(sqlite3_file *file, int operation, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int failing_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int failing_device(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int failing_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, ret);
}

static int failing_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void failing_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int failing_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods failing_methods = {
    .iVersion = 2,
    .xClose = failing_close,
    .xRead = failing_read,
    .xWrite = failing_write,
    .xTruncate = failing_truncate,
    .xSync = failing_sync,
    .xFileSize = failing_file_size,
    .xLock = failing_lock,
    .xUnlock = failing_unlock,
    .xCheckReservedLock = failing_check_lock,
    .xFileControl = failing_control,
    .xSectorSize = failing_sector_size,
    .xDeviceCharacteristics = failing_device,
    .xShmMap = failing_shm_map,
    .xShmLock = failing_shm_lock,
    .xShmBarrier = failing_shm_barrier,
    .xShmUnmap = failing_shm_unmap,
};

static int failing_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                        int *ret_flags)
{
    struct failing_file *f = (struct failing_file *)file;
    f->owner = vfs->pAppData;
    f->name = name;
    f->log = flags & SQLITE_OPEN_WAL;
    f->base.pMethods = NULL;

    int code = f->owner->real->xOpen(f->owner->real, name, real_of(file), flags, ret_flags);
    if (real_of(file)->pMethods)
        f->base.pMethods = &failing_methods;
    return code;
}

static int failing_last_error(sqlite3_vfs *vfs, int size, char *text)
{
    struct failing_vfs *owner = vfs->pAppData;
    return owner->failing == FAIL_NOTHING ? owner->real->xGetLastError(owner->real, size, text)
                                          : owner->system_errno;
}

void failing_vfs_register(struct failing_vfs *failing)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    *failing = (struct failing_vfs){.vfs = *real, .real = real};
    failing->vfs.pNext = NULL;
    failing->vfs.zName = FAILING_VFS;
    failing->vfs.szOsFile = (int)sizeof(struct failing_file) + real->szOsFile;
    failing->vfs.pAppData = failing;
    failing->vfs.xOpen = failing_open;
    failing->vfs.xGetLastError = failing_last_error;
    sqlite3_vfs_register(&failing->vfs, 0);
}

void failing_vfs_unregister(struct failing_vfs *failing)
{
    sqlite3_vfs_unregister(&failing->vfs);
}
