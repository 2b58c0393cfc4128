/* census — what the process holds by the kernel's word: descriptors, threads, memory; and the
 * equation that lays beside it what the program says (base/resource.h).
 *
 *     descriptors: census = inherited + counted + libraries' own
 *     threads:     census = inherited + started - joined
 *
 * Libraries' own are told by what a descriptor leads to: files of the journal (libsystemd), the
 * epoll instance of libmicrohttpd, the pair of sockets by which libcurl wakes itself. All else has
 * somebody who counts it. So the difference is 0, or something leaks.
 *
 * The classes are those of tests/support/census.py, which looks from outside.
 *
 * - Source of the format: proc(5), /proc/PID/fd, task, status.
 * - Thread: any; a reading is of one moment only as far as nobody opens or closes meanwhile.
 */
#pragma once

#include "base/error.h"
#include "base/resource.h"

#include <stdbool.h>
#include <stdint.h>

/* Enumerator, the word in metrics and status, what it is. */
#define CENSUS_CLASSES(X)                                                                          \
    X(CENSUS_INOTIFY, "inotify", "inotify instances")                                              \
    X(CENSUS_EVENTFD, "eventfd", "wake-ups between threads")                                       \
    X(CENSUS_EVENTPOLL, "eventpoll", "epoll instances")                                            \
    X(CENSUS_SIGNALFD, "signalfd", "signals")                                                      \
    X(CENSUS_SOCKET, "socket", "sockets")                                                          \
    X(CENSUS_PIPE, "pipe", "pipes")                                                                \
    X(CENSUS_JOURNAL, "journal", "files of the journal")                                           \
    X(CENSUS_LEDGER, "ledger", "database files, with what SQLite has beside them")                 \
    X(CENSUS_FILE, "file", "other files, and directories")                                         \
    X(CENSUS_OTHER, "other", "anything else")

enum census_class {
#define X(name, word, help) name,
    CENSUS_CLASSES(X)
#undef X
        CENSUS_CLASS_COUNT
};

/* The same of threads, told by their names. */
#define CENSUS_THREADS(X)                                                                          \
    X(CENSUS_MONITOR, "monitor", "the main thread")                                                \
    X(CENSUS_ROUTE, "route", "one for each route")                                                 \
    X(CENSUS_STREAM, "stream", "receives the Engine's log streams")                                \
    X(CENSUS_ADMIN, "admin", "answers here")                                                       \
    X(CENSUS_LIBRARY, "library", "any other: a library's")

enum census_thread {
#define X(name, word, help) name,
    CENSUS_THREADS(X)
#undef X
        CENSUS_THREAD_COUNT
};

struct census {
    uint64_t descriptors[CENSUS_CLASS_COUNT];
    uint64_t pairs; /* of the sockets: those without a name at either end */
    uint64_t threads[CENSUS_THREAD_COUNT];
    uint64_t descriptor_count, thread_count;
};

struct census_balance {
    struct census census;
    uint64_t counted[RESOURCE_COUNT]; /* open, as the program says */
    uint64_t opened[RESOURCE_COUNT];  /* since start */
    uint64_t libraries;               /* descriptors that only libraries know of */
    uint64_t inherited;               /* from whoever started us */
    int64_t descriptors, threads;     /* census - equation */
};

const char *census_class_word(enum census_class class);
const char *census_class_help(enum census_class class);
const char *census_thread_word(enum census_thread kind);
const char *census_thread_help(enum census_thread kind);

/* What a link of /proc/self/fd leads to. */
enum census_class census_class_of(const char *target);
/* `is_main`: its thread id is the process's. */
enum census_thread census_thread_of(const char *name, bool is_main);

/* Counts; -errno where /proc cannot be read. */
int census_take(struct census *ret) MUST_CHECK;

/* Counts, and lays the program's counters beside it. `inherited` was taken before anything was
 * opened. What is open for a moment only (a directory that is listed) stands in one look and not
 * in the next: a few looks are taken, and of them the one that comes nearest to 0. */
int census_balance(struct census_balance *ret, const struct census *inherited) MUST_CHECK;

/* How far the two sides are apart: 0 in a healthy program. */
uint64_t census_balance_distance(const struct census_balance *b);

/* Bytes of memory by kind. */
#define CENSUS_MEMORY(X)                                                                           \
    X(MEMORY_ANONYMOUS, "anonymous", "the program's own: heap, stacks, data")                      \
    X(MEMORY_FILE, "file", "pages of the program, its libraries and mapped files")                 \
    X(MEMORY_SHARED, "shared", "shared memory")                                                    \
    X(MEMORY_HEAP_USED, "heap_used", "of the heap: given out, touched or not")                     \
    X(MEMORY_HEAP_FREE, "heap_free", "of the heap: kept by the allocator")

enum census_memory {
#define X(name, word, help) name,
    CENSUS_MEMORY(X)
#undef X
        MEMORY_COUNT
};
const char *census_memory_word(enum census_memory kind);
const char *census_memory_help(enum census_memory kind);
int census_memory(uint64_t ret_bytes[MEMORY_COUNT], uint64_t *ret_virtual_bytes) MUST_CHECK;
