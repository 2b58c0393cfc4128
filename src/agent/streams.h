/* streams — receives the logs that no file serves: one thread, one connection per container, into
 * spool files that are then followed like Docker's own.
 *
 * The monitor says which containers are to be streamed; the thread asks the Engine, writes what
 * comes into `<spool>/<id>/container.log` (source/spool.h: bounded, rotated by rename, frames of
 * the `local` driver), connects again with growing patience where a connection ends while the
 * container runs, and goes on behind the last entry that the spool holds.
 *
 * - Owns: its thread (named "stream"), its connections, its spools' descriptors.
 * - Limits: STREAMS_MAX connections; further containers wait for one, and are told as waiting.
 * - Thread: all calls from the monitor's; none waits for the Engine.
 */
#pragma once

#include "base/error.h"
#include "base/health.h"
#include "docker/log_frames.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct streams_options {
    const char *host;      /* the Engine, as docker_host_find gives it */
    const char *directory; /* of the spools; made where it is missing (0700) */
    bool once;             /* logs end with what is in them by now, instead of being followed */
    int monitor_fd;        /* eventfd: a stream has changed its state; -1: none */
    struct health *health; /* borrowed; may be NULL */
};

struct streams;

int streams_open(struct streams **ret, const struct streams_options *options, struct error *error)
    MUST_CHECK;
/* Closes all connections and ends the thread. */
struct streams *streams_close(struct streams *s);
DEFINE_CLEANUP(struct streams *, streams_close)

enum stream_state {
    STREAM_UNKNOWN, /* nobody asked for it */
    STREAM_WAITING, /* for a connection to be free, or to be tried again */
    STREAM_RECEIVING,
    STREAM_ENDED,      /* the Engine ended it, and its container did not run */
    STREAM_UNREADABLE, /* the Engine says that this log cannot be read (501) */
};

/* Begins (or begins again after STREAM_ENDED) to receive the log of a container, whose directory
 * and spool exist when it returns. `shape`: how it comes. `running`: what the monitor knows
 * by now; told anew whenever it changes. -errno where the spool cannot be made. */
int streams_want(struct streams *s, const char *id, struct log_shape shape, bool running,
                 struct error *error) MUST_CHECK;
/* Ends it; `remove`: its spool is removed as well (every route is through with it). */
void streams_drop(struct streams *s, const char *id, bool remove);

enum stream_state streams_state(struct streams *s, const char *id);

struct streams_status {
    size_t wanted, receiving, waiting, unreadable;
    uint64_t opened, closed; /* connections since start */
    uint64_t bytes;          /* received */
    uint64_t dropped_files;  /* spool files that were rotated away */
};
void streams_status(struct streams *s, struct streams_status *ret);
