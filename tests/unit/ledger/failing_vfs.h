/* failing_vfs — SQLite's own VFS with a disk that can be told to fail.
 *
 * Counts the operations of the kind that `failing` names, on write-ahead logs or on all files, and
 * from the `allowed`-th on answers `code` and the system's `system_errno` instead. A failed sync
 * leaves what was written where it is, as a kernel does.
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
};

/* Registers it under the name FAILING_VFS, until failing_vfs_unregister. */
#define FAILING_VFS "failing"
void failing_vfs_register(struct failing_vfs *failing);
void failing_vfs_unregister(struct failing_vfs *failing);
