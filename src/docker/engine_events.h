/* engine_events — the Engine's event stream: bytes in, events out.
 *
 * The body of GET /events is JSON objects, one a line, each perhaps behind a 0x1e (RFC 7464); it
 * arrives in pieces cut anywhere. A line that is no event, or is too long, is counted and passed
 * over: events are hints, the list and the disk are the truth (D75).
 *
 * Source of the format: docker-logs §6.5 (Engine API 1.24 to 1.55).
 *
 * - Owns: one buffer.
 * - Limits: EVENT_LINE_MAX bytes a line; EVENT_STREAM_MAX bytes wait to be taken.
 * - Thread: one.
 */
#pragma once

#include "base/buf.h"
#include "model/container.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    EVENT_LINE_MAX = 1024 * 1024,                   /* labels are in it; a longer one is skipped */
    EVENT_STREAM_MAX = EVENT_LINE_MAX + 256 * 1024, /* fed and not taken: then no more is read */
    EVENT_WORD_MAX = 32,                            /* bytes with the NUL; a longer word is cut */
};

/* Of the attributes only a network's container is read: labels may overwrite all others. */
struct engine_event {
    int64_t time_ns;
    char type[EVENT_WORD_MAX];                /* container, network, … */
    char action[EVENT_WORD_MAX];              /* start, die, exec_create …, cut at its ':' */
    char id[CONTAINER_ID_SIZE + 1];           /* of the actor: the container, the network; or "" */
    char container_id[CONTAINER_ID_SIZE + 1]; /* whom it concerns; "" if none */
};

/* What is asked for, ended by NULL: the actions after which a container may be another than before.
 * Not signals, since `kill` is no stop and `die` follows; not running out of memory, which comes in
 * dozens; not what a process run inside does, three of which each healthcheck would bring. */
extern const char *const engine_event_actions[];
/* One of them, and of a container that is named. Daemons may send more than they are asked for. */
bool engine_event_matters(const struct engine_event *event);

struct event_stream {
    struct buf pending;
    size_t taken;      /* bytes of `pending` that are done with */
    bool skipping;     /* inside a line that is too long */
    uint64_t nonsense; /* lines passed over */
};

#define EVENT_STREAM_INIT ((struct event_stream){.pending = {.size_max = EVENT_STREAM_MAX}})

void event_stream_deinit(struct event_stream *s);

/* True where `size` more bytes may be fed. */
bool event_stream_has_room(const struct event_stream *s, size_t size);
/* 0 or -errno. Too much is -ENOBUFS. */
int event_stream_feed(struct event_stream *s, struct span bytes) MUST_CHECK;
/* False: no whole event is there (yet). */
bool event_stream_next(struct event_stream *s, struct engine_event *ret);
