/* output_path — what lies at an output's path and beside it, and making the way to a new file
 * durable.
 *
 * A file survives a power cut only when the directory that names it was synced, and that directory
 * only when its own parent was.
 */
#pragma once

#include "base/error.h"
#include "base/limits.h"
#include "model/cursor.h"

#include <stdbool.h>

enum {
    NEIGHBOURS_MAX = 10000, /* names in an output's directory that are searched for a file */
    NEIGHBOUR_PATH_MAX = PATH_BYTES_MAX + 256, /* bytes */
};

/* What lies at a path, or behind a descriptor. */
struct output_found {
    struct file_id id;
    uint64_t size;
    int64_t changed_ns; /* its content, as its time of modification says */
    bool regular;
};

/* `fd` AT_FDCWD: what lies at `path`, a symbolic link itself; `path` "": what is open. -errno. */
int output_path_look(int fd, const char *path, struct output_found *ret) MUST_CHECK;

/* Looks in the directory of `path` for the file, whatever name it has there by now, and writes that
 * path. -ENOENT where none of the first NEIGHBOURS_MAX names leads to it; -errno. */
int output_path_find(const char *path, struct file_id file, char ret[NEIGHBOUR_PATH_MAX])
    MUST_CHECK;

/* Makes the directories above `path` that are missing (0750), each synced into its parent. */
int output_path_make_directories(const char *path, struct error *error) MUST_CHECK;

/* Syncs the directory that `path` lies in. */
int output_path_sync_directory(const char *path, struct error *error) MUST_CHECK;
