/* failing_vfs — SQLite's own VFS with a disk that can be told to fail, and whose power can be cut.
 *
 * Counts the operations of the kind that `failing` names, on write-ahead logs or on all files, and
 * from the `allowed`-th on answers `code` and the system's `system_errno` instead. A failed sync
 * leaves what was written where it is, as a kernel does.
 *
 * With `remembers` it keeps, beside each file, what a sync last made durable of it: the worst that
 * a power cut may leave.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

enum failing_operation { FAIL_NOTHING, FAIL_READ, FAIL_WRITE, FAIL_SYNC };

struct failing_vfs {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    enum failing_operation failing;
    bool logs_only;
    int allowed;
    int code;
    int system_errno;
    bool remembers;
    unsigned log_syncs, other_syncs; /* that succeeded */
};

/* Registers it under the name FAILING_VFS, until failing_vfs_unregister. */
#define FAILING_VFS "failing"
void failing_vfs_register(struct failing_vfs *failing);
void failing_vfs_unregister(struct failing_vfs *failing);

/* Copies the book at `path`, with its log, as a power cut now would leave it. */
void failing_vfs_copy_after_cut(const char *path, const char *to);
