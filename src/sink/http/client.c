// SPDX-License-Identifier: Apache-2.0
#include "sink/http/client.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "sink/http/addresses.h"
#include "sink/http/tls_files.h"
#include "sink/http/transfer.h"

#include <errno.h>

enum {
    USER_AGENT_MAX = 64,            /* bytes with the NUL */
    WATCHED_MAX = 2 * REQUESTS_MAX, /* sockets: while connecting, one for each kind of address */
    STEPS_MAX = 16, /* at the sockets in one go: so a body need not wait for as many turns */
    STATUS_UNAUTHORIZED = 401,
    STATUS_FORBIDDEN = 403,
    STATUS_PROXY = 407,
};

#define TROUBLE_UNVERIFIED "sink.tls_unverified"
#define TROUBLE_UNREAD     "sink.secret_unread"

struct http_client {
    const struct http_options *options;
    struct health *health;
    CURLM *multi; /* owned */
    struct http_target target, proxy;
    struct addresses addresses; /* of the proxy, where there is one */
    struct credentials credentials;
    char user_agent[USER_AGENT_MAX];
    const char *method;

    struct connections connections;     /* of multi */
    struct pollfd watched[WATCHED_MAX]; /* what curl wants to be told of */
    size_t watched_count;
    int64_t timer_ns; /* monotonic, when curl wants to go on; INT64_MAX: never */

    struct transfer transfers[REQUESTS_MAX]; /* by slot */
    unsigned transfer_count;
};

/* curl tells what it waits for at a socket. -1 fails the transfer. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
    struct http_client *c = context;
    short events = what == CURL_POLL_IN    ? POLLIN
                   : what == CURL_POLL_OUT ? POLLOUT
                                           : POLLIN | POLLOUT;
    size_t at = 0;

    while (at < c->watched_count && c->watched[at].fd != fd)
        at++;
    if (what == CURL_POLL_REMOVE) {
        if (at < c->watched_count)
            c->watched[at] = c->watched[--c->watched_count];
        return 0;
    }
    if (at == WATCHED_MAX)
        return -1;
    if (at == c->watched_count)
        c->watched_count++;
    c->watched[at] = (struct pollfd){.fd = fd, .events = events};
    return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct http_client *c = context;
    c->timer_ns = timeout_ms < 0 ? INT64_MAX : clock_monotonic_ns() + timeout_ms * NS_PER_MS;
    return 0;
}

static int open_multi(struct http_client *c)
{
    long connections = (long)c->transfer_count;

    c->multi = curl_multi_init();
    if (!c->multi)
        return -ENOMEM;
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, connections);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, connections);
    return 0;
}

static int open_targets(struct http_client *c, const char *path, struct error *error)
{
    const struct http_options *o = c->options;
    int r = http_target_init(&c->target, o->url, path, error);
    if (r < 0) {
        error_prefix(error, "url");
        return r;
    }
    if (o->proxy && (r = http_target_init(&c->proxy, o->proxy, "", error)) < 0) {
        error_prefix(error, "proxy");
        return r;
    }
    const struct http_target *first = o->proxy ? &c->proxy : &c->target;
    c->addresses = (struct addresses){
        .host = first->host,
        .port = first->port,
        .is_address = first->is_address,
        .deadline_ms = (int)(o->connect_timeout_ns / NS_PER_MS),
    };
    return 0;
}

static void say_unverified(struct http_client *c)
{
    if (!c->options->tls_verify)
        health_raise(c->health, TROUBLE_UNVERIFIED, c->target.shown,
                     "tls_verify is false: whoever answers there is believed, and gets all lines; "
                     "set tls_ca to the certificate that signs the server's instead");
}

static void say_unread(struct http_client *c)
{
    const char *why = credentials_unread(&c->credentials);
    if (why)
        health_raise(c->health, TROUBLE_UNREAD, c->target.shown, why);
    else
        health_clear(c->health, TROUBLE_UNREAD, c->target.shown);
}

int http_client_open(struct http_client **ret, const struct http_options *options,
                     const struct http_protocol *protocol,
                     const struct sink_environment *environment, struct error *error)
{
    CLEANUP(http_client_close) struct http_client *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    *c = (struct http_client){
        .connections = CONNECTIONS_INIT(RESOURCE_SINK),
        .options = options,
        .health = environment->health,
        .method = protocol->method,
        .timer_ns = INT64_MAX,
        .transfer_count = (unsigned)options->request.requests_max,
    };
    CHECK(c->transfer_count >= 1 && c->transfer_count <= REQUESTS_MAX);
    snprintf(c->user_agent, sizeof(c->user_agent), "tallyman%s%s", environment->version ? "/" : "",
             environment->version ? environment->version : "");
    int r = open_targets(c, protocol->path, error);
    if (r == 0)
        r = credentials_init(&c->credentials, options, protocol, error);
    if (r == 0)
        r = tls_files_check(options, error);
    if (r == 0 && (r = open_multi(c)) < 0)
        error_set(error, r, "no memory");
    if (r < 0)
        return r;
    say_unverified(c);
    *ret = TAKE(c);
    return 0;
}

struct http_client *http_client_close(struct http_client *c)
{
    if (!c)
        return NULL;

    for (unsigned slot = 0; slot < c->transfer_count; slot++) {
        http_client_abandon(c, slot);
        transfer_deinit(&c->transfers[slot]);
    }
    curl_multi_cleanup(c->multi);
    connections_deinit(&c->connections);
    addresses_deinit(&c->addresses);
    credentials_deinit(&c->credentials);
    if (c->target.shown) {
        health_clear(c->health, TROUBLE_UNVERIFIED, c->target.shown);
        health_clear(c->health, TROUBLE_UNREAD, c->target.shown);
    }
    http_target_deinit(&c->proxy);
    http_target_deinit(&c->target);
    free(c);
    return NULL;
}

/* Hands it to curl. 0 or -ENOMEM. */
static int run(struct http_client *c, struct transfer *t)
{
    CLEANUP_FREE char *entry = NULL;

    if (!c->addresses.is_address && !(entry = addresses_entry(&c->addresses)))
        return -ENOMEM;
    if (transfer_begin(t, &c->credentials, entry) < 0 ||
        curl_multi_add_handle(c->multi, t->easy) != CURLM_OK)
        return -ENOMEM;
    t->state = TRANSFER_RUNNING;
    return 0;
}

int http_client_headers(const struct http_client *c, const struct container *container,
                        const char **ret, struct error *error)
{
    return header_templates_render(&c->credentials.varying, container, ret, error);
}

int http_client_post(struct http_client *c, unsigned slot, const char *headers, struct buf *body,
                     size_t skip, struct error *error)
{
    const struct transfer_setup setup = {
        .options = c->options,
        .target = &c->target,
        .proxy = c->options->proxy ? &c->proxy : NULL,
        .method = c->method,
        .user_agent = c->user_agent,
        .connections = &c->connections,
    };
    struct transfer *t = &c->transfers[slot];
    struct error why;

    CHECK(slot < c->transfer_count && t->state == TRANSFER_IDLE);
    if (transfer_prepare(t, &setup) < 0)
        return error_set(error, -ENOMEM, "%s: no memory for a request", c->target.shown);
    transfer_take(t, headers, body, skip);
    if (credentials_renew(&c->credentials))
        say_unread(c);
    int r = addresses_need(&c->addresses, &why);
    if (r < 0)
        transfer_fail(t, why.text);
    else if (r == 1)
        t->state = TRANSFER_WAITING;
    else if (run(c, t) < 0)
        return error_set(error, -ENOMEM, "%s: no memory for a request", c->target.shown);
    return 0;
}

void http_client_too_large(struct http_client *c, unsigned slot)
{
    struct transfer *t = &c->transfers[slot];

    CHECK(slot < c->transfer_count && t->state == TRANSFER_IDLE);
    t->status = 0;
    t->too_large = true;
    t->retry_after_ns = 0;
    buf_clear(&t->text);
    transfer_fail(t, "not sent: a body has a maximum, and this would be larger");
}

void http_client_abandon(struct http_client *c, unsigned slot)
{
    struct transfer *t = &c->transfers[slot];

    if (t->state == TRANSFER_RUNNING)
        curl_multi_remove_handle(c->multi, t->easy);
    connections_compare(&c->connections);
    t->state = TRANSFER_IDLE;
}

bool http_client_is_busy(const struct http_client *c)
{
    for (unsigned slot = 0; slot < c->transfer_count; slot++)
        if (c->transfers[slot].state != TRANSFER_IDLE)
            return true;
    return false;
}

void http_client_rest(struct http_client *c)
{
    for (unsigned slot = 0; slot < c->transfer_count; slot++)
        if (c->transfers[slot].state == TRANSFER_IDLE) {
            buf_deinit(&c->transfers[slot].body);
            buf_deinit(&c->transfers[slot].text);
        }
}

static struct transfer *next_over(struct http_client *c)
{
    for (unsigned slot = 0; slot < c->transfer_count; slot++)
        if (c->transfers[slot].state == TRANSFER_OVER)
            return &c->transfers[slot];
    return NULL;
}

size_t http_client_wait(struct http_client *c, struct pollfd *fds, size_t max, int64_t *timeout_ns)
{
    struct pollfd lookup[NAME_LOOKUP_FDS_MAX];
    int64_t left_ns = c->timer_ns == INT64_MAX ? INT64_MAX : c->timer_ns - clock_monotonic_ns();
    int lookup_ms = -1;
    size_t count = c->watched_count < max ? c->watched_count : max;
    size_t more = addresses_wait(&c->addresses, lookup, &lookup_ms);

    memcpy(fds, c->watched, count * sizeof(*fds));
    for (size_t i = 0; i < more && count < max; i++)
        fds[count++] = lookup[i];
    if (lookup_ms >= 0 && lookup_ms * NS_PER_MS < left_ns)
        left_ns = lookup_ms * NS_PER_MS;
    if (left_ns < 0 || next_over(c))
        left_ns = 0;
    if (left_ns != INT64_MAX && (*timeout_ns < 0 || left_ns < *timeout_ns))
        *timeout_ns = left_ns;
    return count;
}

static void step_addresses(struct http_client *c)
{
    struct error why;
    int r = c->addresses.lookup ? addresses_step(&c->addresses, &why) : 1;

    for (unsigned slot = 0; r != 1 && slot < c->transfer_count; slot++) {
        struct transfer *t = &c->transfers[slot];
        if (t->state != TRANSFER_WAITING)
            continue;
        if (r < 0)
            transfer_fail(t, why.text);
        else if (run(c, t) < 0)
            transfer_fail(t, "no memory for a request");
    }
}

/* What can go on at the sockets, once each. False: nothing. */
static bool step_ready(struct http_client *c)
{
    struct pollfd ready[WATCHED_MAX];
    size_t count = c->watched_count;
    int running;

    /* A copy: curl changes the table from within. */
    memcpy(ready, c->watched, count * sizeof(*ready));
    if (count == 0 || poll(ready, count, 0) <= 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        int what = (ready[i].revents & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
                   (ready[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
                   (ready[i].revents & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
        if (what)
            curl_multi_socket_action(c->multi, ready[i].fd, what, &running);
    }
    return true;
}

static void step_sockets(struct http_client *c)
{
    int running;

    for (int round = 0; round < STEPS_MAX && step_ready(c); round++)
        continue;
    if (c->timer_ns <= clock_monotonic_ns()) {
        c->timer_ns = INT64_MAX; /* unless curl sets another */
        curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

static void end_transfer(struct http_client *c, struct transfer *t, CURLcode code)
{
    bool again = transfer_met_closed(t, code);

    if (!again)
        transfer_end(t, code);
    curl_multi_remove_handle(c->multi, t->easy);
    if (again && run(c, t) < 0)
        transfer_fail(t, "no memory for a request");
    if (again)
        return;
    c->addresses.doubted |= t->status == 0;
    c->credentials.refused |= t->status == STATUS_UNAUTHORIZED || t->status == STATUS_FORBIDDEN ||
                              t->status == STATUS_PROXY || (t->status == 0 && t->proxy);
}

static void end_transfers(struct http_client *c)
{
    int left;

    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));) {
        char *owner = NULL;
        CURLcode code = m->data.result;

        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &owner);
        end_transfer(c, (struct transfer *)(void *)owner, code);
    }
}

bool http_client_step(struct http_client *c, struct http_answer *ret)
{
    struct transfer *t = next_over(c);

    if (!t) {
        step_addresses(c);
        step_sockets(c);
        end_transfers(c);
        connections_compare(&c->connections);
        t = next_over(c);
    }
    if (!t)
        return false;
    t->state = TRANSFER_IDLE;
    *ret = (struct http_answer){
        .slot = (unsigned)(t - c->transfers),
        .status = t->status,
        .failure = t->failure,
        .too_large = t->too_large,
        .retry_after_ns = t->retry_after_ns,
        .body = buf_span(&t->text),
        .url = c->target.shown,
        .varied = t->varying != NULL,
        .credentials = &c->credentials,
    };
    return true;
}
