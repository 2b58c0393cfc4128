// SPDX-License-Identifier: Apache-2.0
#include "docker/disk.h"

#include "base/limits.h"
#include "docker/container_json.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { READ_BYTES = 16 * 1024 /* at once, at least: most files are smaller */ };

/* Opens a regular file and nothing else: what lies there is not ours, and a FIFO must not block. */
static int open_regular(int dir_fd, const char *name, int *ret_fd, size_t *ret_size,
                        struct error *error)
{
    CLEANUP(close_fd)
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0 && errno == ENOENT)
        return error_set(error, DISK_E_NOT_YET, "%s: not there yet", name);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_set(error, -errno, "%s: %m", name);
    if (!S_ISREG(st.st_mode))
        return error_set(error, -EBADMSG, "%s: no regular file", name);
    *ret_fd = TAKE_FD(fd);
    *ret_size = (size_t)st.st_size;
    return 0;
}

/* The whole of a small file, in one go: the writer replaces it, it does not grow under us. So a
 * read that fills less than its room, where the file has no more, was the last. */
static int read_whole(int dir_fd, const char *name, struct buf *to, struct error *error)
{
    CLEANUP(close_fd) int fd = -1;
    size_t size = 0;
    int r = open_regular(dir_fd, name, &fd, &size, error);
    if (r != 0)
        return r;

    for (;;) {
        char *room = size <= CONTAINER_JSON_MAX ? buf_reserve(to, READ_BYTES) : NULL;
        if (!room)
            return error_set(error, to->failed == -ENOMEM ? -ENOMEM : -EFBIG,
                             "%s: larger than the %d bytes that are read", name,
                             CONTAINER_JSON_MAX);
        size_t wanted = to->capacity - to->size;
        ssize_t n = read(fd, room, wanted);
        if (n < 0)
            return error_set(error, -errno, "%s: %m", name);
        to->size += (size_t)n;
        if (n == 0 || ((size_t)n < wanted && to->size >= size))
            return 0;
    }
}

static int open_container(int containers_fd, const char *id, int *ret_fd, struct error *error)
{
    int fd = openat(containers_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return error_set(error, errno == ENOENT ? DISK_E_GONE : -errno, "%s: %m", id);
    *ret_fd = fd;
    return 0;
}

static int read_in(struct container **ret, int dir_fd, const struct container_constants *constants,
                   struct error *error)
{
    /* One more read's room than the text may have, so that the end of a largest file is seen. */
    CLEANUP(buf_deinit) struct buf config = BUF_INIT(CONTAINER_JSON_MAX + READ_BYTES);
    CLEANUP(buf_deinit) struct buf hostconfig = BUF_INIT(CONTAINER_JSON_MAX + READ_BYTES);

    int r = read_whole(dir_fd, "config.v2.json", &config, error);
    if (r == 0)
        r = read_whole(dir_fd, "hostconfig.json", &hostconfig, error);
    if (r == 0)
        r = container_from_disk(ret, buf_span(&config), buf_span(&hostconfig), constants, error);
    return r == CONTAINER_JSON_E_CUT ? DISK_E_NOT_YET : r;
}

int disk_read_container(struct container **ret, int containers_fd, const char *id,
                        const struct container_constants *constants, struct error *error)
{
    CLEANUP(close_fd) int dir_fd = -1;
    int r = open_container(containers_fd, id, &dir_fd, error);
    if (r != 0)
        return r;

    CLEANUP(container_unref) struct container *c = NULL;
    r = read_in(&c, dir_fd, constants, error);
    if (r == 0 && strcmp(c->id, id) != 0)
        r = error_set(error, -EBADMSG, "config.v2.json speaks of container %.12s", c->id);
    if (r != 0) {
        error_prefix(error, "container %.12s", id);
        return r;
    }
    *ret = TAKE(c);
    return 0;
}

static void list_one(int containers_fd, const char *id, const struct container_constants *constants,
                     const struct disk_listener *listener)
{
    CLEANUP(container_unref) struct container *c = NULL;
    struct error error = {""};
    int r = disk_read_container(&c, containers_fd, id, constants, &error);

    if (r == 0)
        listener->container(listener->context, c);
    else if (r != DISK_E_GONE) /* removed while we listed: nothing to tell */
        listener->failed(listener->context, id, r, &error);
}

int disk_list(int containers_fd, const struct container_constants *constants,
              const struct disk_listener *listener, struct error *error)
{
    /* A descriptor of its own: the position of the caller's is not ours to move. */
    CLEANUP(close_fd) int fd = openat(containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "the containers directory: %m");
    CLEANUP(closedir) DIR *dir = fdopendir(fd);
    if (!dir)
        return error_set(error, -errno, "the containers directory: %m");
    (void)TAKE_FD(fd);

    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? error_set(error, -errno, "the containers directory: %m") : 0;
        if (container_id_valid(entry->d_name))
            list_one(containers_fd, entry->d_name, constants, listener);
    }
}
