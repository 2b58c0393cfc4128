/* client — HTTP for sinks: bodies out, answers in, several at once over kept connections.
 *
 *     http_client_open → { http_client_post … http_client_wait, http_client_step … } → close
 *
 * Names are looked up by c-ares within wait and step (base/name_lookup.h), so no thread is ever
 * started. Redirects are not followed. Secrets out of files are read again after an answer 401 or
 * 403, or 407 or no way through the proxy, so that they can be renewed. What is written about a
 * request never holds a password, a token, or the user part of its URL.
 *
 * - Owns: a curl multi handle, its connections (at most requests_max, counted as sink connections),
 *   bodies until they are answered; their buffers are used again.
 * - Thread: the route's.
 * - Limits: ANSWER_KEPT_MAX bytes of an answer are kept.
 * - Errors: -errno with words that name the URL.
 */
#pragma once

#include "base/buf.h"
#include "base/cleanup.h"
#include "sink/answer.h"
#include "sink/option.h"
#include "sink/sink.h"

/* What every HTTP sink lets the user choose; http_options_table has the keys. */
struct http_options {
    struct request_options request;
    const char *url;
    const char *username, *password, *password_file; /* basic */
    const char *token, *token_file;                  /* bearer */
    struct option_pairs headers;
    const char *proxy; /* http://…, socks5://…; NULL: none, whatever the environment says */
    const char *proxy_username, *proxy_password, *proxy_password_file; /* basic, or SOCKS5's own */
    const char *tls_ca, *tls_cert, *tls_key;                           /* PEM files */
    bool tls_verify;    /* false: said loudly at start, and in health */
    int64_t timeout_ns; /* of a request as a whole */
    int64_t connect_timeout_ns;
};

extern const struct sink_option http_option_rows[]; /* ends with a row without a name */

struct credentials;
struct http_client;

/* A header of the protocol's own, beside the user's `headers`, and losing against them. */
struct http_header {
    const char *name;   /* NULL: there is none */
    const char *value;  /* a text_template */
    const char *option; /* where the user wrote it, for errors */
};

/* `method` is POST where it is NULL. `path` is what stands behind the URL where the URL has no path
 * of its own ("/loki/api/v1/push"); "": nothing. `content_type` and `content_encoding` (NULL: none)
 * hold for all bodies. */
struct http_protocol {
    const char *method;
    const char *path;
    const char *content_type;
    const char *content_encoding;
    struct http_header header;
};
int http_client_open(struct http_client **ret, const struct http_options *options,
                     const struct http_protocol *protocol,
                     const struct sink_environment *environment, struct error *error) MUST_CHECK;
/* Also while requests are under way: they are given up. */
struct http_client *http_client_close(struct http_client *c);
DEFINE_CLEANUP(struct http_client *, http_client_close)

/* The headers of requests with lines of this container, as far as they vary: *ret is a word
 * (base/word.h), to be given back; NULL where nothing varies. 0, or -errno with words. */
int http_client_headers(const struct http_client *c, const struct container *container,
                        const char **ret, struct error *error) MUST_CHECK;

/* Sends what stands in `body` after its first `skip` bytes. It is taken: `*body` is empty
 * afterwards, with the memory of an earlier one. `headers`, of http_client_headers, live until the
 * answer. */
int http_client_post(struct http_client *c, unsigned slot, const char *headers, struct buf *body,
                     size_t skip, struct error *error) MUST_CHECK;
/* In place of a post: answers that the body would have been too large. */
void http_client_too_large(struct http_client *c, unsigned slot);
void http_client_abandon(struct http_client *c, unsigned slot);

/* Whether some request is not answered yet. */
bool http_client_is_busy(const struct http_client *c);
/* Gives back the memory of past bodies. */
void http_client_rest(struct http_client *c);

/* As sink.h's wait. */
size_t http_client_wait(struct http_client *c, struct pollfd *fds, size_t max, int64_t *timeout_ns);

/* Of an answer's body, in bytes: what it says may stand behind the names and values of fifteen
 * labels. */
enum { ANSWER_KEPT_MAX = 64 * 1024 };

/* One answer. */
struct http_answer {
    unsigned slot;
    int status;             /* of HTTP; 0: there was none, `failure` says why */
    const char *failure;    /* "cannot connect: Connection refused", "TLS: …", "timed out: …" */
    bool too_large;         /* of the body that was to be made: nothing was sent */
    int64_t retry_after_ns; /* 0: not said */
    struct span body;       /* its first ANSWER_KEPT_MAX bytes; until the next step */
    const char *url;        /* as it may be shown */
    bool varied;            /* it was sent with headers that vary */
    const struct credentials *credentials; /* what may not be shown of the body; NULL: all may */
};
bool http_client_step(struct http_client *c, struct http_answer *ret);

/* What an answer means, with a text that may be shown, where the protocol does not say more (the
 * table is in judge.c). */
void http_judge(const struct http_answer *answer, struct sink_answer *ret);
