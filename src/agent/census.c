// SPDX-License-Identifier: Apache-2.0
#include "agent/census.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/span.h"

enum {
    LOOKS_MAX = 10,
    TARGET_MAX = 4096, /* bytes of what a link leads to */
    THREAD_NAME_MAX = 16,
    STATUS_MAX = 4096, /* bytes of /proc/self/status */
    KIB = 1024,
};
#define LOOK_AGAIN_NS (2 * NS_PER_MS)

#define WORD(name, word, help) [name] = (word),
#define HELP(name, word, help) [name] = (help),

const char *census_class_word(enum census_class class)
{
    static const char *const words[] = {CENSUS_CLASSES(WORD)};
    return words[class];
}

const char *census_class_help(enum census_class class)
{
    static const char *const helps[] = {CENSUS_CLASSES(HELP)};
    return helps[class];
}

const char *census_thread_word(enum census_thread kind)
{
    static const char *const words[] = {CENSUS_THREADS(WORD)};
    return words[kind];
}

const char *census_thread_help(enum census_thread kind)
{
    static const char *const helps[] = {CENSUS_THREADS(HELP)};
    return helps[kind];
}

const char *census_memory_word(enum census_memory kind)
{
    static const char *const words[] = {CENSUS_MEMORY(WORD)};
    return words[kind];
}

const char *census_memory_help(enum census_memory kind)
{
    static const char *const helps[] = {CENSUS_MEMORY(HELP)};
    return helps[kind];
}

static enum census_class class_of_file(struct span path)
{
    static const struct {
        struct span end;
        enum census_class class;
    } ends[] = {
        {SPAN(".journal"), CENSUS_JOURNAL}, {SPAN(".journal~"), CENSUS_JOURNAL},
        {SPAN(".db"), CENSUS_LEDGER},       {SPAN(".db-wal"), CENSUS_LEDGER},
        {SPAN(".db-shm"), CENSUS_LEDGER},
    };
    struct span deleted = SPAN(" (deleted)");
    if (span_ends_with(path, deleted))
        path.size -= deleted.size;
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
        if (span_ends_with(path, ends[i].end))
            return ends[i].class;
    return CENSUS_FILE;
}

enum census_class census_class_of(const char *target)
{
    static const struct {
        struct span start;
        enum census_class class;
    } starts[] = {
        {SPAN("anon_inode:inotify"), CENSUS_INOTIFY},
        {SPAN("anon_inode:[eventfd]"), CENSUS_EVENTFD},
        {SPAN("anon_inode:[eventpoll]"), CENSUS_EVENTPOLL},
        {SPAN("anon_inode:[signalfd]"), CENSUS_SIGNALFD},
        {SPAN("socket:"), CENSUS_SOCKET},
        {SPAN("pipe:"), CENSUS_PIPE},
    };
    struct span text = span_of(target);
    if (target[0] == '/')
        return class_of_file(text);
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
        if (span_starts_with(text, starts[i].start))
            return starts[i].class;
    return CENSUS_OTHER;
}

enum census_thread census_thread_of(const char *name, bool is_main)
{
    if (is_main)
        return CENSUS_MONITOR;
    if (strncmp(name, "route-", 6) == 0)
        return CENSUS_ROUTE;
    if (strcmp(name, "stream") == 0)
        return CENSUS_STREAM;
    return strcmp(name, "admin") == 0 ? CENSUS_ADMIN : CENSUS_LIBRARY;
}

/* One half of a socketpair(2). */
static bool is_pair(int fd)
{
    struct sockaddr_un ours = {0}, theirs = {0};
    socklen_t ours_size = sizeof(ours), theirs_size = sizeof(theirs);
    return getsockname(fd, (struct sockaddr *)&ours, &ours_size) == 0 &&
           getpeername(fd, (struct sockaddr *)&theirs, &theirs_size) == 0 &&
           ours.sun_family == AF_UNIX && ours_size == sizeof(ours.sun_family) &&
           theirs_size == sizeof(theirs.sun_family);
}

static int count_descriptors(struct census *c)
{
    CLEANUP(closedir) DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return -errno;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char target[TARGET_MAX];
        ssize_t size = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (size < 0 || fd == dirfd(dir))
            continue; /* "." and "..", what was closed just now, our own */
        target[size] = '\0';
        enum census_class class = census_class_of(target);
        c->descriptors[class]++;
        c->descriptor_count++;
        c->pairs += class == CENSUS_SOCKET && is_pair(fd);
    }
    return 0;
}

/* The size read, 0 for a file that is gone. */
static size_t read_text(int at, const char *path, char *to, size_t size)
{
    CLEANUP(close_fd) int fd = openat(at, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, to, size - 1);
    to[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static int count_threads(struct census *c)
{
    CLEANUP(closedir) DIR *dir = opendir("/proc/self/task");
    if (!dir)
        return -errno;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[sizeof(entry->d_name) + sizeof("/comm")], name[THREAD_NAME_MAX + 1];
        snprintf(path, sizeof(path), "%s/comm", entry->d_name);
        if (entry->d_name[0] == '.' || read_text(dirfd(dir), path, name, sizeof(name)) == 0)
            continue;
        name[strcspn(name, "\n")] = '\0';
        c->threads[census_thread_of(name, strtol(entry->d_name, NULL, 10) == getpid())]++;
        c->thread_count++;
    }
    return 0;
}

int census_take(struct census *ret)
{
    struct census c = {0};
    int r = count_descriptors(&c);
    if (r == 0)
        r = count_threads(&c);
    if (r == 0)
        *ret = c;
    return r;
}

static int balance_once(struct census_balance *b, const struct census *inherited)
{
    uint64_t counted = 0;
    *b = (struct census_balance){.inherited = inherited->descriptor_count};
    int r = census_take(&b->census);
    if (r < 0)
        return r;
    for (int i = 0; i < RESOURCE_COUNT; i++) {
        uint64_t closed = atomic_load_explicit(&resource_counts[i].closed, memory_order_acquire);
        b->opened[i] = atomic_load_explicit(&resource_counts[i].opened, memory_order_acquire);
        b->counted[i] = b->opened[i] - closed;
        counted += b->counted[i];
    }
    const uint64_t *now = b->census.descriptors, *then = inherited->descriptors;
    b->libraries = b->census.pairs - inherited->pairs + now[CENSUS_JOURNAL] - then[CENSUS_JOURNAL] +
                   now[CENSUS_EVENTPOLL] - then[CENSUS_EVENTPOLL];
    b->descriptors = (int64_t)(b->census.descriptor_count - b->inherited - counted - b->libraries);
    b->threads = (int64_t)(b->census.thread_count - inherited->thread_count -
                           resource_open_of(&resource_threads));
    return 0;
}

uint64_t census_balance_distance(const struct census_balance *b)
{
    return (uint64_t)(b->descriptors < 0 ? -b->descriptors : b->descriptors) +
           (uint64_t)(b->threads < 0 ? -b->threads : b->threads);
}

int census_balance(struct census_balance *ret, const struct census *inherited)
{
    const struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
    struct census_balance best, look;
    int r = balance_once(&best, inherited);
    for (int i = 1; r == 0 && i < LOOKS_MAX && census_balance_distance(&best) > 0; i++) {
        nanosleep(&pause, NULL);
        r = balance_once(&look, inherited);
        if (r == 0 && census_balance_distance(&look) < census_balance_distance(&best))
            best = look;
    }
    if (r == 0)
        *ret = best;
    return r;
}

static uint64_t field_bytes(const char *status, const char *name)
{
    const char *at = strstr(status, name);
    return at ? strtoull(at + strlen(name), NULL, 10) * KIB : 0;
}

int census_memory(uint64_t ret_bytes[MEMORY_COUNT], uint64_t *ret_virtual_bytes)
{
    char status[STATUS_MAX];
    if (read_text(AT_FDCWD, "/proc/self/status", status, sizeof(status)) == 0)
        return -EIO;
    *ret_virtual_bytes = field_bytes(status, "VmSize:");
    struct mallinfo2 heap = mallinfo2();
    ret_bytes[MEMORY_ANONYMOUS] = field_bytes(status, "RssAnon:");
    ret_bytes[MEMORY_FILE] = field_bytes(status, "RssFile:");
    ret_bytes[MEMORY_SHARED] = field_bytes(status, "RssShmem:");
    ret_bytes[MEMORY_HEAP_USED] = heap.uordblks + heap.hblkhd;
    ret_bytes[MEMORY_HEAP_FREE] = heap.fordblks;
    return 0;
}
