// SPDX-License-Identifier: Apache-2.0
#include "base/word.h"
#include "sink/catalog.h"
#include "sink/http/sender.h"
#include "sink/rendered.h"

#include <errno.h>
#include <string.h>

/* Lines in the body of requests, to any URL. At least once: what a crash of ours repeats are the
 * requests that were on their way. */

enum http_format { HTTP_NDJSON, HTTP_JSON, HTTP_TEXT };
enum http_method { HTTP_POST, HTTP_PUT };

struct http_sink_options {
    struct http_options http;
    enum http_format format;
    struct option_texts fields;
    enum compression compression;
    enum http_method method;
    const char *content_type;
};
_Static_assert(COMPRESSION_NONE == 0 && COMPRESSION_GZIP == 1 && COMPRESSION_ZSTD == 2,
               "the words of `compression` stand in this order");

struct sink {
    struct http_sender *sender; /* owned */
    struct encoder encoder;
    struct rendered_list rendered;
    struct buf scratch; /* owned */
    enum http_format format;
};

struct sink_target {
    struct rendered rendered;
    const char *headers; /* owned, a word; NULL: they are the same for all */
    struct request_terms terms;
};

static const struct sink_option http_sink_rows[] = {
    {.name = "format",
     .kind = OPTION_CHOICE,
     .offset = offsetof(struct http_sink_options, format),
     .fallback = "ndjson",
     .words = OPTION_WORDS("ndjson", "json", "text"),
     .help =
         "One JSON object a line; one array of such objects in each request; or messages alone, "
         "one a line."},
    {.name = "fields",
     .kind = OPTION_TEXTS,
     .offset = offsetof(struct http_sink_options, fields),
     .fallback_words = "all of them",
     .help = "Which members an object has, see [Fields](#fields)."},
    {.name = "compression",
     .kind = OPTION_CHOICE,
     .offset = offsetof(struct http_sink_options, compression),
     .fallback = "none",
     .words = OPTION_WORDS("none", "gzip", "zstd"),
     .help = "How bodies are compressed; the server must take it."},
    {.name = "method",
     .kind = OPTION_CHOICE,
     .offset = offsetof(struct http_sink_options, method),
     .fallback = "POST",
     .words = OPTION_WORDS("POST", "PUT"),
     .help = "The method of requests."},
    {.name = "content_type",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct http_sink_options, content_type),
     .fallback_words = "as `format` has it",
     .help = "What the header Content-Type says of bodies."},
    {0},
};

static struct sink *http_close(struct sink *s)
{
    if (!s)
        return NULL;

    http_sender_close(s->sender);
    buf_deinit(&s->scratch);
    free(s);
    return NULL;
}
DEFINE_CLEANUP(struct sink *, http_close)

static struct http_protocol protocol_of(const struct http_sink_options *o)
{
    static const char *const types[] = {
        [HTTP_NDJSON] = "application/x-ndjson",
        [HTTP_JSON] = "application/json",
        [HTTP_TEXT] = "text/plain; charset=utf-8",
    };
    return (struct http_protocol){
        .method = o->method == HTTP_PUT ? "PUT" : NULL,
        .path = "",
        .content_type = o->content_type ? o->content_type : types[o->format],
        .content_encoding = compression_encoding(o->compression),
    };
}

static int http_open(struct sink **ret, const void *options_,
                     const struct sink_environment *environment, struct error *error)
{
    const struct http_sink_options *options = options_;
    const struct line_options lines = {
        .format = options->format == HTTP_TEXT ? SINK_RAW : SINK_NDJSON,
        .fields = options->fields,
    };
    const struct http_protocol protocol = protocol_of(options);
    CLEANUP(http_close) struct sink *s = malloc(sizeof(*s));
    if (!s)
        return -ENOMEM;
    *s = (struct sink){.format = options->format, .scratch = BUF_INIT(LABELS_TEXT_MAX)};
    int r = encoder_init(&s->encoder, &lines, error);
    if (r == 0)
        r = http_sender_open(&s->sender, &options->http, &protocol, options->compression,
                             environment, error);
    if (r < 0)
        return r;
    *ret = TAKE(s);
    return 0;
}

static enum message_form http_form(const struct sink *s)
{
    return encoder_form(&s->encoder);
}

/* The array's brackets are one byte more than what its objects have as lines. */
static int measure(struct sink *s, const struct container *c, struct request_terms *ret)
{
    if (s->format == HTTP_TEXT) {
        ret->line_bytes = 1;
        return 0;
    }
    ret->head_bytes = 1;
    ret->line_bytes = (uint32_t)ndjson_line_bytes(&s->encoder.ndjson, c, &s->scratch);
    return s->scratch.failed;
}

static int http_bind(struct sink *s, const struct container *c, struct sink_target **ret,
                     struct error *error)
{
    struct sink_target *target = calloc(1, sizeof(*target));
    int r = target ? measure(s, c, &target->terms) : -ENOMEM;
    if (r < 0)
        error_set(error, r, "the labels of %s: %s", c->name, strerror(-r));
    else
        r = http_sender_headers(s->sender, c, &target->headers, error);
    if (r < 0) {
        free(target);
        return r;
    }
    target->terms.group = target->headers;
    *ret = target;
    return 0;
}

static struct request_terms http_terms(const struct sink_target *target)
{
    return target->terms;
}

static struct sink_target *http_unbind(struct sink *s, struct sink_target *target)
{
    if (!target)
        return NULL;
    rendered_drop(&s->rendered, &target->rendered);
    word_drop(target->headers);
    free(target);
    return NULL;
}

/* The entries of one part, from `first` to before `end`. */
static int encode_part(struct sink *s, const struct request *q, const struct request_part *part,
                       struct request_range of, struct buf *body, struct error *error)
{
    const struct entries entries = {q->entries + of.first, of.end - of.first};
    struct rendered *rendered = &part->target->rendered;
    int r = rendered_use(&s->rendered, rendered, &s->encoder, part->container, error);
    if (r == 0)
        encoder_encode(&s->encoder, &rendered->texts, entries, body, SIZE_MAX);
    return r;
}

static int encode(struct sink *s, const struct request *q, struct request_range range,
                  struct buf *body, struct error *error)
{
    int r = 0;
    for (size_t at = range.first; r == 0 && at < range.end;) {
        const struct request_part *part = request_part_at(q, at);
        size_t part_end = part->first + part->count;
        size_t end = part_end < range.end ? part_end : range.end;
        r = encode_part(s, q, part, (struct request_range){at, end}, body, error);
        at = end;
    }
    return r;
}

/* Lines of objects as one array: no newline stands within an object. */
static void make_array(struct buf *body, size_t begin)
{
    if (body->failed)
        return;
    char *end = body->data + body->size;
    for (char *at = body->data + begin; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        *at = ',';
    end[-1] = ']';
}

static int http_send(struct sink *s, unsigned slot, const struct request *q,
                     struct request_range range, struct error *error)
{
    struct buf *body = http_sender_body(s->sender);
    if (s->format == HTTP_JSON)
        buf_append_char(body, '[');
    size_t begin = body->size;
    int r = encode(s, q, range, body, error);
    if (r < 0)
        return r;
    if (s->format == HTTP_JSON)
        make_array(body, begin);
    const char *headers = request_part_at(q, range.first)->target->headers;
    return http_sender_send(s->sender, slot, headers, error);
}

static void http_abandon(struct sink *s, unsigned slot)
{
    http_sender_abandon(s->sender, slot);
}

static size_t http_wait(struct sink *s, struct pollfd *fds, size_t max, int64_t *timeout_ns)
{
    return http_sender_wait(s->sender, fds, max, timeout_ns);
}

static bool http_step(struct sink *s, struct sink_answer *ret)
{
    struct http_answer answer;
    if (!http_sender_step(s->sender, &answer))
        return false;
    http_judge(&answer, ret);
    return true;
}

static int64_t http_tend(struct sink *s, int64_t now_ns)
{
    int64_t due_ns;
    if (http_sender_rest(s->sender, now_ns, &due_ns))
        buf_deinit(&s->scratch);
    return due_ns;
}

static const struct sink_request_ops http_requests = {
    .terms = http_terms,
    .send = http_send,
    .abandon = http_abandon,
    .wait = http_wait,
    .step = http_step,
};

const struct sink_ops http_sink = {
    .type = "http",
    .help = "Lines go in requests to any URL: VictoriaLogs, Vector, a program of your own.",
    .options_size = sizeof(struct http_sink_options),
    .options = {{request_option_rows, offsetof(struct http_sink_options, http.request), "requests"},
                {http_option_rows, offsetof(struct http_sink_options, http), "HTTP"},
                {http_sink_rows, 0, NULL}},
    .open = http_open,
    .close = http_close,
    .form = http_form,
    .bind = http_bind,
    .unbind = http_unbind,
    .rest = http_unbind,
    .tend = http_tend,
    .requests = &http_requests,
};
