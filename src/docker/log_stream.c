// SPDX-License-Identifier: Apache-2.0
#include "docker/log_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>

#include "base/clock.h"
#include "base/connections.h"
#include "base/name_lookup.h"
#include "docker/engine_transfer.h"
#include "docker/engine_version.h"

enum {
    ERROR_BODY_MAX = 64 * 1024, /* bytes that are read of an answer that is no log */
    STATUS_CONFLICT = 409,
    STATUS_NOT_IMPLEMENTED = 501,
};

struct log_stream {
    struct log_streams *set;
    struct log_stream *next, **link; /* in the set's list */
    struct engine_transfer *transfer;
    void *owner;
    bool given_up;
};

struct log_streams {
    CURLM *multi;
    struct connections connections; /* of multi */
    struct docker_host host;
    long deadline_ms;
    bool once, untimed;
    struct log_streams_callbacks callbacks;
    void *context;
    struct engine_version version; /* 0.0 before a ping was answered */
    struct engine_transfer *ping;  /* NULL: none under way */
    bool named;                    /* the host has a name: each ping looks it up anew */
    char name[HOST_NAME_MAX_BYTES];
    char addresses[NAME_ADDRESSES_MAX]; /* "": not known */
    struct name_lookup *lookup;         /* owned; the ping follows it */
    struct log_stream *first;
};

/* Accepts NULL and one that is not in the list yet. */
static struct log_stream *log_stream_free(struct log_stream *stream)
{
    if (!stream)
        return NULL;
    engine_transfer_free(stream->transfer);
    free(stream);
    return NULL;
}
DEFINE_CLEANUP(struct log_stream *, log_stream_free)

/* A connection for this transfer alone. */
static void set_connection(struct engine_transfer *t)
{
    CURL *easy = engine_transfer_easy(t);

    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
}

int log_streams_open(struct log_streams **ret, const struct log_streams_options *options,
                     struct error *error)
{
    CLEANUP(log_streams_close) struct log_streams *s = malloc(sizeof(*s));
    if (!s)
        return error_set(error, -ENOMEM, "the streams of logs: no memory");
    *s = (struct log_streams){
        .connections = CONNECTIONS_INIT(RESOURCE_STREAM),
        .deadline_ms = options->deadline_ms,
        .once = options->once,
        .untimed = options->untimed,
        .callbacks = options->callbacks,
        .context = options->context,
    };

    int r = docker_host_parse(&s->host, options->host, error);
    if (r < 0)
        return r;
    s->named = docker_host_name(&s->host, s->name);
    s->multi = curl_multi_init();
    if (!s->multi)
        return error_set(error, -ENOMEM, "the streams of logs: no memory");
    *ret = TAKE(s);
    return 0;
}

struct log_streams *log_streams_close(struct log_streams *s)
{
    if (!s)
        return NULL;

    while (s->first)
        log_stream_cancel(s->first);
    engine_transfer_free(s->ping);
    name_lookup_free(s->lookup);
    curl_multi_cleanup(s->multi);
    connections_deinit(&s->connections);
    free(s);
    return NULL;
}

static int start_ping(struct log_streams *s)
{
    const struct engine_transfer_options options = {
        .host = &s->host,
        .addresses = s->named ? s->addresses : NULL,
        .path = "/_ping",
        .body_max = ERROR_BODY_MAX,
        .deadline_ms = s->deadline_ms,
        .connections = &s->connections,
    };

    int r = engine_transfer_start(&s->ping, s->multi, &options);
    if (r == 0)
        set_connection(s->ping);
    return r;
}

int log_streams_ping(struct log_streams *s)
{
    if (s->host.kind == DOCKER_HOST_NONE)
        return -ENOTCONN;
    if (s->ping || s->lookup)
        return -EALREADY;
    if (s->named)
        return name_lookup_start(&s->lookup, s->name, (int)s->deadline_ms, NULL);
    return start_ping(s);
}

static void step_lookup(struct log_streams *s)
{
    struct error error = {""};

    if (!s->lookup || !name_lookup_step(s->lookup))
        return;
    int r = name_lookup_result(s->lookup, s->addresses, &error);
    s->lookup = name_lookup_free(s->lookup);
    if (r == 0)
        r = start_ping(s);
    if (r < 0)
        s->callbacks.pinged(s->context, r, error.text);
}

static bool take(void *owner, struct span bytes)
{
    struct log_stream *stream = owner;

    if (!stream->given_up)
        stream->given_up = !stream->set->callbacks.received(stream->owner, bytes);
    return !stream->given_up;
}

static void print_path(char to[TRANSFER_PATH_MAX], const struct log_streams *s,
                       const struct log_stream_request *request)
{
    int64_t since_ns = request->since_ns;
    int n = 0;

    if (s->version.major)
        n = snprintf(to, TRANSFER_PATH_MAX, "/v%u.%u", s->version.major, s->version.minor);
    n += snprintf(to + n, TRANSFER_PATH_MAX - (size_t)n,
                  "/containers/%s/logs?follow=%d&stdout=1&stderr=1&timestamps=%d%s", request->id,
                  !s->once, !s->untimed, request->details ? "&details=1" : "");
    if (since_ns > 0)
        snprintf(to + n, TRANSFER_PATH_MAX - (size_t)n, "&since=%" PRId64 ".%09" PRId64,
                 since_ns / NS_PER_SECOND, since_ns % NS_PER_SECOND);
}

int log_stream_start(struct log_stream **ret, struct log_streams *s,
                     const struct log_stream_request *request, void *owner)
{
    char path[TRANSFER_PATH_MAX];
    if (s->named && !s->addresses[0])
        return -ENOTCONN;
    CLEANUP(log_stream_free) struct log_stream *stream = malloc(sizeof(*stream));
    if (!stream)
        return -ENOMEM;
    *stream = (struct log_stream){.set = s, .owner = owner};

    print_path(path, s, request);
    const struct engine_transfer_options options = {
        .host = &s->host,
        .addresses = s->named ? s->addresses : NULL,
        .path = path,
        .body_max = ERROR_BODY_MAX,
        .deadline_ms = s->deadline_ms,
        .stream = true,
        .take = take,
        .owner = stream,
        .connections = &s->connections,
    };
    int r = engine_transfer_start(&stream->transfer, s->multi, &options);
    if (r < 0)
        return r;
    set_connection(stream->transfer);

    stream->next = s->first;
    stream->link = &s->first;
    if (s->first)
        s->first->link = &stream->next;
    s->first = stream;
    *ret = TAKE(stream);
    return 0;
}

struct log_stream *log_stream_cancel(struct log_stream *stream)
{
    if (!stream)
        return NULL;

    *stream->link = stream->next;
    if (stream->next)
        stream->next->link = stream->link;
    return log_stream_free(stream);
}

static int answer_ping(struct log_streams *s, CURLcode code, struct error *error)
{
    struct engine_version theirs;
    int r = engine_transfer_result(s->ping, code, error);

    if (r != 0)
        return r < 0 ? r : -EPROTO;
    const char *said = engine_transfer_api_version(s->ping);
    if (!engine_version_parse(&theirs, said))
        return error_set(error, -EPROTO, "its Api-Version is \"%s\": is this a Docker Engine?",
                         said);
    s->version = engine_version_lower(theirs, ENGINE_VERSION_OURS);
    return 0;
}

static void finish_ping(struct log_streams *s, CURLcode code)
{
    struct error error = {""};
    int r = answer_ping(s, code, &error);

    s->ping = engine_transfer_free(s->ping);
    s->callbacks.pinged(s->context, r, error.text);
}

static enum log_stream_end end_of(const struct log_stream *stream, CURLcode code,
                                  struct error *error)
{
    int r = engine_transfer_result(stream->transfer, code, error);

    if (stream->given_up)
        return LOG_STREAM_GIVEN_UP;
    if (r == 0)
        return LOG_STREAM_ENDED;
    if (code != CURLE_OK)
        return LOG_STREAM_BROKEN;
    switch (engine_transfer_status(stream->transfer)) {
    case STATUS_CONFLICT: return LOG_STREAM_GONE;
    case STATUS_NOT_IMPLEMENTED: return LOG_STREAM_UNREADABLE;
    default: return r == TRANSFER_E_NOT_FOUND ? LOG_STREAM_GONE : LOG_STREAM_REFUSED;
    }
}

static void finish_stream(struct log_stream *stream, CURLcode code)
{
    struct log_streams *s = stream->set;
    void *owner = stream->owner;
    struct error error = {""};
    enum log_stream_end end = end_of(stream, code, &error);

    log_stream_cancel(stream);
    s->callbacks.ended(owner, end, error.text);
}

void log_streams_step(struct log_streams *s)
{
    int running, left;
    CURLMsg *message;

    step_lookup(s);
    curl_multi_perform(s->multi, &running);
    connections_compare(&s->connections);
    while ((message = curl_multi_info_read(s->multi, &left)) != NULL) {
        CURLcode code = message->data.result;
        if (s->ping && message->easy_handle == engine_transfer_easy(s->ping))
            finish_ping(s, code);
        else
            finish_stream(engine_transfer_owner(message->easy_handle), code);
    }
}

int log_streams_poll(struct log_streams *s, int wake_fd, int timeout_ms)
{
    struct curl_waitfd waits[1 + NAME_LOOKUP_FDS_MAX] = {
        {.fd = wake_fd, .events = CURL_WAIT_POLLIN},
    };
    struct pollfd fds[NAME_LOOKUP_FDS_MAX];
    size_t looking = s->lookup ? name_lookup_wait(s->lookup, fds, &timeout_ms) : 0;

    for (size_t i = 0; i < looking; i++)
        waits[1 + i] = (struct curl_waitfd){.fd = fds[i].fd, .events = fds[i].events};
    CURLMcode code = curl_multi_poll(s->multi, waits, 1 + (unsigned)looking,
                                     timeout_ms < 0 ? INT_MAX : timeout_ms, NULL);
    if (code != CURLM_OK)
        return code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EIO;
    return 0;
}

struct log_streams_count log_streams_count(const struct log_streams *s)
{
    return (struct log_streams_count){s->connections.opened, s->connections.closed};
}
