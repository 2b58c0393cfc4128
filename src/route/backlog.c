// SPDX-License-Identifier: Apache-2.0
#include "route/backlog.h"

#include "base/rfc3339.h"
#include "route/route_private.h"
#include "source/unread.h"

/* A source whose first unread line might be the oldest. */
struct candidate {
    struct unread unread; /* with a reference on its segment */
    int64_t after_ns;     /* it is not older than that; INT64_MIN: nobody knows */
};

struct counting {
    struct route *route;
    struct route_backlog sum;
    struct candidate candidates[BACKLOG_READS_MAX]; /* by after_ns, ascending */
    size_t count;
};

void backlog_init(struct backlog *b)
{
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&b->answered, &clock);
    pthread_condattr_destroy(&clock);
}

void backlog_deinit(struct backlog *b)
{
    pthread_cond_destroy(&b->answered);
}

static void note_time(struct route_backlog *sum, int64_t time_ns)
{
    if (time_ns && (!sum->oldest_ns || time_ns < sum->oldest_ns))
        sum->oldest_ns = time_ns;
}

/* What was read and is not committed. */
static void add_draft(struct route_backlog *sum, const struct draft *d)
{
    for (size_t i = 0; i < d->count; i++) {
        sum->bytes += d->sources[i].backlog_bytes;
        note_time(sum, d->sources[i].first_ns);
    }
}

static void add_drafts(struct route_backlog *sum, const struct route *r)
{
    const struct requests *q = &r->requests;
    add_draft(sum, &r->written);
    if (q->filling)
        add_draft(sum, &q->filling->draft);
    for (size_t i = 0; i < q->count; i++)
        add_draft(sum, &q->items[i]->draft);
}

static bool wants(void *context, const struct container *c)
{
    const struct route *r = context;
    return match_container(r->options.match, c);
}

/* Keeps those with the earliest `after_ns`. */
static void consider(struct counting *c, const struct unread *unread, int64_t after_ns)
{
    size_t at = c->count;
    while (at > 0 && c->candidates[at - 1].after_ns > after_ns)
        at--;
    if (at == BACKLOG_READS_MAX)
        return;
    if (c->count == BACKLOG_READS_MAX)
        segment_unref(c->candidates[--c->count].unread.segment);
    memmove(&c->candidates[at + 1], &c->candidates[at], (c->count - at) * sizeof(*c->candidates));
    c->candidates[at] = (struct candidate){*unread, after_ns};
    segment_ref(unread->segment);
    c->count++;
}

/* Read to its end, and nobody has written since. */
static bool is_level(const struct route *r, const struct route_source *s)
{
    unsigned ready = atomic_load_explicit(&s->slot->ready, memory_order_relaxed);
    return (s->follow && s->follow->cursor.kind == CURSOR_ENDED) ||
           (s->heat == SOURCE_QUIET && !(ready & 1u << r->options.number));
}

/* What was not even read. */
static void add_source(struct counting *c, const struct route_source *s)
{
    struct route *r = c->route;
    bool under_way = s->draft && s->draft->sources[s->draft_place].first_ns;
    if (is_level(r, s))
        return;
    if (s->journal) {
        note_time(&c->sum, under_way ? 0 : r->status.failing_since_ns);
        return;
    }
    CLEANUP(view_unref) struct view *view = slot_view(s->slot);
    struct cursor cursor = source_cursor(s);
    struct unread unread = unread_behind(view, &cursor, wants, r);
    c->sum.bytes += unread.bytes;
    if (!unread.bytes || under_way)
        return;
    int64_t last_ns = cursor.last_ns;
    consider(c, &unread, last_ns == CURSOR_NO_TIME ? view_container(view)->created_ns : last_ns);
}

/* In the order of what they might be: no further than to one that cannot be older any more. */
static void read_candidates(struct counting *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct candidate *item = &c->candidates[i];
        int64_t time_ns = 0;
        if (!c->sum.oldest_ns || item->after_ns < c->sum.oldest_ns) {
            int code = unread_time(&item->unread, c->route->tools.reader, c->route->tools.scratch,
                                   &time_ns);
            if (code && code != READER_END && item->after_ns != RFC3339_ZERO_NS)
                time_ns = item->after_ns;
        }
        note_time(&c->sum, time_ns);
        segment_unref(item->unread.segment);
    }
}

static struct route_backlog count_all(struct route *r)
{
    struct counting c = {.route = r, .sum = r->backlog.abandoned};
    c.sum.known = r->roster != NULL;
    if (!r->failing) /* else it is void, and among what was abandoned */
        add_drafts(&c.sum, r);
    for (size_t i = 0; i < r->source_count; i++)
        add_source(&c, r->sources[i]);
    read_candidates(&c);
    return c.sum;
}

void backlog_answer(struct route *r)
{
    if (!atomic_load_explicit(&r->backlog.asked, memory_order_acquire))
        return;
    struct route_backlog answer = count_all(r);
    pthread_mutex_lock(&r->status_lock);
    r->status.backlog = answer;
    atomic_store_explicit(&r->backlog.asked, false, memory_order_release);
    pthread_cond_broadcast(&r->backlog.answered);
    pthread_mutex_unlock(&r->status_lock);
}

void backlog_abandon(struct route *r)
{
    add_drafts(&r->backlog.abandoned, r);
}

uint64_t backlog_of_batch(const struct route *r, const struct route_source *s)
{
    bool counts = !s->journal && !(s->follow->segment && s->follow->segment->gzip);
    return counts ? r->batch.bytes_consumed : 0;
}

void backlog_abandon_batch(struct route *r, const struct route_source *s, int64_t first_ns)
{
    struct route_backlog *abandoned = &r->backlog.abandoned;
    abandoned->bytes += backlog_of_batch(r, s);
    note_time(abandoned, first_ns == GAP_TIME_UNKNOWN ? 0 : first_ns);
}

void backlog_recovered(struct route *r)
{
    r->backlog.abandoned = (struct route_backlog){0};
}

bool route_ask_backlog(struct route *r)
{
    if (atomic_exchange_explicit(&r->backlog.asked, true, memory_order_acq_rel))
        return false;
    route_wake(r);
    return true;
}

void route_wait_backlog(struct route *r, int64_t until_ns)
{
    struct timespec until = {until_ns / NS_PER_SECOND, until_ns % NS_PER_SECOND};
    pthread_mutex_lock(&r->status_lock);
    while (atomic_load(&r->backlog.asked) &&
           pthread_cond_timedwait(&r->backlog.answered, &r->status_lock, &until) == 0)
        ;
    pthread_mutex_unlock(&r->status_lock);
}
