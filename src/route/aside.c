// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "route/route_private.h"

#define ASIDE_LOG_NS (60 * NS_PER_SECOND)

static bool has_room(const struct requests *q)
{
    size_t aside = 0;
    for (size_t i = 0; i < q->count; i++)
        aside += q->items[i]->aside;
    return aside < q->sent_max;
}

/* The source, with all that is unsettled or refused of it, gets a request of its own. What was
 * delivered of both needs no copy. NULL where there is no memory: all is as before. */
static struct route_request *separate(struct route *r, struct route_request *q, uint32_t key)
{
    struct load others;
    struct route_request *own = requests_new(r);
    if (!own)
        return NULL;
    load_init(&others, q->load.request.form);
    if (load_copy(&q->load, &own->load, LOAD_OF_SOURCE, key) < 0 ||
        load_copy(&q->load, &others, LOAD_OF_OTHERS, key) < 0 ||
        draft_move(&q->draft, &own->draft, key) < 0) {
        load_deinit(&others, r);
        requests_free(r, own);
        return NULL;
    }
    load_deinit(&q->load, r);
    q->load = others;
    own->state = REQUEST_READY;
    own->resent = true;
    r->requests.items[r->requests.count++] = own;
    return own;
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

static void tell(struct route *r, const struct draft_source *of, const struct sink_answer *answer)
{
    uint64_t suppressed;
    if (log_limit_pass(&r->aside_log, ASIDE_LOG_NS, &suppressed))
        log_line(LOG_WARN, "route.aside",
                 "the sink takes nothing of one container for now; its lines wait, others go on",
                 "route=%s container=%.12s answer=%s suppressed=%" PRIu64, r->options.name,
                 of->slot->id, LOG_QUOTE(answer->text), suppressed);
}

bool aside_put(struct route *r, struct route_request *q, const struct sink_answer *answer,
               int64_t now_ns)
{
    uint32_t key;
    if (!load_find_target(&q->load, answer->target, &key))
        return false;
    struct route_request *own = q;
    if (!q->aside && has_room(&r->requests)) {
        own = q->draft.count > 1 ? separate(r, q, key) : q;
        if (own) {
            own->aside = true;
            leave_the_journal(r, &own->draft.sources[0]);
            tell(r, &own->draft.sources[0], answer);
        } else {
            own = q;
        }
    }
    backoff_fail(&own->backoff, now_ns, answer->retry_after_ns);
    return true;
}
