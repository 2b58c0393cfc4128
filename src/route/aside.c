// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>

#include "base/check.h"
#include "base/limits.h"
#include "route/route_private.h"

#define ASIDE_LOG_NS (60 * NS_PER_SECOND)

/* They may hold as much as the requests that others are sent in, in however many parts: of each
 * tenant that is refused a request mostly has a little. */
static bool has_room(const struct route *r)
{
    const struct requests *q = &r->requests;
    uint64_t bytes = 0, bytes_max = q->sent_max * (uint64_t)r->options.batch_bytes_max;
    size_t aside = 0;
    for (size_t i = 0; i < q->count; i++) {
        aside += q->items[i]->aside;
        bytes += q->items[i]->aside ? q->items[i]->load.request.bytes : 0;
    }
    return aside < ASIDE_MAX && bytes < bytes_max;
}

/* All of it or, for want of memory, nothing. */
static int move_blamed(struct route_request *q, struct route_request *own)
{
    for (size_t i = q->draft.count; i-- > 0;) {
        if (!load_blames(&q->load, q->draft.sources[i].key) ||
            draft_move(&q->draft, &own->draft, i) == 0)
            continue;
        while (own->draft.count) /* there they have had room before */
            CHECK(draft_move(&own->draft, &q->draft, own->draft.count - 1) == 0);
        return -ENOMEM;
    }
    return 0;
}

/* The blamed sources, with all that is unsettled or refused of them, get a request of their own.
 * What was delivered of both needs no copy. NULL where there is no memory: all is as before. */
static struct route_request *separate(struct route *r, struct route_request *q)
{
    struct load others;
    struct route_request *own = requests_new(r);
    if (!own)
        return NULL;
    load_init(&others, q->load.request.form);
    if (load_copy(&q->load, &own->load, LOAD_OF_BLAMED) < 0 ||
        load_copy(&q->load, &others, LOAD_OF_OTHERS) < 0 || move_blamed(q, own) < 0) {
        load_deinit(&others, r);
        requests_free(r, own);
        return NULL;
    }
    load_deinit(&q->load, r);
    q->load = others;
    own->state = REQUEST_READY;
    own->resent = true;
    own->doubted = q->doubted;
    r->requests.items[r->requests.count++] = own;
    return own;
}

static bool has_others(const struct route_request *q)
{
    for (size_t i = 0; i < q->draft.count; i++)
        if (!load_blames(&q->load, q->draft.sources[i].key))
            return true;
    return false;
}

/* A journal is read for all its sources together, and waits for each to take what is its own: one
 * that may wait for long reads alone, when its time has come. */
static void leave_the_journal(struct route *r, struct draft_source *of)
{
    struct route_source *s = of->source;
    if (!s || !s->journal)
        return;
    source_reset(r, s, &of->cursor);
    s->heat = SOURCE_HOT;
}

static void tell(struct route *r, const struct draft *of, const struct sink_answer *answer)
{
    uint64_t suppressed;
    if (log_limit_pass(&r->aside_log, ASIDE_LOG_NS, &suppressed))
        log_line(
            LOG_WARN, "route.aside",
            "the sink takes nothing of some containers for now; their lines wait, others go on",
            "route=%s containers=%zu container=%.12s answer=%s suppressed=%" PRIu64,
            r->options.name, of->count, of->sources[0].slot->id, LOG_QUOTE(answer->text),
            suppressed);
}

static struct route_request *put(struct route *r, struct route_request *q,
                                 const struct sink_answer *answer)
{
    struct route_request *own = has_others(q) ? separate(r, q) : q;
    if (!own)
        return q;
    if (own != q) /* of a group, what is left was not sent with it */
        q->resent = answer->target != NULL;
    own->aside = true;
    for (size_t i = 0; i < own->draft.count; i++)
        leave_the_journal(r, &own->draft.sources[i]);
    tell(r, &own->draft, answer);
    return own;
}

/* A group for which there is no room is as good as all of them: it holds up the others for a probe.
 */
static bool blame(struct load *l, const struct sink_answer *answer, bool room)
{
    if (answer->target)
        return load_blame_target(l, answer->target);
    return answer->of_group && room && load_blame_group(l);
}

bool aside_put(struct route *r, struct route_request *q, const struct sink_answer *answer,
               int64_t now_ns)
{
    struct route_request *own = q;
    bool room = has_room(r);
    if (!blame(&q->load, answer, q->aside || room))
        return false;
    if (!q->aside && room)
        own = put(r, q, answer);
    backoff_fail(&own->backoff, r->options.number + own->draft.sources[0].key, now_ns,
                 answer->retry_after_ns);
    return true;
}
