// SPDX-License-Identifier: Apache-2.0
#include "sink/output_path.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int64_t time_ns(struct statx_timestamp t)
{
    return t.tv_sec * NS_PER_SECOND + t.tv_nsec;
}

int output_path_look(int fd, const char *path, struct output_found *ret)
{
    struct statx st;
    int flags = AT_SYMLINK_NOFOLLOW | (*path ? 0 : AT_EMPTY_PATH);
    if (statx(fd, path, flags, STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
        return -errno;
    *ret = (struct output_found){
        .id = {.device = makedev(st.stx_dev_major, st.stx_dev_minor),
               .inode = st.stx_ino,
               .birth_ns = st.stx_mask & STATX_BTIME ? time_ns(st.stx_btime) : 0},
        .size = st.stx_size,
        .changed_ns = time_ns(st.stx_mtime),
        .regular = S_ISREG(st.stx_mode),
    };
    return 0;
}

/* `path` without its last component; "/" for one at the root. NULL: no memory. */
static char *parent_of(const char *path)
{
    size_t size = (size_t)(strrchr(path, '/') - path);
    return strndup(path, size ? size : 1);
}

int output_path_find(const char *path, struct file_id file, char ret[NEIGHBOUR_PATH_MAX])
{
    CLEANUP_FREE char *parent = parent_of(path);
    if (!parent)
        return -ENOMEM;
    CLEANUP(closedir) DIR *directory = opendir(parent);
    if (!directory)
        return -errno;
    const struct dirent *name;
    for (int i = 0; i < NEIGHBOURS_MAX && (name = readdir(directory)); i++) {
        char there[NEIGHBOUR_PATH_MAX];
        struct output_found found;
        if (name->d_ino != file.inode)
            continue;
        snprintf(there, sizeof(there), "%s/%s", parent, name->d_name);
        if (output_path_look(AT_FDCWD, there, &found) < 0 || !file_id_equal(found.id, file))
            continue;
        memcpy(ret, there, sizeof(there));
        return 0;
    }
    return -ENOENT;
}

int output_path_sync_directory(const char *path, struct error *error)
{
    CLEANUP_FREE char *directory = parent_of(path);
    if (!directory)
        return error_set(error, -ENOMEM, "%s: %s", path, strerror(ENOMEM));
    CLEANUP(close_fd) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "opening %s: %s", directory, strerror(errno));
    if (fsync(fd) < 0)
        return error_set(error, -errno, "syncing %s: %s", directory, strerror(errno));
    return 0;
}

int output_path_make_directories(const char *path, struct error *error)
{
    CLEANUP_FREE char *directory = strdup(path);
    if (!directory)
        return error_set(error, -ENOMEM, "%s: %s", path, strerror(ENOMEM));
    for (char *slash = strchr(directory + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(directory, 0750) == 0) {
            int r = output_path_sync_directory(directory, error);
            if (r < 0)
                return r;
        } else if (errno != EEXIST) {
            return error_set(error, -errno, "making the directory %s: %s", directory,
                             strerror(errno));
        }
        *slash = '/';
    }
    return 0;
}
