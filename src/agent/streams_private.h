/* streams_private — the inside of streams.h, for its parts: streams.c (the monitor's side),
 * streams_thread.c (the loop: whose turn it is, and when again), streams_receive.c (one container's
 * log: connection, frames, spool).
 *
 * The monitor owns the table of containers; the thread owns what it does for each. Between them is
 * the news: a list of containers under the lock, with what the monitor has told of each.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "agent/streams.h"
#include "base/buf.h"
#include "base/log.h"
#include "docker/log_stream.h"
#include "model/container.h"
#include "source/spool.h"

enum {
    STREAMS_DEADLINE_MS = 10 * 1000,     /* of a ping, and for connecting */
    STREAMS_BATCH_MAX = 4 * 1024 * 1024, /* bytes of what one read of a socket becomes */
};
#define STREAMS_BACKOFF_MIN_NS (NS_PER_SECOND)
#define STREAMS_BACKOFF_MAX_NS (30 * NS_PER_SECOND)
/* So long may containers wait for a connection before it is told. */
#define STREAMS_WAITING_TOLD_NS (5 * NS_PER_SECOND)

/* What the monitor says of a container. */
struct stream_wish {
    struct log_shape shape;
    bool running;
    bool dropped;
    unsigned removed_as; /* dropped: the number of its spool among those to be removed; 0: none */
};

/* One container. In exactly one of the thread's lists, or not known to it yet. */
struct streamed {
    char id[CONTAINER_ID_SIZE + 1];
    struct streams *streams;
    _Atomic enum stream_state state; /* written by the thread; by the monitor where it asks again */

    /* Under the lock. */
    struct stream_wish wish;
    bool has_news;
    struct streamed *next_news;

    /* The thread's. */
    struct streamed_list *list;
    struct streamed *next, **link;
    struct log_shape shape;
    bool running;
    bool ask_again;      /* it ran when its log was asked for, or there were news since */
    bool progress;       /* something new came of it */
    int64_t begun_at_ns; /* its connection */
    int64_t backoff_ns, retry_at_ns;
    struct log_stream *stream; /* these four only while receiving */
    struct spool *spool;
    struct log_frames frames;
    struct spool_overlap overlap;
};

struct streamed_list {
    struct streamed *first, **end;
    size_t count;
};

enum engine_gate {
    GATE_ASK, /* to be pinged before the next stream */
    GATE_ASKED,
    GATE_OPEN,
    GATE_SHUT, /* it does not answer; pinged again in time */
};

struct streams {
    char directory[PATH_BYTES_MAX];
    bool once;
    int monitor_fd, wake_fd;
    struct health *health; /* borrowed */
    pthread_t thread;
    bool thread_runs;

    /* The monitor's. */
    struct streamed **table; /* by id */
    size_t wanted, capacity; /* in it; and there is room for */
    unsigned last_removed;

    pthread_mutex_t lock;
    bool stop;
    struct streamed *news, **news_end;
    struct streams_status status;

    /* The thread's. */
    struct log_streams *connections;
    struct streamed_list receiving, waiting, resting, idle;
    size_t unreadable;      /* of the idle ones */
    int64_t resting_due_ns; /* nobody rests for less long */
    enum engine_gate gate;
    int64_t gate_backoff_ns, gate_retry_at_ns;
    int64_t full_since_ns; /* somebody waits for a connection since then; INT64_MAX: nobody */
    size_t full_told;      /* how many waited when that was told; 0: nobody */
    bool spool_failed, states_changed;
    uint64_t random;
    struct buf batch;
    uint64_t bytes, dropped_files;
    struct log_limit fault_log, refusal_log;
};

/* streams_thread.c */
void *streams_run(void *context);
/* Callbacks of the connections; `context`: the streams, `owner`: the container. */
void streams_pinged(void *context, int code, const char *text);
void streams_ended(void *owner, enum log_stream_end end, const char *text);

/* streams_receive.c */

/* Opens spool and connection. -errno: neither. */
int streams_begin(struct streams *s, struct streamed *item, struct error *error) MUST_CHECK;
/* Closes both. */
void streams_end(struct streams *s, struct streamed *item);
bool streams_received(void *owner, struct span bytes);
/* The body has ended in order: takes what is left of it. False where that fails. */
bool streams_finish(struct streams *s, struct streamed *item);

/* streams.c */
enum { STREAMS_REMOVED_NAME_MAX = 24 /* bytes, with the NUL */ };
/* A spool that is to be removed has another name at once, so that a new one may take its place. */
const char *streams_removed_name(char to[STREAMS_REMOVED_NAME_MAX], unsigned number);
