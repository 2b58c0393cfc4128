/* sender — what the sinks over HTTP share between their encoding and their table of answers.
 *
 *     http_sender_open
 *       send:  buf *body = http_sender_body(s); append the encoded entries; http_sender_send
 *       wait, abandon: as they are
 *       step:  while http_sender_step(s, &answer): judge it
 *     http_sender_close
 *
 * - Owns: the client, the compressor, the buffers of bodies: one for each request in flight, and
 *   two to encode into; they are kept from request to request, until http_sender_rest.
 * - Limits: COMPRESS_CONTENT_MAX bytes of a body before it is compressed; past it nothing is sent,
 *   and the next step answers that it is too large.
 * - Thread: the route's.
 */
#pragma once

#include "sink/http/client.h"
#include "sink/http/compress.h"

struct http_sender;

/* Checks all options that http_options holds: -EINVAL with words that name the key. */
int http_sender_open(struct http_sender **ret, const struct http_options *options,
                     const struct http_protocol *protocol, enum compression compression,
                     const struct sink_environment *environment, struct error *error) MUST_CHECK;
struct http_sender *http_sender_close(struct http_sender *s);
DEFINE_CLEANUP(struct http_sender *, http_sender_close)

/* Where the next body is to be appended. What stands there already is not the body's. */
struct buf *http_sender_body(struct http_sender *s);
/* As http_client_headers. */
int http_sender_headers(const struct http_sender *s, const struct container *container,
                        const char **ret, struct error *error) MUST_CHECK;
/* Compresses what was appended and sends it, with such headers. 0, or -errno with words: nothing
 * was sent; also where the buffer has failed for want of memory. */
int http_sender_send(struct http_sender *s, unsigned slot, const char *headers, struct error *error)
    MUST_CHECK;

/* For sink.h's tend: gives back the buffers once nothing was sent for a while. True: just now, and
 * the caller may do the same with its own. *ret_due_ns: when it wants to be called again. */
bool http_sender_rest(struct http_sender *s, int64_t now_ns, int64_t *ret_due_ns);

/* As sink.h has them for requests. */
void http_sender_abandon(struct http_sender *s, unsigned slot);
size_t http_sender_wait(struct http_sender *s, struct pollfd *fds, size_t max, int64_t *timeout_ns);
/* True: an answer, for http_judge or a table of the protocol's own. */
bool http_sender_step(struct http_sender *s, struct http_answer *ret);
