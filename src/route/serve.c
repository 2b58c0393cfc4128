// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/log.h"
#include "route/route_private.h"
#include "route/tty.h"

/* Labels and output path are rendered once per (source, era). */
static int bind(struct route *r, struct route_source *s, struct container *c, struct error *error)
{
    if (s->target && (s->bound == c || container_renders_same(s->bound, c)))
        return 0;
    if (s->target)
        s->target = r->ops->unbind(r->sink, s->target);
    s->bound = container_unref(s->bound);
    int code = r->ops->bind(r->sink, c, &s->target, error);
    if (code)
        return code;
    s->bound = container_ref(c);
    return 0;
}

static void remember_gap(struct route *r, struct route_source *s, const struct gap *gap)
{
    if (r->gap_count == r->gap_capacity) {
        size_t capacity = r->gap_capacity ? 2 * r->gap_capacity : BATCH_GAPS_MAX;
        void *gaps = reallocarray(r->gaps, capacity, sizeof(*r->gaps));
        if (!gaps)
            return; /* its bytes are in the tally all the same */
        r->gaps = gaps;
        r->gap_capacity = capacity;
    }
    r->gaps[r->gap_count++] = (struct pending_gap){s, *gap};
}

/* The first entry behind a gap says until when it lasts. */
static void close_gaps(struct route *r, struct route_source *s)
{
    if (!s->gap_open || r->batch.count == 0)
        return;
    for (size_t i = 0; i < r->gap_count; i++)
        if (r->gaps[i].source == s && r->gaps[i].gap.before_ns == GAP_TIME_UNKNOWN)
            r->gaps[i].gap.before_ns = r->batch.entries[0].time_ns;
    s->gap_open = false;
}

/* What the batch was, in the books; and only now the cursor counts. */
static int account(struct route *r, struct route_source *s, struct error *error)
{
    const struct batch *b = &r->batch;
    struct unwritten *unwritten;
    int code = unwritten_of(r, s, &unwritten, error);
    if (code < 0)
        return SINK_FAILED;
    unwritten->cursor = s->follow.cursor;
    tally_add_batch(&unwritten->tally, b);
    close_gaps(r, s);
    route_sums_add_batch(&r->unvouched, b);
    for (size_t i = 0; i < b->gap_count; i++) {
        remember_gap(r, s, &b->gaps[i]);
        s->gap_open |= b->gaps[i].before_ns == GAP_TIME_UNKNOWN;
    }
    s->needs = source_needs(s);
    r->dirty = true;
    return 0;
}

static int hand_over(struct route *r, struct route_source *s, struct error *error)
{
    beat_mark(&r->beat, BEAT_DELIVERING);
    int code = r->ops->encode(r->sink, s->target, &r->batch, error);
    beat_mark(&r->beat, BEAT_WORKING);
    return code;
}

static int encode(struct route *r, struct route_source *s, struct error *error)
{
    int code = bind(r, s, (struct container *)r->batch.container, error);
    if (code)
        return code < 0 ? SINK_FAILED : code;
    if (r->batch.container->tty)
        tty_strip(&r->batch);

    code = hand_over(r, s, error);
    if (code == SINK_COMMIT_FIRST) {
        code = commit_all(r, error);
        if (code == 0)
            code = hand_over(r, s, error);
    }
    return code;
}

static int deliver(struct route *r, struct route_source *s, struct error *error)
{
    int code = r->batch.count ? encode(r, s, error) : 0;
    return code ? code : account(r, s, error);
}

/* The batch's container is the view's: *view lives until it is delivered. */
static int pull(struct route *r, struct route_source *s, struct view **view)
{
    view_unref(*view);
    *view = slot_view(s->follow.slot);
    r->batch.ingest_ns = clock_now_ns();
    r->serving = s;
    r->tools.hold = slot_hold(s->follow.slot, *view, clock_monotonic_ns());
    return source_pull(r, s, *view);
}

/* Nothing came: arms the watches and looks once more. */
static int go_quiet(struct route *r, struct route_source *s, struct view **view)
{
    if (r->options.watch && !s->follow.ended) {
        size_t count = (*view)->segment_count;
        struct segment *last = count ? (*view)->segments[count - 1] : NULL;
        s->unwatched = false;
        if (s->follow.segment && s->follow.segment != last)
            s->unwatched |= watch_arm(r->options.watch, s->follow.segment, s->follow.slot,
                                      r->options.number) < 0;
        if (last && !last->hole)
            s->unwatched |=
                watch_arm(r->options.watch, last, s->follow.slot, r->options.number) < 0;
    }
    return pull(r, s, view);
}

static void settle_heat(struct route *r, struct route_source *s)
{
    bool at_once = r->options.once || r->options.batch_age_ns == 0;
    s->heat = s->follow.more || s->follow.ended || at_once ? SOURCE_HOT : SOURCE_WARM;
}

static void note_unreadable(struct route *r, struct route_source *s, int code)
{
    uint64_t suppressed;
    if (log_limit_pass(&r->unreadable_log, 60 * NS_PER_SECOND, &suppressed))
        log_line(LOG_WARN, "source.unreadable", "a log file cannot be read; trying again",
                 "route=%s container=%.12s error=%s suppressed=%lu", r->options.name,
                 s->follow.slot->id, LOG_QUOTE(strerror(-code)), (unsigned long)suppressed);
    s->heat = SOURCE_WARM;
}

/* The follow has nothing for us: what that means for when to look again. */
static void rest(struct route *r, struct route_source *s)
{
    bool again = r->tools.hold.waiting || s->unwatched || (s->journal && s->journal->waiting);
    s->heat = again ? SOURCE_WARM : SOURCE_QUIET;
    s->done = true;
    s->needs = source_needs(s);
    if (!s->unwritten) /* else with its commit */
        source_publish_needs(r, s);
}

int serve_source(struct route *r, struct route_source *s, struct error *error)
{
    if (s->done && r->options.once) {
        s->heat = SOURCE_QUIET;
        return 0;
    }
    if (r->options.once && source_once_done(s)) {
        rest(r, s);
        return 0;
    }
    CLEANUP(view_unref) struct view *view = NULL;
    enum source_heat before = s->heat;
    int code = pull(r, s, &view);
    if (view->unlooked) {
        s->heat = SOURCE_WARM; /* until it can be looked at, it is neither quiet nor done */
        return 0;
    }
    if (code == FOLLOW_IDLE && (before == SOURCE_WARM || r->options.batch_age_ns == 0))
        code = go_quiet(r, s, &view);
    else if (code == FOLLOW_IDLE && !r->options.once) {
        s->heat = SOURCE_WARM; /* the tick will tell whether it is quiet */
        return 0;
    }

    switch (code) {
    case FOLLOW_PROGRESS: settle_heat(r, s); return deliver(r, s, error);
    case FOLLOW_AGAIN: s->heat = SOURCE_HOT; return 0;
    case FOLLOW_IDLE:
    case FOLLOW_END: rest(r, s); return 0;
    default: note_unreadable(r, s, code); return 0;
    }
}

int serve_finish(struct route *r, struct route_source *s, struct error *error)
{
    CLEANUP(view_unref) struct view *view = slot_view(s->follow.slot);
    r->serving = s;
    int code = source_finish(r, s, view);
    return code == FOLLOW_PROGRESS ? deliver(r, s, error) : 0;
}
