// SPDX-License-Identifier: Apache-2.0
#include "source/follow.h"

#include <errno.h>

#include "base/check.h"
#include "source/crossing.h"
#include "source/fingerprint.h"
#include "source/relocate.h"
#include "source/replay.h"

int follow_tools_init(struct follow_tools *t, enum message_form form)
{
    *t = (struct follow_tools){.hold.serial = SLOT_NO_HOLD};
    records_init(&t->decoder, form);
    join_init(&t->join);
    t->scratch = calloc(1, sizeof(*t->scratch));
    if (!t->scratch || batch_init(t->scratch, form) < 0 || reader_new(&t->reader) < 0) {
        follow_tools_deinit(t);
        return -ENOMEM;
    }
    return 0;
}

void follow_tools_deinit(struct follow_tools *t)
{
    if (t->scratch)
        batch_deinit(t->scratch);
    free(t->scratch);
    t->scratch = NULL;
    join_deinit(&t->join);
    t->reader = reader_free(t->reader);
}

void follow_init(struct follow *f, struct slot *slot, const struct cursor *cursor)
{
    *f = (struct follow){.slot = slot_ref(slot), .cursor = *cursor};
}

void follow_deinit(struct follow *f)
{
    f->segment = segment_unref(f->segment);
    f->slot = slot_unref(f->slot);
}

void follow_reset(struct follow *f, struct follow_tools *t, const struct cursor *cursor)
{
    if (f->segment)
        reader_forget(t->reader, f->segment);
    f->segment = segment_unref(f->segment);
    f->cursor = *cursor;
    f->unwanted = f->more = false;
    if (t->join_owner == f)
        t->join_owner = NULL;
}

uint64_t follow_needs(const struct follow *f)
{
    if (f->cursor.kind == CURSOR_ENDED)
        return SLOT_NEEDS_NOTHING;
    if (f->unwanted)
        return f->unwanted_needs;
    if (f->cursor.kind == CURSOR_BEGINNING)
        return 0;
    uint64_t lowest = f->cursor.segment.serial + (f->cursor.kind == CURSOR_DONE);
    for (int i = 0; i < STREAM_COUNT; i++)
        if (f->cursor.open[i].kind == OPEN_LINE && f->cursor.open[i].segment.serial < lowest)
            lowest = f->cursor.open[i].segment.serial;
    return lowest;
}

/* A cursor beyond the end is that of a file which has become shorter: a pull finds out. */
bool follow_once_done(const struct follow *f)
{
    const struct cursor *c = &f->cursor;
    if (f->slot->once_serial == 0 || c->kind == CURSOR_ENDED)
        return true;
    return c->kind != CURSOR_BEGINNING &&
           (c->segment.serial > f->slot->once_serial ||
            (c->segment.serial == f->slot->once_serial &&
             (c->kind == CURSOR_DONE || c->offset == f->slot->once_offset)));
}

/* Where this pull must end in the current segment: the next era, a hold, or the end of `--once`. */
static uint64_t limit_in_segment(const struct follow *f, const struct follow_tools *t,
                                 const struct view *view, size_t era)
{
    uint64_t serial = f->segment->serial, limit = UINT64_MAX;
    if (era + 1 < view->era_count && view->eras[era + 1].serial == serial)
        limit = view->eras[era + 1].offset;
    if (t->once && f->slot->once_serial == serial && f->slot->once_offset < limit)
        limit = f->slot->once_offset;
    if (t->hold.serial < serial)
        return 0;
    if (t->hold.serial == serial && t->hold.offset < limit)
        limit = t->hold.offset;
    return limit;
}

static bool needs_join(const struct cursor *cursor, const struct batch *batch, size_t first)
{
    for (int i = 0; i < STREAM_COUNT; i++)
        if (cursor->open[i].kind != OPEN_NONE)
            return true;
    unsigned flags = 0;
    for (size_t i = first; i < batch->count; i++)
        flags |= batch->entries[i].flags;
    return flags & (ENTRY_UNTERMINATED | ENTRY_CHUNK);
}

/* The cursor names its segment by everything that is known of it. The fingerprint is known on
 * entering but for a segment that had no whole record then. */
static void name_segment(struct follow *f, struct follow_tools *t)
{
    if (fingerprint_known(f->cursor.segment.fingerprint) ||
        fingerprint_learn(t->reader, f->segment, t->scratch) != 0)
        return;
    f->cursor.segment = segment_name(f->segment);
    atomic_fetch_or_explicit(&f->slot->routes[t->route].saw, SLOT_SAW_HEAD, memory_order_release);
}

/* Whole records are there: decodes them into the batch and moves the cursor behind them. */
static int take_records(struct follow *f, struct follow_tools *t, struct span records,
                        struct batch *batch)
{
    struct cursor *c = &f->cursor;
    size_t first = join_is_open(c->open) ? STREAM_COUNT : 0;
    struct record_position at = {f->segment->serial, c->offset, c->last_ns};
    struct record_result result;

    size_t gaps_before = batch->gap_count;
    batch->count = first;
    records_decode(&t->decoder, f->segment->format, records, &at, batch, &result);
    CHECK(result.consumed > 0 && result.consumed <= records.size);
    for (size_t i = gaps_before; i < batch->gap_count; i++)
        batch->bytes_gap += (uint64_t)batch->gaps[i].bytes;

    if (t->records)
        join_none(batch);
    else if (needs_join(c, batch, first))
        join_apply(&t->join, c->open, batch, first, gaps_before, &c->segment);

    struct reader_before before = reader_remember((struct span){records.data, result.consumed});
    c->kind = CURSOR_AT;
    c->offset += result.consumed;
    c->last_ns = result.last_ns;
    c->last_hash = before.hash;
    c->last_size = before.size;
    f->more |= result.consumed < records.size;
    return FOLLOW_PROGRESS;
}

/* Passes bytes that are no records. */
static int pass_bytes(struct follow *f, struct follow_tools *t, struct batch *batch,
                      enum gap_reason reason, uint64_t bytes)
{
    crossing_book(f, t, batch, reason, f->segment->serial, f->cursor.offset, (int64_t)bytes);
    batch->bytes_consumed += bytes;
    batch->bytes_gap += bytes;
    f->cursor.kind = CURSOR_AT;
    f->cursor.offset += bytes;
    f->cursor.last_size = 0;
    f->more = true;
    return FOLLOW_PROGRESS;
}

/* Nothing whole beyond the cursor. Where nothing before it was there to check, the file may have
 * become shorter than it. */
static int at_end(struct follow *f, struct follow_tools *t, struct batch *batch,
                  const struct reader_result *result)
{
    if (!f->cursor.last_size && !result->tail && !f->segment->gzip) {
        int64_t size = segment_size(f->segment);
        if (size >= 0 && (uint64_t)size < f->cursor.offset)
            return relocate(f, t, batch);
    }
    return crossing_end(f, t, batch, result);
}

/* Inside a record that is too long. */
static int skip_on(struct follow *f, struct follow_tools *t, struct batch *batch)
{
    uint64_t bytes;
    bool found;
    int outcome = reader_search(t->reader, f->segment, f->cursor.offset, &bytes, &found);
    if (outcome == READER_END)
        return at_end(f, t, batch, &(struct reader_result){0});
    if (outcome == READER_AGAIN)
        return FOLLOW_AGAIN;
    if (outcome == READER_GONE)
        return crossing_gone(f, t, batch);
    if (outcome)
        return outcome;
    f->cursor.skipping = !found;
    if (bytes == 0)
        return FOLLOW_AGAIN;
    return pass_bytes(f, t, batch, GAP_TOO_LONG, bytes);
}

/* The text of the open lines, where another source has used the join since. */
static int own_join(struct follow *f, struct follow_tools *t, struct batch *batch)
{
    if (t->join_owner == f)
        return 0;
    join_drop(&t->join);
    t->join_owner = f;
    return join_is_open(f->cursor.open) ? replay_open_lines(f, t, batch) : 0;
}

/* The segment's file holds another segment by now, which `--once` waits to see. */
static int leave_cut(struct follow *f, struct follow_tools *t, struct batch *batch)
{
    const struct view *view = t->view;
    if (t->once && view->segments[view->segment_count - 1] == f->segment)
        return FOLLOW_AGAIN;
    return crossing_end(f, t, batch, &(struct reader_result){0});
}

static int read_on(struct follow *f, struct follow_tools *t, const struct view *view, size_t era,
                   struct batch *batch)
{
    struct cursor *c = &f->cursor;
    struct reader_before before = {c->last_hash, (size_t)c->last_size};
    struct reader_result result;

    f->more = false;
    if (atomic_load_explicit(&f->segment->cut, memory_order_acquire))
        return leave_cut(f, t, batch);
    if (c->skipping)
        return skip_on(f, t, batch);
    name_segment(f, t);
    int outcome = c->offset == 0 ? relocate_head(f, t) : 0;
    if (outcome)
        return outcome;
    outcome = reader_read(t->reader, f->segment, c->offset, &before, &result);
    switch (outcome) {
    case 0: break;
    case READER_END: return at_end(f, t, batch, &result);
    case READER_AGAIN: return FOLLOW_AGAIN;
    case READER_GONE: return crossing_gone(f, t, batch);
    case READER_CHANGED: return relocate(f, t, batch);
    case READER_NUL: return pass_bytes(f, t, batch, GAP_NUL, result.bytes);
    case READER_TOO_LONG:
        c->skipping = true;
        return pass_bytes(f, t, batch, GAP_TOO_LONG, result.bytes);
    default: return outcome;
    }

    f->more = result.more;
    uint64_t limit = limit_in_segment(f, t, view, era);
    struct span records = records_before(f->segment->format, result.records,
                                         limit > c->offset ? limit - c->offset : 0);
    if (records.size == 0)
        return FOLLOW_IDLE; /* the end of --once, or of what is not held */
    f->more |= records.size < result.records.size;
    return take_records(f, t, records, batch);
}

/* By now the chain may have the segment in another file, or as a hole: to be placed anew. */
static void leave_replaced(struct follow *f, struct follow_tools *t)
{
    if (!f->segment)
        return;
    size_t i = view_find(t->view, f->segment->serial);
    if (i < t->view->segment_count && t->view->segments[i] == f->segment)
        return;
    reader_forget(t->reader, f->segment);
    f->segment = segment_unref(f->segment);
}

/* The era in which the cursor stands; of one that has consumed a segment, that of the next. */
static size_t era_of(const struct follow *f, const struct view *view)
{
    const struct cursor *c = &f->cursor;
    if (c->kind == CURSOR_BEGINNING)
        return view_era(view, view->segment_count ? view->segments[0]->serial : 0, 0);
    if (c->kind == CURSOR_DONE)
        return view_era(view, c->segment.serial + 1, 0);
    return view_era(view, c->segment.serial, c->offset);
}

/* Finds the era, and whether the route wants it. */
static size_t look_at_era(struct follow *f, struct follow_tools *t, struct batch *batch)
{
    const struct view *view = t->view;
    size_t era = era_of(f, view);
    batch->container = view->eras[era].container;
    f->unwanted = !t->wants(t->context, batch->container);
    f->unwanted_needs = view->segment_count ? view->segments[view->segment_count - 1]->serial : 0;
    return era;
}

int follow_pull(struct follow *f, struct follow_tools *t, const struct view *view,
                struct batch *batch)
{
    batch_reset(batch);
    if (f->cursor.kind == CURSOR_ENDED)
        return FOLLOW_END;
    if (view->unlooked)
        return FOLLOW_IDLE; /* what seems to be missing may be there */
    t->view = view;
    leave_replaced(f, t);
    size_t era = look_at_era(f, t, batch);

    int r = own_join(f, t, batch);
    if (r || batch->gap_count)
        return r;
    if (!f->segment && !f->unwanted) {
        int outcome = crossing_place(f, t, batch);
        if (outcome != FOLLOW_PROGRESS || !f->segment || batch->gap_count)
            return outcome;
        era = look_at_era(f, t, batch);
    }
    return f->unwanted ? crossing_skip_era(f, t, era, batch) : read_on(f, t, view, era, batch);
}

int follow_finish(struct follow *f, struct follow_tools *t, const struct view *view,
                  struct batch *batch)
{
    batch_reset(batch);
    t->view = view;
    if (f->cursor.kind == CURSOR_ENDED || !join_is_open(f->cursor.open))
        return FOLLOW_IDLE;

    size_t era = view_era(view, f->cursor.segment.serial, f->cursor.offset);
    batch->container = view->eras[era].container;
    int r = own_join(f, t, batch);
    if (r)
        return r;
    join_finish(&t->join, f->cursor.open, OPEN_CUT, batch);
    return FOLLOW_PROGRESS;
}
