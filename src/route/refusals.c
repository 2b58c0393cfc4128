// SPDX-License-Identifier: Apache-2.0
#include "ledger/letters.h"

#include <inttypes.h>

#include "route/route_private.h"

#define REFUSED_LOG_NS (10 * NS_PER_SECOND)

static uint64_t label_bytes(const struct container *c)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < c->rendered.count; i++)
        bytes += strlen(c->rendered.items[i].key) + strlen(c->rendered.items[i].value);
    return bytes;
}

/* About what the ledger will count of it. */
static uint64_t bytes_of(const struct request *q, struct request_range range, const char *answer)
{
    uint64_t bytes = 0;
    for (size_t at = range.first; at < range.end; at++)
        bytes += q->entries[at].message.size + q->entries[at].attrs.size + strlen(answer) +
                 label_bytes(request_part_at(q, at)->container);
    return bytes;
}

/* Of all requests that are not committed yet. */
static uint64_t pending_bytes(const struct route *r)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < r->requests.count; i++) {
        const struct load *l = &r->requests.items[i]->load;
        for (size_t j = 0; j < l->refusal_count; j++)
            bytes += bytes_of(&l->request, l->refusals[j].range, l->refusals[j].answer);
    }
    return bytes;
}

static int full(const struct route *r, struct error *error)
{
    int64_t max = r->options.dead_letters_bytes_max;
    bool small = max < 1024 * 1024;
    return error_set(error, REFUSALS_FULL,
                     "the dead letters are full (%" PRId64 "%s); look at them with `tallyman "
                     "dead`, or raise dead_letters_max",
                     small ? max / 1024 : max / (1024 * 1024), small ? "KiB" : "MiB");
}

static void tell(struct route *r, size_t lines, const char *reason, const char *answer)
{
    uint64_t suppressed;
    if (log_limit_pass(&r->refused_log, REFUSED_LOG_NS, &suppressed))
        log_line(LOG_WARN, "route.refused",
                 "the sink refused lines for good; they go to the dead letters",
                 "route=%s lines=%zu reason=%s answer=%s suppressed=%" PRIu64, r->options.name,
                 lines, LOG_QUOTE(reason), LOG_QUOTE(answer), suppressed);
}

void refusals_tell(struct route *r, const struct load *l)
{
    for (size_t i = 0; i < l->refusal_count; i++)
        tell(r, l->refusals[i].range.end - l->refusals[i].range.first, l->refusals[i].reason,
             l->refusals[i].answer);
}

/* Lines that counted as delivered are refused, in the books of each source. */
static void account(struct route_request *q, struct request_range range)
{
    const struct request *request = &q->load.request;
    for (size_t at = range.first; at < range.end;) {
        const struct request_part *part = request_part_at(request, at);
        size_t end = part->first + part->count < range.end ? part->first + part->count : range.end;
        draft_refuse(&q->draft, q->load.parts[part - request->parts].key, end - at);
        at = end;
    }
}

int refusals_fit(struct route *r, uint64_t more_bytes, struct error *error)
{
    uint64_t count = 0, bytes = 0;
    int code = ledger_letter_sums(r->ledger, &count, &bytes, error);
    if (code < 0)
        return code;
    bytes += pending_bytes(r) + more_bytes;
    return bytes > (uint64_t)r->options.dead_letters_bytes_max ? full(r, error) : 0;
}

int refusals_add(struct route *r, struct route_request *q, const char *reason, const char *answer,
                 struct error *error)
{
    struct request_range range = pieces_next(&q->load.pieces);
    int code = q->doubted ? 0 : refusals_fit(r, bytes_of(&q->load.request, range, answer), error);
    if (code)
        return code;
    code = load_refuse(&q->load, range, reason, answer, clock_now_ns());
    if (code < 0)
        return error_set(error, code, "no memory");
    account(q, range);
    pieces_settle(&q->load.pieces);
    if (!q->doubted)
        tell(r, range.end - range.first, reason, answer);
    return 0;
}

static int put_refusal(struct route *r, const struct load *l, const struct refusal *refusal,
                       struct error *error)
{
    const struct request *q = &l->request;
    int code = 0;
    for (size_t at = refusal->range.first; code == 0 && at < refusal->range.end; at++) {
        const struct request_part *part = request_part_at(q, at);
        const struct entry *e = &q->entries[at];
        struct ledger_letter letter = {.source = l->parts[part - q->parts].key,
                                       .refused_ns = refusal->refused_ns,
                                       .reason = refusal->reason,
                                       .answer = refusal->answer,
                                       .serial = e->serial,
                                       .offset = e->offset,
                                       .time_ns = e->time_ns,
                                       .stream = e->stream,
                                       .flags = e->flags & ~(unsigned)ENTRY_DELIVERED,
                                       .form = q->form,
                                       .message = e->message,
                                       .attrs = e->attrs,
                                       .container = part->container};
        code = ledger_put_letter(r->ledger, &letter, error);
    }
    return code;
}

int refusals_put(struct route *r, const struct route_request *q, struct error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < q->load.refusal_count; i++)
        code = put_refusal(r, &q->load, &q->load.refusals[i], error);
    return code;
}

int refusals_count(struct route *r, struct error *error)
{
    return ledger_letter_sums(r->ledger, &r->requests.counts.letters,
                              &r->requests.counts.letter_bytes, error);
}
