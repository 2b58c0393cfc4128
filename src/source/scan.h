/* scan — what lies in a log directory: the live file and its rotations, oldest first.
 *
 * Source of the names: docker-logs §1.2: exactly NAME, NAME.N, NAME.N.gz, N from 1, newest first;
 * of NAME.N and NAME.N.gz the plain one is complete while the other may still be growing.
 *
 * - Limits: SCAN_FILES_MAX files; more are left out, oldest first.
 * - Thread: one; the caller's memory.
 */
#pragma once

#include "model/cursor.h"

#include <stdbool.h>

enum { SCAN_FILES_MAX = 1024, SCAN_NAME_MAX = 160 };

struct scan_file {
    char name[SCAN_NAME_MAX];
    unsigned number; /* 0: the live file */
    bool gzip;
    struct file_id file;
    uint64_t size; /* bytes */
};

struct scan {
    struct scan_file *files; /* owned */
    size_t count, capacity;
};

void scan_deinit(struct scan *s);

/* 0, -ENOENT where the directory is gone, -errno. Looks again until two looks agree, since a
 * rotation may be under way; one will do where the directory's own time says that none is. */
int scan_directory(const char *directory, const char *live_name, struct scan *ret) MUST_CHECK;

/* Device, inode and birth of an open file; of what a path names, links not followed. */
int scan_identify(int fd, struct file_id *ret, uint64_t *ret_size, unsigned *ret_links) MUST_CHECK;
int scan_identify_path(const char *path, struct file_id *ret, uint64_t *ret_size) MUST_CHECK;
