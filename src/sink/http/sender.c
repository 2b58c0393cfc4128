// SPDX-License-Identifier: Apache-2.0
#include "sink/http/sender.h"

#include "base/clock.h"

#include <errno.h>

enum { REST_MS = 2000 /* from the last answer: longer than the usual batch.age */ };
enum { BODY_MAX = COMPRESS_CONTENT_MAX / 4 * 5 /* bytes: what does not shrink grows a little */ };

struct http_sender {
    struct http_client *client;    /* owned */
    struct compressor *compressor; /* owned */
    struct buf raw;                /* owned: what is being encoded */
    struct buf compressed;         /* owned */
    int64_t
        rest_due_ns; /* monotonic; 0: to be told when nothing is under way; INT64_MAX: it rests */
};

int http_sender_open(struct http_sender **ret, const struct http_options *options,
                     const struct http_protocol *protocol, enum compression compression,
                     const struct sink_environment *environment, struct error *error)
{
    CLEANUP(http_sender_close) struct http_sender *s = malloc(sizeof(*s));
    if (!s)
        return -ENOMEM;
    *s = (struct http_sender){
        .raw = BUF_INIT(BODY_MAX), .compressed = BUF_INIT(BODY_MAX), .rest_due_ns = INT64_MAX};
    int r = compressor_new(&s->compressor, compression);
    if (r == 0)
        r = http_client_open(&s->client, options, protocol, environment, error);
    if (r < 0)
        return r;
    *ret = TAKE(s);
    return 0;
}

struct http_sender *http_sender_close(struct http_sender *s)
{
    if (!s)
        return NULL;

    http_client_close(s->client);
    compressor_free(s->compressor);
    buf_deinit(&s->raw);
    buf_deinit(&s->compressed);
    free(s);
    return NULL;
}

struct buf *http_sender_body(struct http_sender *s)
{
    s->rest_due_ns = 0;
    compress_begin(&s->raw);
    return &s->raw;
}

int http_sender_headers(const struct http_sender *s, const struct container *container,
                        const char **ret, struct error *error)
{
    return http_client_headers(s->client, container, ret, error);
}

int http_sender_send(struct http_sender *s, unsigned slot, const char *headers, struct error *error)
{
    size_t skip;
    int r = compress_finish(s->compressor, &s->raw, &s->compressed, &skip, error);
    if (r == -ENOBUFS) {
        http_client_too_large(s->client, slot);
        return 0;
    }
    return r < 0 ? r : http_client_post(s->client, slot, headers, &s->compressed, skip, error);
}

bool http_sender_rest(struct http_sender *s, int64_t now_ns, int64_t *ret_due_ns)
{
    *ret_due_ns = INT64_MAX;
    if (http_client_is_busy(s->client)) /* its answer leads to another call */
        return false;
    if (s->rest_due_ns == 0)
        s->rest_due_ns = now_ns + REST_MS * NS_PER_MS;
    *ret_due_ns = s->rest_due_ns;
    if (now_ns < s->rest_due_ns)
        return false;
    buf_deinit(&s->raw);
    buf_deinit(&s->compressed);
    http_client_rest(s->client);
    *ret_due_ns = s->rest_due_ns = INT64_MAX;
    return true;
}

void http_sender_abandon(struct http_sender *s, unsigned slot)
{
    http_client_abandon(s->client, slot);
}

size_t http_sender_wait(struct http_sender *s, struct pollfd *fds, size_t max, int64_t *timeout_ns)
{
    return http_client_wait(s->client, fds, max, timeout_ns);
}

bool http_sender_step(struct http_sender *s, struct http_answer *ret)
{
    return http_client_step(s->client, ret);
}
