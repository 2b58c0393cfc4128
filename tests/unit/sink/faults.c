// SPDX-License-Identifier: Apache-2.0
#include "faults.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 1024 };

static struct {
    struct fault_plan plan;
    bool armed, struck;
    unsigned writes, syncs, truncates;
    unsigned started_ahead; /* of the first sync */
    bool unsynced[DESCRIPTORS_MAX];
} state;

void faults_plan(struct fault_plan plan)
{
    memset(&state, 0, sizeof(state));
    state.plan = plan;
    state.armed = true;
}

void faults_none(void)
{
    memset(&state, 0, sizeof(state));
}

bool faults_struck(void)
{
    return state.struck;
}

unsigned faults_counted(unsigned calls)
{
    return (calls & FAULT_WRITE ? state.writes : 0) + (calls & FAULT_SYNC ? state.syncs : 0) +
           (calls & FAULT_TRUNCATE ? state.truncates : 0);
}

size_t faults_unsynced(void)
{
    size_t count = 0;
    for (size_t i = 0; i < DESCRIPTORS_MAX; i++)
        count += state.unsynced[i];
    return count;
}

unsigned faults_started_ahead(void)
{
    return state.started_ahead;
}

void faults_forget_unsynced(void)
{
    memset(state.unsynced, 0, sizeof(state.unsynced));
}

static bool strikes(enum fault_call call)
{
    if (!state.armed || !(state.plan.calls & call))
        return false;
    if (state.plan.after) {
        state.plan.after--;
        return false;
    }
    state.armed = false;
    state.struck = true;
    return true;
}

static int strike(void)
{
    if (!state.plan.code)
        raise(SIGKILL);
    errno = state.plan.code;
    return -1;
}

/* Named by the linker: off_t has 64 bits in this build. */
ssize_t __real_pwrite64(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t offset);
int __real_ftruncate64(int fd, off_t length);
int __wrap_ftruncate64(int fd, off_t length);
int __wrap_sync_file_range(int fd, off_t offset, off_t size, unsigned flags);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);

/* The first part of a write that strikes is written; the call for the rest fails. */
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
    static bool rest_fails;
    state.writes++;
    if (fd < DESCRIPTORS_MAX)
        state.unsynced[fd] = true;
    if (rest_fails) {
        rest_fails = false;
        return strike();
    }
    if (!strikes(FAULT_WRITE))
        return __real_pwrite64(fd, bytes, size, offset);
    if (size < 2)
        return strike();
    rest_fails = true;
    return __real_pwrite64(fd, bytes, size / 2, offset);
}

int __wrap_ftruncate64(int fd, off_t length)
{
    state.truncates++;
    return strikes(FAULT_TRUNCATE) ? strike() : __real_ftruncate64(fd, length);
}

int __wrap_sync_file_range(int fd, off_t offset, off_t size, unsigned flags)
{
    state.started_ahead += state.syncs == 0;
    return 0;
}

/* Nothing is synced: a killed process loses no page of the kernel's, and tests need not wait. */
static int count_sync(int fd)
{
    state.syncs++;
    if (strikes(FAULT_SYNC))
        return strike();
    if (fd < DESCRIPTORS_MAX)
        state.unsynced[fd] = false;
    return 0;
}

int __wrap_fdatasync(int fd)
{
    return count_sync(fd);
}

int __wrap_fsync(int fd)
{
    return count_sync(fd);
}

/* Our own log goes through it as well. */
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    bool is_file = fd > STDERR_FILENO;
    state.writes += is_file;
    return is_file && strikes(FAULT_WRITE) ? strike() : __real_write(fd, bytes, size);
}

int __wrap_unlink(const char *path)
{
    return strikes(FAULT_NAME) ? strike() : __real_unlink(path);
}

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return strikes(FAULT_NAME) ? strike() : __real_renameat2(from_fd, from, to_fd, to, flags);
}
