// SPDX-License-Identifier: Apache-2.0
#include "docker/engine_transfer.h"

#include "base/name_lookup.h"
#include "docker/engine_answer.h"

#include <errno.h>
#include <strings.h>

enum {
    TRANSFER_VERSION_MAX = 16, /* bytes with the NUL */
    STATUS_OK = 200,
    STATUS_NOT_FOUND = 404,
};

struct engine_transfer {
    CURLM *multi;                    /* not owned */
    CURL *easy;                      /* owned */
    struct curl_slist *resolved;     /* owned */
    struct connections *connections; /* not owned */
    const struct docker_host *host;
    void *owner;
    bool (*take)(void *owner, struct span bytes);
    bool stream, opened, paused, too_large;
    long deadline_ms;
    struct buf body;
    struct event_stream events;
    char path[TRANSFER_PATH_MAX];
    char api_version[TRANSFER_VERSION_MAX];
    char fault[CURL_ERROR_SIZE];
};

struct engine_transfer *engine_transfer_free(struct engine_transfer *t)
{
    if (!t)
        return NULL;

    if (t->easy) {
        curl_multi_remove_handle(t->multi, t->easy);
        curl_easy_cleanup(t->easy);
        connections_compare(t->connections);
    }
    curl_slist_free_all(t->resolved);
    buf_deinit(&t->body);
    event_stream_deinit(&t->events);
    free(t);
    return NULL;
}

long engine_transfer_status(const struct engine_transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* Called once per header line; an empty one ends them. */
static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    static const char name[] = "Api-Version:"; /* Podman spells it API-Version */
    struct engine_transfer *t = context;
    size_t bytes = size * count, at = sizeof(name) - 1;

    if (bytes > at && strncasecmp(data, name, at) == 0) {
        while (at < bytes && data[at] == ' ')
            at++;
        size_t end = at;
        while (end < bytes && data[end] > ' ')
            end++;
        snprintf(t->api_version, sizeof(t->api_version), "%.*s", (int)(end - at), data + at);
    }
    if (bytes <= 2 && engine_transfer_status(t) == STATUS_OK)
        t->opened = true;
    return bytes;
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct engine_transfer *t = context;
    struct span bytes = {data, size * count};

    if (t->take && t->opened)
        return t->take(t->owner, bytes) ? bytes.size : 0;
    if (t->stream && t->opened) {
        if (!event_stream_has_room(&t->events, bytes.size)) {
            t->paused = true;
            return CURL_WRITEFUNC_PAUSE;
        }
        return event_stream_feed(&t->events, bytes) == 0 ? bytes.size : 0;
    }
    buf_append(&t->body, bytes);
    t->too_large = t->body.failed == -ENOBUFS;
    return t->body.failed ? 0 : bytes.size;
}

/* So that libcurl need not look the name up: "NAME:PORT:ADDRESS,ADDRESS". */
static CURLcode set_addresses(struct engine_transfer *t, const char *addresses)
{
    char entry[HOST_NAME_MAX_BYTES + NAME_ADDRESSES_MAX + 8];

    if (!addresses)
        return CURLE_OK;
    snprintf(entry, sizeof(entry), "%.*s:%s", HOST_NAME_MAX_BYTES, t->host->address, addresses);
    t->resolved = curl_slist_append(NULL, entry);
    return t->resolved ? curl_easy_setopt(t->easy, CURLOPT_RESOLVE, t->resolved)
                       : CURLE_OUT_OF_MEMORY;
}

static CURLcode set_where(struct engine_transfer *t)
{
    bool is_unix = t->host->kind == DOCKER_HOST_UNIX;
    char url[PATH_BYTES_MAX + TRANSFER_PATH_MAX + 16];

    snprintf(url, sizeof(url), "http://%s%s", is_unix ? "docker" : t->host->address, t->path);
    CURLcode code = curl_easy_setopt(t->easy, CURLOPT_URL, url);
    if (code == CURLE_OK && is_unix)
        code = curl_easy_setopt(t->easy, CURLOPT_UNIX_SOCKET_PATH, t->host->address);
    return code;
}

static int connected(void *context, char *address, char *own_address, int port, int own_port)
{
    const struct engine_transfer *t = context;

    connections_made(t->connections, t->easy);
    return CURL_PREREQFUNC_OK;
}

static CURLcode set_how(struct engine_transfer *t)
{
    CURLoption deadline = t->stream ? CURLOPT_CONNECTTIMEOUT_MS : CURLOPT_TIMEOUT_MS;

    curl_easy_setopt(t->easy, deadline, t->deadline_ms);
    connections_count(t->connections, t->easy);
    curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, connected);
    curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->fault);
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    /* The environment's proxy is for the world, not for the Engine. */
    CURLcode code = curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
    if (code == CURLE_OK)
        code = curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http");
    return code;
}

int engine_transfer_start(struct engine_transfer **ret, CURLM *multi,
                          const struct engine_transfer_options *options)
{
    CLEANUP(engine_transfer_free) struct engine_transfer *t = malloc(sizeof(*t));
    if (!t)
        return -ENOMEM;
    *t = (struct engine_transfer){
        .multi = multi,
        .connections = options->connections,
        .host = options->host,
        .owner = options->owner,
        .take = options->take,
        .stream = options->stream,
        .deadline_ms = options->deadline_ms,
        .body = BUF_INIT(options->body_max),
        .events = EVENT_STREAM_INIT,
    };
    snprintf(t->path, sizeof(t->path), "%s", options->path);

    t->easy = curl_easy_init();
    if (!t->easy || set_where(t) != CURLE_OK || set_addresses(t, options->addresses) != CURLE_OK ||
        set_how(t) != CURLE_OK || curl_multi_add_handle(multi, t->easy) != CURLM_OK)
        return -ENOMEM;
    *ret = TAKE(t);
    return 0;
}

void *engine_transfer_owner(CURL *easy)
{
    char *t = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
    return ((struct engine_transfer *)(void *)t)->owner;
}

CURL *engine_transfer_easy(const struct engine_transfer *t)
{
    return t->easy;
}

bool engine_transfer_opened(const struct engine_transfer *t)
{
    return t->stream && t->opened;
}

struct event_stream *engine_transfer_events(struct engine_transfer *t)
{
    return &t->events;
}

void engine_transfer_resume(struct engine_transfer *t)
{
    if (!t->paused)
        return;
    t->paused = false;
    curl_easy_pause(t->easy, CURLPAUSE_CONT);
}

struct span engine_transfer_body(const struct engine_transfer *t)
{
    return buf_span(&t->body);
}

const char *engine_transfer_api_version(const struct engine_transfer *t)
{
    return t->api_version;
}

void engine_transfer_prefix(const struct engine_transfer *t, struct error *error)
{
    char host[ENGINE_MESSAGE_MAX];
    error_prefix(error, "%s: GET %.*s", docker_host_print(t->host, host, sizeof(host)),
                 (int)strcspn(t->path, "?"), t->path);
}

/* Why there was no connection, with what to do about the usual one. */
static int connect_failure(const struct engine_transfer *t, struct error *error)
{
    long cause = 0;

    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &cause);
    if (cause == EACCES)
        return error_set(
            error, -EACCES,
            "not allowed to use the socket; run as root or in the group of the socket");
    if (cause)
        return error_set(error, -(int)cause, "cannot connect: %s", strerror((int)cause));
    return error_set(error, -ECONNREFUSED, "cannot connect: %s", t->fault);
}

static int curl_failure(const struct engine_transfer *t, CURLcode code, struct error *error)
{
    const char *fault = t->fault[0] ? t->fault : curl_easy_strerror(code);

    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(error, -ETIMEDOUT, "no answer within %ld ms", t->deadline_ms);
    case CURLE_COULDNT_CONNECT: return connect_failure(t, error);
    case CURLE_COULDNT_RESOLVE_HOST: return error_set(error, -EHOSTUNREACH, "%s", fault);
    case CURLE_OUT_OF_MEMORY: return error_set(error, -ENOMEM, "no memory");
    case CURLE_WRITE_ERROR:
        if (t->too_large)
            return error_set(error, -EFBIG, "the answer is larger than the %zu bytes that are read",
                             t->body.size_max);
        return error_set(error, -ENOMEM, "no memory for the answer");
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR: return error_set(error, -ECONNRESET, "the connection broke: %s", fault);
    default: return error_set(error, -EPROTO, "%s", fault);
    }
}

int engine_transfer_result(const struct engine_transfer *t, CURLcode code, struct error *error)
{
    char message[ENGINE_MESSAGE_MAX];
    long status = engine_transfer_status(t);
    int r = 0;

    if (code != CURLE_OK)
        r = curl_failure(t, code, error);
    else if (status != STATUS_OK)
        r = error_set(error, status == STATUS_NOT_FOUND ? TRANSFER_E_NOT_FOUND : -EPROTO,
                      "status %ld: %s", status, engine_answer_message(buf_span(&t->body), message));
    if (r != 0)
        engine_transfer_prefix(t, error);
    return r;
}
