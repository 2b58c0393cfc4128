/* output_path — what lies at an output's path, and making the way to a new file durable.
 *
 * A file survives a power cut only when the directory that names it was synced, and that directory
 * only when its own parent was.
 */
#pragma once

#include "base/error.h"
#include "model/cursor.h"

#include <stdbool.h>

/* What lies at a path, or behind a descriptor. */
struct output_found {
    struct file_id id;
    uint64_t size;
    int64_t changed_ns; /* its content, as its time of modification says */
    bool regular;
};

/* `fd` AT_FDCWD: what lies at `path`, a symbolic link itself; `path` "": what is open. -errno. */
int output_path_look(int fd, const char *path, struct output_found *ret) MUST_CHECK;

/* Makes the directories above `path` that are missing (0750), each synced into its parent. */
int output_path_make_directories(const char *path, struct error *error) MUST_CHECK;

/* Syncs the directory that `path` lies in. */
int output_path_sync_directory(const char *path, struct error *error) MUST_CHECK;
