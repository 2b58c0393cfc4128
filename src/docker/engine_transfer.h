/* engine_transfer — one GET request to the Engine, running on a curl multi handle.
 *
 * For docker/engine alone. What it sends and keeps is all here: the URL, the deadline, the bounded
 * body or the event stream, and what became of it as one sentence.
 *
 * - Owns: one easy handle, off the multi handle when freed; its body.
 * - Limits: body_max bytes of body.
 * - Thread: the multi handle's.
 */
#pragma once

#include "base/connections.h"
#include "base/error.h"
#include "base/span.h"
#include "docker/docker_host.h"
#include "docker/engine_events.h"

#include <curl/curl.h>

enum { TRANSFER_E_NOT_FOUND = 1 /* status 404 */ };
enum { TRANSFER_PATH_MAX = 640 /* bytes of path and query, with the NUL */ };

struct engine_transfer;

struct engine_transfer_options {
    const struct docker_host *host;
    const char *addresses; /* where its name leads, as name_lookup.h gives it; NULL: not a name */
    const char *path;      /* "/v1.41/info" */
    size_t body_max;       /* bytes */
    long deadline_ms;      /* for the whole answer; of a stream, for connecting only */
    bool stream;           /* without an end: its body is fed to the events below, or to `take` */
    bool (*take)(void *owner, struct span bytes); /* false: no more, it ends as a write error */
    void *owner;                                  /* what engine_transfer_owner gives back */
    struct connections *connections;              /* of the multi handle, outliving it */
};

/* 0 or -ENOMEM. `host` must live as long as the transfer. */
int engine_transfer_start(struct engine_transfer **ret, CURLM *multi,
                          const struct engine_transfer_options *options) MUST_CHECK;
struct engine_transfer *engine_transfer_free(struct engine_transfer *t);
DEFINE_CLEANUP(struct engine_transfer *, engine_transfer_free)

void *engine_transfer_owner(CURL *easy);
/* For options of one's own, before the multi handle moves on. */
CURL *engine_transfer_easy(const struct engine_transfer *t);

/* A stream: true once its headers have come and say that it is one. */
bool engine_transfer_opened(const struct engine_transfer *t);
struct event_stream *engine_transfer_events(struct engine_transfer *t);
/* Reads on where a full event stream had stopped it. */
void engine_transfer_resume(struct engine_transfer *t);

/* Once it is over: 0, TRANSFER_E_NOT_FOUND or -errno; `error` says where and why. */
int engine_transfer_result(const struct engine_transfer *t, CURLcode code, struct error *error)
    MUST_CHECK;
long engine_transfer_status(const struct engine_transfer *t); /* of HTTP; 0: no answer */
struct span engine_transfer_body(const struct engine_transfer *t);
const char *engine_transfer_api_version(const struct engine_transfer *t); /* "" if it said none */
/* Puts "unix:///…: GET /…: ", without the query, before the sentence. */
void engine_transfer_prefix(const struct engine_transfer *t, struct error *error);
