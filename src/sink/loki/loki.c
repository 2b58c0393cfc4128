// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/limits.h"
#include "base/word.h"
#include "sink/catalog.h"
#include "sink/http/sender.h"
#include "sink/loki/name.h"
#include "sink/loki/options.h"
#include "sink/loki/pick.h"
#include "sink/loki/push.h"
#include "sink/loki/refusals.h"

#include <errno.h>

/* At least once: what a crash of ours repeats are the requests that were on their way. Loki shows
 * equal lines of one stream and time once; so those that a container really wrote are sent apart
 * (shift.h), always by the same nanoseconds.
 *
 * A piece goes in one push after the other, where Loki would not tell what becomes of a stream
 * among others (pick.h). Each push that was taken is marked in the request: when another of the
 * same piece fails, and the piece comes again, only the rest is sent. */

enum {
    HOST_SIZE = 256,   /* bytes of this machine's name, with the NUL */
    FAST_COUNT_MAX = 2 /* answers in a row that blame a stream's rate, before it is halved */
};

/* A piece on its way. */
struct slot {
    const struct request *q; /* the route's, until it is answered */
    struct request_range range;
    struct loki_notes notes;    /* owned; of the push */
    size_t shifted;             /* lines of the push */
    struct loki_standing *told; /* the stream that the answer will tell of */
    bool more;                  /* streams of the piece wait for another push */
    bool empty;                 /* all of it was delivered before: the next step says so */
};

struct sink {
    struct http_sender *sender; /* owned */
    char host[HOST_SIZE];       /* where no option gives one */
    struct loki_labels labels;
    struct loki_targets targets;
    struct loki_standings standings;
    struct loki_plan plan;
    struct slot *slots; /* owned; `slot_count` */
    size_t slot_count;
    uint64_t shifted; /* lines that were delivered with another time than their own; atomic */
};

static struct sink *loki_close(struct sink *s)
{
    if (!s)
        return NULL;
    http_sender_close(s->sender);
    for (size_t i = 0; i < s->slot_count; i++)
        free(s->slots[i].notes.items);
    free(s->slots);
    loki_plan_deinit(&s->plan);
    free(s);
    return NULL;
}
DEFINE_CLEANUP(struct sink *, loki_close)

/* A block of snappy's format is part of Loki's protobuf, so it can only be left uncompressed. */
static int choose_compression(const struct loki_options *o, enum compression *ret,
                              struct error *error)
{
    bool json = o->format == LOKI_JSON;
    switch (o->compression) {
    case LOKI_COMPRESSION_AUTO: *ret = json ? COMPRESSION_GZIP : COMPRESSION_SNAPPY; return 0;
    case LOKI_COMPRESSION_NONE:
        *ret = json ? COMPRESSION_NONE : COMPRESSION_SNAPPY_STORED;
        return 0;
    case LOKI_COMPRESSION_SNAPPY:
        if (json)
            return error_set(error, -EINVAL, "compression: Loki takes no snappy for JSON");
        *ret = COMPRESSION_SNAPPY;
        return 0;
    case LOKI_COMPRESSION_GZIP: break;
    }
    if (!json)
        return error_set(error, -EINVAL, "compression: Loki takes no gzip for protobuf");
    *ret = COMPRESSION_GZIP;
    return 0;
}

static int set_labels(struct sink *s, const struct loki_options *o, struct error *error)
{
    const char *host = o->host;
    if (!host) {
        if (gethostname(s->host, sizeof(s->host)) < 0)
            return error_set(error, -errno, "host: this machine tells no name: %s",
                             strerror(errno));
        s->host[sizeof(s->host) - 1] = '\0';
        host = s->host;
    }
    return loki_labels_init(&s->labels, o->format, o->labels, o->structured_metadata, host, error);
}

static int open_sender(struct sink *s, const struct loki_options *o,
                       const struct sink_environment *environment, struct error *error)
{
    enum compression compression = COMPRESSION_NONE;
    int r = choose_compression(o, &compression, error);
    if (r < 0)
        return r;
    struct http_protocol protocol = {
        .path = "/loki/api/v1/push",
        .content_type = o->format == LOKI_JSON ? "application/json" : "application/x-protobuf",
        .content_encoding = compression_encoding(compression),
        .header = {o->tenant ? "X-Scope-OrgID" : NULL, o->tenant, "tenant"},
    };
    return http_sender_open(&s->sender, &o->http, &protocol, compression, environment, error);
}

static int loki_open(struct sink **ret, const void *options,
                     const struct sink_environment *environment, struct error *error)
{
    const struct loki_options *o = options;
    CLEANUP(loki_close) struct sink *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(error, -ENOMEM, "no memory");
    s->slot_count = (size_t)o->http.request.requests_max;
    s->slots = calloc(s->slot_count, sizeof(*s->slots));
    if (!s->slots)
        return error_set(error, -ENOMEM, "no memory");
    int r = set_labels(s, o, error);
    if (r == 0)
        r = open_sender(s, o, environment, error);
    if (r < 0)
        return r;
    *ret = TAKE(s);
    return 0;
}

static enum message_form loki_form(const struct sink *s)
{
    return s->labels.format == LOKI_JSON ? FORM_JSON : FORM_BYTES;
}

static struct sink_target *loki_unbind(struct sink *s, struct sink_target *target)
{
    if (!target)
        return NULL;
    loki_target_drop(&s->targets, target);
    for (unsigned i = 0; i < STREAM_COUNT; i++)
        loki_standing_drop(&s->standings, target->standing[i]);
    word_drop(target->headers);
    free(target);
    return NULL;
}

static int take_standings(struct sink *s, struct sink_target *target)
{
    for (unsigned i = 0; i < STREAM_COUNT; i++) {
        uint64_t hash = target->texts.hash[i] ^ (uintptr_t)target->headers; /* of its tenant */
        target->standing[i] = loki_standing_take(&s->standings, hash);
        if (!target->standing[i])
            return -ENOMEM;
    }
    return 0;
}

static int loki_bind(struct sink *s, const struct container *c, struct sink_target **ret,
                     struct error *error)
{
    struct sink_target *target = calloc(1, sizeof(*target));
    if (!target)
        return error_set(error, -ENOMEM, "no memory");
    int r = http_sender_headers(s->sender, c, &target->headers, error);
    if (r == 0) {
        r = loki_target_use(&s->targets, target, &s->labels, c);
        if (r == 0)
            r = take_standings(s, target);
        if (r < 0)
            error_set(error, r, "the labels of %s: %s", c->name, strerror(-r));
    }
    if (r < 0) {
        loki_unbind(s, target);
        return r;
    }
    target->terms = loki_push_terms(&s->labels, &target->texts);
    target->terms.group = target->headers;
    loki_targets_trim(&s->targets);
    *ret = target;
    return 0;
}

static struct request_terms loki_terms(const struct sink_target *target)
{
    return target->terms;
}

/* The plan borrows the texts until they are trimmed. What other tenants get is none of its matter.
 */
static int encode(struct sink *s, const struct request *q, struct slot *slot, struct buf *body)
{
    int r = 0;
    for (size_t i = 0; i < q->part_count && r == 0; i++)
        if (loki_target_goes(q->parts[i].target))
            r = loki_target_use(&s->targets, q->parts[i].target, &s->labels, q->parts[i].container);
    if (r == 0)
        r = loki_plan_make(&s->plan, q, slot->range);
    if (r == 0)
        r = loki_plan_note(&s->plan, &slot->notes);
    if (r < 0)
        return r;
    slot->shifted = s->plan.shifted;
    if (s->labels.format == LOKI_JSON)
        loki_push_json(&s->labels, &s->plan, body);
    else
        loki_push_protobuf(&s->labels, &s->plan, body);
    return 0;
}

/* The next push of the slot's piece. */
static int send_push(struct sink *s, struct slot *slot, struct error *error)
{
    const struct request group = request_group(slot->q, slot->range.first);
    slot->told = loki_pick(&group, slot->range, clock_monotonic_ns(), &slot->more);
    slot->empty = !slot->told;
    if (slot->empty)
        return 0;
    int r = encode(s, &group, slot, http_sender_body(s->sender));
    loki_targets_trim(&s->targets);
    if (r < 0)
        return error_set(error, r, "encoding a push: %s", strerror(-r));
    return http_sender_send(s->sender, (unsigned)(slot - s->slots), group.parts[0].target->headers,
                            error);
}

static int loki_send(struct sink *s, unsigned number, const struct request *q,
                     struct request_range range, struct error *error)
{
    struct slot *slot = &s->slots[number];
    slot->q = q;
    slot->range = range;
    return send_push(s, slot, error);
}

static void loki_abandon(struct sink *s, unsigned number)
{
    s->slots[number].empty = false;
    http_sender_abandon(s->sender, number);
}

static struct slot *find_empty(struct sink *s)
{
    for (size_t i = 0; i < s->slot_count; i++)
        if (s->slots[i].empty)
            return &s->slots[i];
    return NULL;
}

static size_t loki_wait(struct sink *s, struct pollfd *fds, size_t max, int64_t *timeout_ns)
{
    size_t count = http_sender_wait(s->sender, fds, max, timeout_ns);
    if (find_empty(s))
        *timeout_ns = 0;
    return count;
}

/* Whose lines they are; NULL where the name was cut, or is nobody's. */
static struct sink_target *target_named(struct sink *s, const struct slot *slot, struct span name)
{
    struct sink_target *found = NULL;
    const struct request *q = slot->q;
    for (size_t i = 0; i < q->part_count && !found; i++) {
        const struct request_part *part = &q->parts[i];
        if (part->first >= slot->range.end || part->first + part->count <= slot->range.first ||
            loki_target_use(&s->targets, part->target, &s->labels, part->container) < 0)
            continue;
        for (unsigned stream = 0; stream < STREAM_COUNT; stream++)
            if (loki_name_means(name, part->target->texts.name[stream]))
                found = part->target;
    }
    loki_targets_trim(&s->targets);
    return found;
}

/* A push was taken. True: its answer is the piece's; else the next is on its way. */
static bool go_on(struct sink *s, struct slot *slot, struct sink_answer *ret)
{
    struct error error;
    slot->told->accepted = true;
    slot->told->fast_count = 0;
    loki_notes_apply(&slot->notes);
    __atomic_fetch_add(&s->shifted, slot->shifted, __ATOMIC_RELAXED);
    if (!slot->more)
        return true;
    loki_notes_mark(&slot->notes, slot->q, slot->range);
    if (send_push(s, slot, &error) == 0)
        return false;
    ret->verdict = VERDICT_RETRY;
    snprintf(ret->text, sizeof(ret->text), "%.*s", ANSWER_TEXT_MAX - 1, error.text);
    return true;
}

/* One that is too fast again and again may be more than its limit ever takes at once: in halves it
 * passes. A single line cannot be halved: it waits for what the limit gives. */
static void hold_back(struct slot *slot, const struct http_answer *answer, struct sink_answer *ret)
{
    slot->told->accepted = false;
    if (loki_blames_stream_rate(answer) && ++slot->told->fast_count % FAST_COUNT_MAX == 0)
        ret->verdict = VERDICT_TOO_LARGE;
    if (answer->status == 429 && slot->range.end - slot->range.first == 1)
        ret->verdict = VERDICT_RETRY;
}

static bool loki_step(struct sink *s, struct sink_answer *ret)
{
    struct http_answer answer;
    struct span stream;
    struct slot *empty = find_empty(s);
    if (empty) {
        empty->empty = false;
        *ret = (struct sink_answer){.slot = (unsigned)(empty - s->slots),
                                    .verdict = VERDICT_DELIVERED};
        return true;
    }
    while (http_sender_step(s->sender, &answer)) {
        struct slot *slot = &s->slots[answer.slot];
        *ret = (struct sink_answer){0};
        loki_judge(&answer, ret, &stream);
        if (ret->verdict == VERDICT_DELIVERED) {
            if (go_on(s, slot, ret))
                return true;
            continue;
        }
        hold_back(slot, &answer, ret);
        if (stream.data)
            ret->target = target_named(s, slot, stream);
        return true;
    }
    return false;
}

static int64_t loki_tend(struct sink *s, int64_t now_ns)
{
    int64_t due_ns;
    if (http_sender_rest(s->sender, now_ns, &due_ns))
        loki_plan_deinit(&s->plan);
    return due_ns;
}

static const struct sink_event loki_events[] = {
    {"shifted",
     "lines that were sent with a later nanosecond than their own, since another had it"},
    {0},
};

static void loki_count(const struct sink *s, uint64_t ret[SINK_EVENTS_MAX])
{
    ret[0] = __atomic_load_n(&s->shifted, __ATOMIC_RELAXED);
}

static const struct sink_request_ops loki_requests = {
    .terms = loki_terms,
    .send = loki_send,
    .abandon = loki_abandon,
    .wait = loki_wait,
    .step = loki_step,
};

const struct sink_ops loki_sink = {
    .type = "loki",
    .help = "Sends lines to Grafana Loki, or to what takes its push requests.",
    .options_size = sizeof(struct loki_options),
    .options = {{request_option_rows, offsetof(struct loki_options, http.request), "requests"},
                {http_option_rows, offsetof(struct loki_options, http), "HTTP"},
                {loki_option_rows, 0, NULL}},
    .open = loki_open,
    .close = loki_close,
    .form = loki_form,
    .bind = loki_bind,
    .unbind = loki_unbind,
    .tend = loki_tend,
    .events = loki_events,
    .count = loki_count,
    .requests = &loki_requests,
};
