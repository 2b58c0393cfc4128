// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/check.h"
#include "route/route_private.h"

enum { REST_MS = 2000 /* from the last answer: longer than the usual batch.age */ };

int requests_init(struct route *r, struct error *error)
{
    struct requests *q = &r->requests;
    q->probe = -1;
    q->rest_due_ns = INT64_MAX;
    q->ops = r->ops->requests;
    if (!q->ops) {
        r->filling = &r->written;
        return 0;
    }
    const struct request_options *options = r->options.sink.options;
    CHECK(options->requests_max >= 1 && options->requests_max <= REQUESTS_MAX);
    CHECK(r->options.batch_bytes_max > 0 && r->options.batch_lines_max > 0);
    q->sent_max = (unsigned)options->requests_max;
    q->max_age_ns = options->max_age_ns;
    return refusals_count(r, error);
}

static struct route_request *free_memory(struct route *r, struct route_request *q)
{
    if (!q)
        return NULL;
    load_deinit(&q->load, r);
    draft_deinit(&q->draft);
    free(q);
    return NULL;
}

static void free_spares(struct route *r)
{
    struct requests *q = &r->requests;
    while (q->spare_count)
        free_memory(r, q->spares[--q->spare_count]);
}

void requests_deinit(struct route *r)
{
    if (!r->requests.ops)
        return;
    requests_abandon(r);
    free_spares(r);
}

struct route_request *requests_new(struct route *r)
{
    if (r->requests.spare_count)
        return r->requests.spares[--r->requests.spare_count];
    struct route_request *q = calloc(1, sizeof(*q));
    if (q)
        load_init(&q->load, r->batch.form);
    return q;
}

void requests_free(struct route *r, struct route_request *q)
{
    struct requests *all = &r->requests;
    all->rest_due_ns = 0;
    if (all->spare_count > all->sent_max) {
        free_memory(r, q);
        return;
    }
    load_clear(&q->load, r);
    draft_clear(&q->draft);
    q->state = REQUEST_FILLING;
    q->aside = q->resent = q->doubted = false;
    q->backoff = (struct backoff){0};
    all->spares[all->spare_count++] = q;
}

int64_t requests_rest(struct route *r, int64_t now_ns)
{
    struct requests *q = &r->requests;
    if (q->rest_due_ns == 0)
        q->rest_due_ns = now_ns + REST_MS * NS_PER_MS;
    if (now_ns < q->rest_due_ns)
        return q->rest_due_ns;
    free_spares(r);
    if (q->filling && q->filling->draft.count == 0) {
        q->filling = free_memory(r, q->filling);
        r->filling = NULL;
    }
    return q->rest_due_ns = INT64_MAX;
}

/* Those that are aside hold up nobody. While all is refused one at a time is tried. */
bool requests_may_fill(const struct route *r)
{
    const struct requests *q = &r->requests;
    size_t busy = 0, most = q->counts.voided ? 1 : q->sent_max;
    for (size_t i = 0; i < q->count; i++)
        busy += !q->items[i]->aside;
    return !q->ops || (!q->waiting && busy < most);
}

int requests_begin(struct route *r)
{
    struct requests *q = &r->requests;
    if (!q->ops || q->filling)
        return 0;
    q->filling = requests_new(r);
    if (!q->filling)
        return -ENOMEM;
    r->filling = &q->filling->draft;
    return 0;
}

/* One more pull shall fit, as far as a batch is larger than pulls are. */
bool requests_are_full(const struct route *r)
{
    if (!r->requests.filling)
        return false;
    const struct request *q = &r->requests.filling->load.request;
    int64_t room = r->options.batch_bytes_max / 4;
    if (room > READ_QUANTUM_BYTES)
        room = READ_QUANTUM_BYTES;
    return q->bytes >= (uint64_t)(r->options.batch_bytes_max - room) ||
           q->count >= (uint64_t)r->options.batch_lines_max;
}

int requests_queue(struct route *r)
{
    struct requests *q = &r->requests;
    struct load *load = &q->filling->load;
    q->filling->state = REQUEST_SETTLED;
    if (load->request.count) {
        int code = load_cut(load, (uint64_t)r->options.batch_bytes_max,
                            (size_t)r->options.batch_lines_max);
        if (code < 0)
            return code;
        load->pieces.sparing = doubt_is_sparing(r);
        q->filling->state = REQUEST_READY;
    }
    CHECK(q->count < ARRAY_SIZE(q->items));
    q->items[q->count++] = TAKE(q->filling);
    r->filling = NULL;
    source_unlist_held(r);
    return 0;
}

static bool has_slot(const struct requests *q)
{
    return (unsigned)__builtin_popcount(q->slots) < q->sent_max;
}

int requests_free_slot(const struct route *r)
{
    return has_slot(&r->requests) ? __builtin_ctz(~r->requests.slots) : -1;
}

void requests_hold_up(struct route *r, const char *reason, int64_t at_least_ns, int64_t now_ns)
{
    r->requests.waiting = true;
    waiting_begin(r, reason, at_least_ns, now_ns);
}

static void send_piece(struct route *r, struct route_request *request, int64_t now_ns)
{
    struct requests *q = &r->requests;
    struct error error = {""};
    request->slot = (unsigned)__builtin_ctz(~q->slots);
    int code = q->ops->send(r->sink, request->slot, &request->load.request,
                            pieces_next(&request->load.pieces), &error);
    if (code < 0) {
        requests_hold_up(r, error.text, 0, now_ns);
        return;
    }
    request->state = REQUEST_SENT;
    q->slots |= 1u << request->slot;
    if (q->waiting)
        q->probe = (int)request->slot;
    q->counts.sent++;
    q->counts.resent += request->resent;
}

/* While the sink is not reached: whether there is to be no probe yet, or it is under way. */
static bool is_held_up(const struct route *r, int64_t now_ns)
{
    return r->requests.waiting && (r->requests.probe >= 0 || now_ns < r->backoff.until_ns);
}

void requests_send(struct route *r, int64_t now_ns)
{
    struct requests *q = &r->requests;
    for (size_t i = 0; i < q->count && has_slot(q) && !is_held_up(r, now_ns); i++) {
        struct route_request *request = q->items[i];
        if (request->state == REQUEST_READY && request->backoff.until_ns <= now_ns)
            send_piece(r, request, now_ns);
    }
}

int64_t requests_due_ns(const struct route *r)
{
    const struct requests *q = &r->requests;
    int64_t due = INT64_MAX;
    if (!has_slot(q) || q->probe >= 0)
        return due;
    for (size_t i = 0; i < q->count; i++)
        if (q->items[i]->state == REQUEST_READY && q->items[i]->backoff.until_ns < due)
            due = q->items[i]->backoff.until_ns;
    return q->waiting && due < r->backoff.until_ns ? r->backoff.until_ns : due;
}

void requests_abandon(struct route *r)
{
    struct requests *q = &r->requests;
    if (!q->ops)
        return;
    replay_abandon(r);
    for (size_t i = 0; i < q->count; i++) {
        if (q->items[i]->state == REQUEST_SENT)
            q->ops->abandon(r->sink, q->items[i]->slot);
        requests_free(r, q->items[i]);
    }
    if (q->filling)
        requests_free(r, TAKE(q->filling));
    q->count = 0;
    q->slots = 0;
    q->waiting = false;
    q->probe = -1;
    r->filling = NULL;
}
