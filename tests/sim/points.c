// SPDX-License-Identifier: Apache-2.0
#include "points.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static struct {
    unsigned left;
    unsigned (*reached)(void *context);
    void *context;
    int64_t now_ns;
    bool refuse_links;
} state;

void points_plan(unsigned nth, unsigned (*reached)(void *context), void *context)
{
    state.left = nth;
    state.reached = reached;
    state.context = context;
}

void points_set_clock(int64_t now_ns)
{
    state.now_ns = now_ns;
}

void points_refuse_links(bool refuse)
{
    state.refuse_links = refuse;
}

static void point(void)
{
    if (state.left && --state.left == 0)
        state.left = state.reached(state.context);
}

/* Each wrapped call is a point, and then the call itself. */
#define WRAP(type, name, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        point();                                                                                   \
        return __real_##name arguments;                                                            \
    }

WRAP(ssize_t, pread64, (int fd, void *to, size_t size, off_t offset), (fd, to, size, offset))
WRAP(ssize_t, pwrite64, (int fd, const void *from, size_t size, off_t offset),
     (fd, from, size, offset))
WRAP(int, ftruncate64, (int fd, off_t size), (fd, size))
WRAP(int, fdatasync, (int fd), (fd))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, unlink, (const char *path), (path))
WRAP(int, unlinkat, (int fd, const char *name, int flags), (fd, name, flags))
WRAP(int, renameat2, (int from_fd, const char *from, int to_fd, const char *to, unsigned flags),
     (from_fd, from, to_fd, to, flags))
WRAP(DIR *, opendir, (const char *path), (path))
WRAP(struct dirent *, readdir64, (DIR * dir), (dir))
WRAP(int, statx, (int fd, const char *path, int flags, unsigned mask, struct statx *ret),
     (fd, path, flags, mask, ret))
WRAP(int, inotify_add_watch, (int fd, const char *path, uint32_t mask), (fd, path, mask))
WRAP(int, sqlite3_step, (sqlite3_stmt * statement), (statement))

int __real_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    point();
    if (state.refuse_links) {
        errno = EXDEV;
        return -1;
    }
    return __real_linkat(from_fd, from, to_fd, to, flags);
}

static mode_t mode_of(int flags, va_list rest)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    point();
    return __real_open64(path, flags, mode);
}

int __real_openat64(int fd, const char *path, int flags, ...);
int __wrap_openat64(int fd, const char *path, int flags, ...);
int __wrap_openat64(int fd, const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    point();
    return __real_openat64(fd, path, flags, mode);
}

int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
    if (!state.now_ns)
        return __real_clock_gettime(id, ret);
    *ret = (struct timespec){state.now_ns / NS_PER_SECOND, state.now_ns % NS_PER_SECOND};
    return 0;
}
