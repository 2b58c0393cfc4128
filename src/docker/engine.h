/* engine — the client of the Engine API: asks, and hears the answers in engine_step().
 *
 * Asynchronous on one curl multi handle: no thread, nothing blocks but engine_poll, and a host's
 * name is looked up alike, with each ping. Each ask is answered by exactly one call of its
 * callback, made from engine_step, unless it is cancelled or the engine is closed: then by none.
 * Callbacks may ask and cancel, not step or close. Whether and when to try again is the caller's; a
 * failure says why in one sentence.
 *
 *     engine_open → engine_ping, engine_events, engine_list … → engine_poll, engine_step, …
 *
 * Source of the protocol: docker-logs §6 (Engine API 1.24 to 1.55). Before a ping was answered the
 * daemon's own version is spoken.
 *
 * - Owns: its connections; one idle one is kept. All closed by engine_close.
 * - Limits: ENGINE_INSPECTS_MAX in flight, the others wait; one event stream; bodies of
 *   ENGINE_LIST_BYTES_MAX and CONTAINER_JSON_MAX. Every ask has the deadline from when it is sent;
 *   an event stream until it has opened.
 * - Thread: one at a time. Several threads use an engine each (S18); records may be shared.
 * - Errors: 0 or -errno from the asking itself (-ENOMEM, -EINVAL); what befell the ask is in its
 *   struct engine_result.
 */
#pragma once

#include "base/error.h"
#include "docker/engine_answer.h"
#include "docker/engine_events.h"
#include "docker/engine_version.h"
#include "model/container.h"

#include <poll.h>
#include <stdint.h>

enum {
    ENGINE_INSPECTS_MAX = 8,
    ENGINE_LIST_BYTES_MAX = 64 * 1024 * 1024,
    ENGINE_POLL_EXTRA_MAX = 16,
};

enum { ENGINE_E_NOT_FOUND = 1 /* the Engine knows no such container (any more) */ };

/* What became of an ask. */
struct engine_result {
    uint64_t ticket;
    int code; /* 0, ENGINE_E_NOT_FOUND, or -errno: -ETIMEDOUT, -ECONNREFUSED, -EBADMSG … */
    const char *text; /* the sentence; "" where code is 0 */
};

/* Any of them may be NULL. What they are given lives for the call; of `result` only code 0 comes
 * with an answer. */
struct engine_callbacks {
    void (*pinged)(void *context, const struct engine_result *result,
                   struct engine_version version);
    /* `root`: the Engine's own directory as it sees it. */
    void (*informed)(void *context, const struct engine_result *result, const char *root);
    void (*listed)(void *context, const struct engine_result *result,
                   const struct engine_listed *items, size_t count);
    void (*inspected)(void *context, const struct engine_result *result, const char *id,
                      struct container *container);
    /* From here on no event is missed. */
    void (*events_opened)(void *context);
    /* One that matters (engine_events.h). */
    void (*event)(void *context, const struct engine_event *event);
    /* The stream is over: code 0 where the daemon ended it in order. */
    void (*events_ended)(void *context, const struct engine_result *result);
};

struct engine_options {
    const char *host; /* as docker_host_find gives it; "none": each ask fails, -ENOTCONN */
    int deadline_ms;
    struct container_constants constants; /* its strings live as long as the engine */
    struct engine_callbacks callbacks;
    void *context; /* of the callbacks */
};

struct engine;

int engine_open(struct engine **ret, const struct engine_options *options, struct error *error)
    MUST_CHECK;
struct engine *engine_close(struct engine *e);
DEFINE_CLEANUP(struct engine *, engine_close)

/* *ret_ticket (if not NULL) names the ask until it is answered; never 0. */
int engine_ping(struct engine *e, uint64_t *ret_ticket) MUST_CHECK;
int engine_info(struct engine *e, uint64_t *ret_ticket) MUST_CHECK;
int engine_list(struct engine *e, uint64_t *ret_ticket) MUST_CHECK;
int engine_inspect(struct engine *e, const char *id, uint64_t *ret_ticket) MUST_CHECK;
/* Of containers and networks, from `since_ns` on, that instant included (0: from now on). -EBUSY
 * while there is a stream. It opens with its headers, which the Engine sends at once, also where
 * nothing happens; one that does not open ends like any ask that is not answered. */
int engine_events(struct engine *e, int64_t since_ns, uint64_t *ret_ticket) MUST_CHECK;

/* No callback comes any more. An unknown ticket is no matter. */
void engine_cancel(struct engine *e, uint64_t ticket);

/* Moves everything on as far as it goes without waiting, and calls back. */
void engine_step(struct engine *e);
/* Waits until there is something to step for, one of `extra` is ready, or the time is over
 * (negative: no limit). Sets the revents (POLLIN, POLLPRI and POLLOUT only). Returns how many
 * descriptors are ready, or -errno; 0 does not mean that the time is over, there may be a deadline
 * to step for. */
int engine_poll(struct engine *e, struct pollfd *extra, size_t count, int timeout_ms) MUST_CHECK;

/* Asks not yet answered, without the event stream. */
size_t engine_unanswered(const struct engine *e);
/* What is spoken; 0.0 before a ping was answered. */
struct engine_version engine_version_spoken(const struct engine *e);
/* Lines of event streams that were no event. */
uint64_t engine_events_nonsense(const struct engine *e);
