/* log_stream — logs as the Engine sends them: many GET /containers/{id}/logs at once.
 *
 * On one curl multi handle: no thread, nothing blocks but log_streams_poll. First a ping, which
 * says which version to speak and where the host's name leads; it is the caller's to ping again
 * before it asks an Engine that has failed it. A stream has a connection of its own, closed with
 * it: nothing is kept for later.
 *
 *     log_streams_open → log_streams_ping → log_stream_start … → log_streams_poll, _step, …
 *
 * Headers may come as late as the first line of the log, so a stream has no deadline but for
 * connecting. Its bytes are for log_frames.h.
 *
 * Source of the protocol: docker-logs §6.1, §6.2, §6.6 (Engine API 1.24 to 1.55).
 *
 * - Owns: its connections, counted as RESOURCE_STREAM (base/connections.h).
 * - Limits: as many streams as are started.
 * - Thread: one.
 */
#pragma once

#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* How a stream ended. */
enum log_stream_end {
    LOG_STREAM_ENDED, /* in order: all was sent of what was asked for; of a log that is followed:
                       * the container does not run, or did not when it was asked */
    LOG_STREAM_GONE,  /* there is no such container, or it is being removed */
    LOG_STREAM_UNREADABLE, /* its log cannot be read back */
    LOG_STREAM_BROKEN,     /* there is no connection (any more) */
    LOG_STREAM_REFUSED,    /* any other answer */
    LOG_STREAM_GIVEN_UP,   /* `received` wanted no more */
};

/* Called from log_streams_step alone. They may start streams and ping, but not cancel. */
struct log_streams_callbacks {
    /* 0, or -errno and why. */
    void (*pinged)(void *context, int code, const char *text);
    /* Some bytes of the body. False: no more of it. */
    bool (*received)(void *owner, struct span bytes);
    /* Once for each stream that is not cancelled; it is gone when this is called. */
    void (*ended)(void *owner, enum log_stream_end end, const char *text);
};

struct log_streams;
struct log_stream;

struct log_streams_options {
    const char *host; /* as docker_host_find gives it */
    int deadline_ms;  /* of the ping, and for connecting */
    bool once;        /* logs end with what is in them, instead of being followed */
    bool untimed;     /* without the times that log_frames.h wants */
    struct log_streams_callbacks callbacks;
    void *context; /* of `pinged` */
};

int log_streams_open(struct log_streams **ret, const struct log_streams_options *options,
                     struct error *error) MUST_CHECK;
/* Cancels what runs. */
struct log_streams *log_streams_close(struct log_streams *s);
DEFINE_CLEANUP(struct log_streams *, log_streams_close)

/* 0 (`pinged` will be called, once), -ENOMEM, -EALREADY while one is under way, -ENOTCONN where
 * there is no Engine to ask. */
int log_streams_ping(struct log_streams *s) MUST_CHECK;

struct log_stream_request {
    const char *id;
    int64_t since_ns; /* from this instant on, itself included; 0: from the beginning */
    bool details;     /* with what is told of each record (log_frames.h) */
};

/* 0, -ENOMEM, or -ENOTCONN before a ping has found where the host's name leads. */
int log_stream_start(struct log_stream **ret, struct log_streams *s,
                     const struct log_stream_request *request, void *owner) MUST_CHECK;
struct log_stream *log_stream_cancel(struct log_stream *stream);

/* Moves everything on as far as it goes without waiting, and calls back. */
void log_streams_step(struct log_streams *s);
/* Waits until there is something to step for, `wake_fd` is readable, or the time is over (negative:
 * no limit). 0 or -errno. */
int log_streams_poll(struct log_streams *s, int wake_fd, int timeout_ms) MUST_CHECK;

struct log_streams_count {
    uint64_t opened, closed; /* connections, also those of pings */
};
struct log_streams_count log_streams_count(const struct log_streams *s);
