// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/log.h"
#include "route/route_private.h"
#include "route/tty.h"

enum { COMMITS_FIRST_MAX = 2 /* that a sink may want for one batch */ };

/* Labels and output path are rendered once per (source, era). The sink sees the binding's record,
 * which has them. */
static int bind(struct route *r, struct route_source *s, struct error *error)
{
    struct container *record = (struct container *)r->batch.container;
    int code = 0;
    if (!s->binding ||
        (s->binding->record != record && !container_renders_same(s->binding->record, record))) {
        s->binding = binding_let_go(r, s->binding);
        code = binding_new(r, record, &s->binding, error);
    }
    if (code == 0 && binding_unfold(r, s->binding) < 0)
        code = error_set(error, -ENOMEM, "no memory");
    if (code == 0)
        r->batch.container = s->binding->container;
    return code;
}

static int remember_gaps(struct route *r, struct route_source *s)
{
    const struct batch *b = &r->batch;
    for (size_t i = 0; i < b->gap_count; i++) {
        if (draft_add_gap(r->filling, s->key, &b->gaps[i]) < 0)
            return -ENOMEM;
        s->gap_open |= b->gaps[i].before_ns == GAP_TIME_UNKNOWN;
    }
    return 0;
}

/* What the batch was, in the books; and only now the cursor counts. The first entry behind a gap,
 * though it may be too old for the sink, says until when that lasts: `first_ns`. */
static int account(struct route *r, struct route_source *s, int64_t first_ns, uint64_t too_old)
{
    const struct batch *b = &r->batch;
    struct draft_source *drafted;
    if (draft_take(r->filling, s, &drafted) < 0)
        return -ENOMEM;
    drafted->cursor = s->follow->cursor;
    tally_add_batch(&drafted->tally, b);
    tally_add_filtered(&drafted->tally, too_old);
    drafted->lines_too_old += too_old;
    drafted->backlog_bytes += backlog_of_batch(r, s);
    if (!drafted->first_ns && first_ns != GAP_TIME_UNKNOWN)
        drafted->first_ns = first_ns;
    if (s->gap_open && first_ns != GAP_TIME_UNKNOWN) {
        draft_close_gaps(r->filling, s->key, first_ns);
        s->gap_open = false;
    }
    s->needs = source_needs(s);
    return remember_gaps(r, s);
}

/* Into the sink, or into the request that is being filled. */
static int encode(struct route *r, struct route_source *s, struct error *error)
{
    if (r->requests.ops) {
        struct load *load = &r->requests.filling->load;
        struct request_terms terms = r->requests.ops->terms(s->binding->target);
        int code = load_add(load, s->binding, terms, s->key, &r->batch);
        return code < 0 ? error_set(error, SINK_FAILED, "no memory") : 0;
    }
    beat_mark(&r->beat, BEAT_DELIVERING);
    int code = r->ops->encode(r->sink, s->binding->target, &r->batch, error);
    beat_mark(&r->beat, BEAT_WORKING);
    return code;
}

static int hand_over(struct route *r, struct route_source *s, struct error *error)
{
    int code = bind(r, s, error);
    if (code)
        return code < 0 ? SINK_FAILED : code;
    if (r->batch.container->tty)
        tty_strip(&r->batch);

    code = encode(r, s, error);
    for (int i = 0; i < COMMITS_FIRST_MAX && code == SINK_COMMIT_FIRST; i++) {
        code = commit_written(r, error);
        if (code == 0)
            code = encode(r, s, error);
    }
    r->batch.container = s->binding->record;
    binding_used(r, s->binding);
    return code;
}

/* Takes the lines out of the batch that the sink shall not see for their age; how many. */
static uint64_t drop_old(struct route *r)
{
    struct batch *b = &r->batch;
    size_t kept = 0, all = b->count;
    if (r->requests.max_age_ns == 0)
        return 0;
    int64_t oldest_ns = b->ingest_ns - r->requests.max_age_ns;
    for (size_t i = 0; i < all; i++)
        if (b->entries[i].time_ns >= oldest_ns)
            b->entries[kept++] = b->entries[i];
    b->count = kept;
    return all - kept;
}

static int deliver(struct route *r, struct route_source *s, struct error *error)
{
    int64_t first_ns = r->batch.count ? r->batch.entries[0].time_ns : GAP_TIME_UNKNOWN;
    uint64_t too_old = drop_old(r);
    int code = r->batch.count ? hand_over(r, s, error) : 0;
    if (code == 0 && account(r, s, first_ns, too_old) < 0)
        code = error_set(error, SINK_FAILED, "no memory");
    if (code)
        backlog_abandon_batch(r, s, first_ns);
    return code;
}

/* The batch's container is the view's: *view lives until it is delivered. */
static int pull(struct route *r, struct route_source *s, struct view **view)
{
    view_unref(*view);
    *view = slot_view(s->slot);
    r->batch.ingest_ns = clock_now_ns();
    r->serving = s;
    if (source_wake(s) < 0)
        return -ENOMEM;
    r->tools.hold = slot_hold(s->slot, *view, clock_monotonic_ns());
    return source_pull(r, s, *view);
}

/* Nothing came: arms the watches and looks once more. */
static int go_quiet(struct route *r, struct route_source *s, struct view **view)
{
    if (r->options.watch && s->follow->cursor.kind != CURSOR_ENDED) {
        size_t count = (*view)->segment_count;
        struct segment *last = count ? (*view)->segments[count - 1] : NULL;
        s->unwatched = false;
        if (s->follow->segment && s->follow->segment != last)
            s->unwatched |=
                watch_arm(r->options.watch, s->follow->segment, s->slot, r->options.number) < 0;
        if (last && !last->hole)
            s->unwatched |= watch_arm(r->options.watch, last, s->slot, r->options.number) < 0;
    }
    return pull(r, s, view);
}

/* It has come to a new place, where nothing has been read yet, or its segment is not the last. */
static bool is_on_its_way(const struct route *r, const struct route_source *s,
                          const struct view *view)
{
    size_t count = view->segment_count;
    bool at_last = !count || s->follow->segment == view->segments[count - 1];
    return !s->journal && (r->batch.records == 0 || !at_last);
}

static void settle_heat(struct route *r, struct route_source *s, const struct view *view)
{
    bool at_once = r->options.once || r->options.batch_age_ns == 0;
    bool ended = s->follow->cursor.kind == CURSOR_ENDED;
    bool hot = s->follow->more || ended || at_once || is_on_its_way(r, s, view);
    s->heat = hot ? SOURCE_HOT : SOURCE_WARM;
}

static void note_unreadable(struct route *r, struct route_source *s, int code)
{
    uint64_t suppressed;
    if (log_limit_pass(&r->unreadable_log, 60 * NS_PER_SECOND, &suppressed))
        log_line(LOG_WARN, "source.unreadable", "a log file cannot be read; trying again",
                 "route=%s container=%.12s error=%s suppressed=%lu", r->options.name, s->slot->id,
                 LOG_QUOTE(strerror(-code)), (unsigned long)suppressed);
    s->heat = SOURCE_WARM;
}

/* The follow has nothing for us: what that means for when to look again. */
static void rest(struct route *r, struct route_source *s)
{
    bool again = r->tools.hold.waiting || s->unwatched || (s->journal && s->journal->waiting);
    s->heat = again ? SOURCE_WARM : SOURCE_QUIET;
    s->done = true;
    s->needs = source_needs(s);
    if (!s->draft) /* else with its commit */
        source_publish_needs(r, s);
    source_rest(r, s);
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
    if (code == FOLLOW_IDLE && (before == SOURCE_DUE || r->options.batch_age_ns == 0))
        code = go_quiet(r, s, &view);
    else if (code == FOLLOW_IDLE && !r->options.once) {
        s->heat = SOURCE_WARM; /* the tick will tell whether it is quiet */
        source_rest_follow(r, s);
        return 0;
    }

    switch (code) {
    case FOLLOW_PROGRESS: settle_heat(r, s, view); return deliver(r, s, error);
    case FOLLOW_AGAIN: s->heat = SOURCE_HOT; return 0;
    case FOLLOW_IDLE:
    case FOLLOW_END: rest(r, s); return 0;
    default: note_unreadable(r, s, code); return 0;
    }
}

int serve_finish(struct route *r, struct route_source *s, struct error *error)
{
    CLEANUP(view_unref) struct view *view = slot_view(s->slot);
    r->serving = s;
    int code = source_finish(r, s, view);
    return code == FOLLOW_PROGRESS ? deliver(r, s, error) : 0;
}
