// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/check.h"
#include "route/route_private.h"

/* The route's backoff grows with its probes. Those that were under way when the first failed tell
 * nothing new, but how long the other side wants to be left alone. */
static void hold_up(struct route *r, const char *reason, int64_t at_least_ns, bool probe,
                    int64_t now_ns)
{
    if (probe || !r->requests.waiting)
        requests_hold_up(r, reason, at_least_ns, now_ns);
    else
        waiting_prolong(r, at_least_ns, now_ns);
}

/* The next probe is another one: what a server cannot digest holds up no other lines for ever. */
static void move_last(struct requests *q, struct route_request *request)
{
    size_t at = 0;
    while (q->items[at] != request)
        at++;
    for (; at + 1 < q->count; at++)
        q->items[at] = q->items[at + 1];
    q->items[at] = request;
}

/* The probe came through: the others follow. */
static void go_on(struct route *r)
{
    r->requests.waiting = false;
    waiting_end(r);
}

/* Halves, or the dead letters. 0, REFUSALS_FULL or -errno. */
static int refuse(struct route *r, struct route_request *q, const struct sink_answer *answer,
                  struct error *error)
{
    bool refused = answer->verdict == VERDICT_REFUSED;
    int code = pieces_halve(&q->load.pieces, refused);
    if (code == PIECES_WHOLE) {
        doubt_note(r, q, answer);
        return refusals_add(r, q, refused ? answer->reason : "too_large", answer->text, error);
    }
    return code < 0 ? error_set(error, code, "no memory") : 0;
}

static struct route_request *take_from_slot(struct route *r, unsigned slot)
{
    struct requests *q = &r->requests;
    size_t at = 0;
    while (at < q->count && (q->items[at]->state != REQUEST_SENT || q->items[at]->slot != slot))
        at++;
    CHECK(at < q->count);
    q->items[at]->state = REQUEST_READY;
    q->slots &= ~(1u << slot);
    return q->items[at];
}

static int take(struct route *r, const struct sink_answer *answer, int64_t now_ns,
                struct error *error)
{
    struct route_request *q = take_from_slot(r, answer->slot);
    bool probe = r->requests.probe == (int)answer->slot;
    int code = 0;
    if (probe)
        r->requests.probe = -1;
    r->requests.counts.answered[answer->verdict]++;

    q->resent = answer->verdict == VERDICT_RETRY;
    if (answer->verdict == VERDICT_RETRY) {
        if (!aside_put(r, q, answer, now_ns)) {
            hold_up(r, answer->text, answer->retry_after_ns, probe, now_ns);
            move_last(&r->requests, q);
            return 0;
        }
    } else if (answer->verdict == VERDICT_DELIVERED) {
        pieces_settle(&q->load.pieces);
    } else {
        code = refuse(r, q, answer, error);
    }
    if (code < 0)
        return code;
    if (code == REFUSALS_FULL) {
        q->resent = true;
        hold_up(r, error->text, 0, probe, now_ns);
        return 0;
    }
    if (probe)
        go_on(r);
    if (answer->verdict != VERDICT_RETRY)
        q->backoff = (struct backoff){0};
    if (q->load.pieces.count == 0)
        q->state = q->doubted ? REQUEST_DOUBTED : REQUEST_SETTLED;
    return 0;
}

int answers_take(struct route *r, int64_t now_ns, struct error *error)
{
    struct sink_answer answer = {0};
    int code = 0;
    while (code == 0 && r->requests.ops && r->requests.ops->step(r->sink, &answer)) {
        if (!replay_take(r, &answer))
            code = take(r, &answer, now_ns, error);
        if (code == 0)
            code = doubt_lift(r, &answer, error);
        answer = (struct sink_answer){0};
    }
    return code == 0 ? doubt_judge(r, error) : code;
}
