// SPDX-License-Identifier: Apache-2.0
#include "ledger/state_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/limits.h"

enum { PID_TEXT_MAX = 24 /* bytes */ };

static int make_directory(const char *path, struct error *error)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    return error_set(error, -errno,
                     "%s: this directory is missing and uid %u cannot make it (%s): make it, or "
                     "name another one as state",
                     path, (unsigned)geteuid(), strerror(errno));
}

/* Makes the directory and what is missing above it. */
static int make_path(const char *state_dir, struct error *error)
{
    char path[PATH_BYTES_MAX];
    size_t size = strlen(state_dir);
    if (size == 0 || size >= sizeof(path))
        return error_set(error, size ? -ENAMETOOLONG : -EINVAL,
                         "'%s': the state directory needs a name of 1 to %d bytes", state_dir,
                         PATH_BYTES_MAX - 1);
    memcpy(path, state_dir, size + 1);

    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        int r = make_directory(path, error);
        if (r < 0)
            return r;
        *at = '/';
    }
    return make_directory(path, error);
}

static int refuse(int fd, const char *state_dir, struct error *error)
{
    char pid[PID_TEXT_MAX] = "";
    ssize_t size = pread(fd, pid, sizeof(pid) - 1, 0);

    pid[size > 0 ? strspn(pid, "0123456789") : 0] = '\0';
    return error_set(error, -EBUSY,
                     "%s: this state directory is in use by another tallyman, pid %s: stop that "
                     "one, or name another directory as state",
                     state_dir, *pid ? pid : "unknown");
}

/* Only for the message of the next one: a full disk does not keep us from starting. */
static void write_pid(int fd)
{
    char pid[PID_TEXT_MAX];
    int size = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());

    if (ftruncate(fd, 0) == 0) {
        ssize_t ignored = pwrite(fd, pid, (size_t)size, 0);
        (void)ignored;
    }
}

int state_lock_acquire(const char *state_dir, int *ret_fd, struct error *error)
{
    char path[PATH_BYTES_MAX + sizeof("/lock")];
    int r = make_path(state_dir, error);
    if (r < 0)
        return r;

    snprintf(path, sizeof(path), "%s/lock", state_dir);
    CLEANUP(close_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set(error, -errno,
                         "%s: uid %u cannot open the lock of the state directory (%s): check its "
                         "rights and that it is a directory on a disk that may be written",
                         path, (unsigned)geteuid(), strerror(errno));

    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            return refuse(fd, state_dir, error);
        return error_set(error, -errno, "%s: cannot be locked (%s): put the state on a local disk",
                         path, strerror(errno));
    }

    write_pid(fd);
    *ret_fd = TAKE_FD(fd);
    return 0;
}
