/* transfer — one request at a time and its answer: an easy handle of curl, used again and again.
 *
 * For http/client alone, which moves it on. What is sent, what is kept of the answer and what
 * became of it as one sentence is all here.
 *
 * - Owns: the easy handle, the body, the answer.
 * - Limits: ANSWER_KEPT_MAX bytes of an answer's body are kept, ANSWER_READ_MAX read; then the
 *   connection is closed.
 * - Thread: the multi handle's.
 */
#pragma once

#include "base/connections.h"
#include "sink/http/credentials.h"
#include "sink/http/target.h"

enum {
    ANSWER_READ_MAX = 256 * 1024, /* bytes */
    FAILURE_MAX = 384,            /* bytes of a sentence, with the NUL */
};

enum transfer_state {
    TRANSFER_IDLE,
    TRANSFER_WAITING, /* for an address */
    TRANSFER_RUNNING, /* at the multi handle */
    TRANSFER_OVER,    /* answered, or failed: to be told */
};

struct transfer {
    enum transfer_state state;
    CURL *easy;                  /* owned; NULL until it is first used */
    struct curl_slist *resolved; /* owned */
    struct curl_slist *headers;  /* owned; NULL: those of all requests */
    const char *varying;         /* those of this one alone; NULL: none. Borrowed */
    struct buf body;             /* owned */
    size_t skip;                 /* of the body: not sent */
    const struct http_options *options;
    struct connections *connections; /* not owned */
    const char *proxy;               /* as it may be shown; NULL: none; not owned */

    bool fresh;             /* goes over a new connection */
    int status;             /* of HTTP; 0: none */
    bool too_large;         /* to be sent */
    int64_t retry_after_ns; /* 0: not said */
    struct buf text;        /* owned: of the answer's body */
    uint64_t received;      /* bytes of the answer's body */
    char failure[FAILURE_MAX];
    char fault[CURL_ERROR_SIZE]; /* curl's */
};

/* What all transfers of a client have in common; borrowed. */
struct transfer_setup {
    const struct http_options *options;
    const struct http_target *target, *proxy; /* proxy: NULL for none */
    struct connections *connections;          /* of the multi handle, outliving it */
    const char *method;
    const char *user_agent;
};

/* Makes the easy handle. 0 or -ENOMEM. */
int transfer_prepare(struct transfer *t, const struct transfer_setup *setup) MUST_CHECK;
void transfer_deinit(struct transfer *t);

/* Forgets the last answer, and takes the body. `headers`: see client.h. */
void transfer_take(struct transfer *t, const char *headers, struct buf *body, size_t skip);
/* Readies the easy handle for the multi handle. `addresses` is an entry of CURLOPT_RESOLVE, or
 * NULL. 0 or -ENOMEM. */
int transfer_begin(struct transfer *t, const struct credentials *credentials, const char *addresses)
    MUST_CHECK;

/* What it ended with was a kept connection that the server had given up, and not an answer: it is
 * to be begun again at once, over a fresh one. Once at most. */
bool transfer_met_closed(struct transfer *t, CURLcode code);
/* It is over: status and text, or failure, are there. */
void transfer_end(struct transfer *t, CURLcode code);
void transfer_fail(struct transfer *t, const char *why);
