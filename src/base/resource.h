/* resource — how many descriptors of each kind are open, and how many threads run: the program's
 * own side of the equation `census of /proc/self = what we say is there`.
 *
 * Every descriptor that the program holds for longer than a function call is counted where it is
 * opened and where it is closed, at one place each. What a library holds inside (the journal, a
 * database's files, curl's connections) is counted by its owner as far as it knows, or told apart
 * by readlink.
 *
 * - Thread: any; relaxed atomics, of the process.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* Enumerator, the word in metrics and status, what it is. */
#define RESOURCES(X)                                                                               \
    X(RESOURCE_BASE, "base", "signals, wake-ups, locks and directories held for life")             \
    X(RESOURCE_INOTIFY, "inotify", "inotify instances")                                            \
    X(RESOURCE_SEGMENT, "segment", "log files being followed or pinned")                           \
    X(RESOURCE_OUTPUT, "output", "output files")                                                   \
    X(RESOURCE_LEDGER, "ledger", "database files of the ledgers")                                  \
    X(RESOURCE_STREAM, "stream", "log streams of the Engine")                                      \
    X(RESOURCE_SPOOL, "spool", "files that streams are received into")                             \
    X(RESOURCE_JOURNAL, "journal", "readers of the journal")                                       \
    X(RESOURCE_ENGINE, "engine", "connections with the Engine, without its log streams")           \
    X(RESOURCE_SINK, "sink", "connections of sinks")                                               \
    X(RESOURCE_LOOKUP, "lookup", "sockets of name servers that are being asked")                   \
    X(RESOURCE_ADMIN, "admin", "the admin server's sockets")

enum resource {
#define X(name, word, help) name,
    RESOURCES(X)
#undef X
        RESOURCE_COUNT
};

struct resource_count {
    atomic_uint_fast64_t opened, closed;
};
extern struct resource_count resource_counts[RESOURCE_COUNT];

static inline void resource_opened(enum resource kind)
{
    atomic_fetch_add_explicit(&resource_counts[kind].opened, 1, memory_order_relaxed);
}

static inline void resource_closed(enum resource kind)
{
    atomic_fetch_add_explicit(&resource_counts[kind].closed, 1, memory_order_relaxed);
}

/* Open now. */
static inline uint64_t resource_open_of(struct resource_count *count)
{
    uint64_t closed = atomic_load_explicit(&count->closed, memory_order_acquire);
    return atomic_load_explicit(&count->opened, memory_order_acquire) - closed;
}

static inline uint64_t resource_open(enum resource kind)
{
    return resource_open_of(&resource_counts[kind]);
}

const char *resource_word(enum resource kind);
const char *resource_help(enum resource kind);

/* Threads besides the main one, counted where they are created and where they are joined. */
extern struct resource_count resource_threads;

static inline void resource_thread_started(void)
{
    atomic_fetch_add_explicit(&resource_threads.opened, 1, memory_order_relaxed);
}

static inline void resource_thread_joined(void)
{
    atomic_fetch_add_explicit(&resource_threads.closed, 1, memory_order_relaxed);
}
