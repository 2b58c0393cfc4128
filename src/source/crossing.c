// SPDX-License-Identifier: Apache-2.0
#include "source/crossing.h"

#include "base/check.h"
#include "source/fingerprint.h"
#include "source/relocate.h"

void crossing_book(struct follow *f, struct follow_tools *t, struct batch *batch,
                   enum gap_reason reason, uint64_t serial, uint64_t offset, int64_t bytes)
{
    bool missing = reason != GAP_AMBIGUOUS && reason != GAP_OPEN_LINE;
    if (missing && join_is_open(f->cursor.open))
        join_cut(&t->join, f->cursor.open, batch);
    bool booked = batch_add_gap(batch, (struct gap){.reason = reason,
                                                    .serial = serial,
                                                    .offset = offset,
                                                    .bytes = bytes,
                                                    .after_ns = f->cursor.last_ns,
                                                    .before_ns = GAP_TIME_UNKNOWN});
    CHECK(booked); /* every pull begins with an empty batch, and books few at once */
}

/* Stands in no segment any more. */
static void leave(struct follow *f, struct follow_tools *t)
{
    if (f->segment)
        reader_forget(t->reader, f->segment);
    f->segment = segment_unref(f->segment);
}

/* The segment may be another than the one it is taken for: said once by each route that reads it.
 */
static void note_ambiguous(struct follow *f, struct follow_tools *t, struct batch *batch)
{
    if (!f->segment->ambiguous || f->ambiguous_booked == f->segment->serial)
        return;
    crossing_book(f, t, batch, GAP_AMBIGUOUS, f->segment->serial, f->cursor.offset,
                  GAP_BYTES_UNKNOWN);
    f->ambiguous_booked = f->segment->serial;
}

static void enter(struct follow *f, struct follow_tools *t, struct segment *s)
{
    if (t->join_owner == f)
        join_leave_segment(&t->join, f->cursor.offset);
    segment_ref(s);
    if (f->segment != s)
        leave(f, t);
    segment_unref(f->segment);
    f->segment = s;
    f->cursor.kind = CURSOR_AT;
    f->cursor.segment = segment_name(s);
    f->cursor.offset = 0;
    f->cursor.last_size = 0;
    f->cursor.skipping = false;
}

/* Do no files stand behind it, only holes? */
static bool is_last_file(const struct view *view, const struct segment *s)
{
    for (size_t i = view_find(view, s->serial + 1); i < view->segment_count; i++)
        if (!view->segments[i]->hole)
            return false;
    return true;
}

/* A segment without a whole record that is passed: what is missing with it. */
static void book_unreadable(struct follow *f, struct follow_tools *t, struct batch *batch,
                            struct segment *s)
{
    bool last = is_last_file(t->view, s);
    int64_t size = segment_size(s);
    if (size < 0)
        crossing_book(f, t, batch, t->view->gone ? GAP_REMOVED : GAP_ROTATED, s->serial, 0,
                      GAP_BYTES_UNKNOWN);
    else if (size == 0 && last && !s->gzip)
        return; /* nothing had been written into the live file when its container was removed */
    else if (size == 0)
        crossing_book(f, t, batch, GAP_EMPTY_ROTATION, s->serial, 0, GAP_BYTES_UNKNOWN);
    else if (s->gzip)
        crossing_book(f, t, batch, GAP_GZIP, s->serial, 0, GAP_BYTES_UNKNOWN);
    else
        crossing_book(f, t, batch, GAP_MALFORMED, s->serial, 0, size);
}

/* Passes element `i` of the chain, which holds no record that can be read. */
static void pass_element(struct follow *f, struct follow_tools *t, struct batch *batch, size_t i)
{
    struct segment *s = t->view->segments[i];
    if (s->hole)
        crossing_book(f, t, batch, s->reason, s->serial, 0, s->bytes);
    else if (atomic_load_explicit(&s->cut, memory_order_acquire))
        crossing_book(f, t, batch, GAP_TRUNCATED, s->serial, 0, GAP_BYTES_UNKNOWN);
    else
        book_unreadable(f, t, batch, s);

    leave(f, t);
    f->cursor.kind = CURSOR_DONE;
    f->cursor.segment = segment_name(s);
    f->cursor.offset = 0;
    f->cursor.last_size = 0;
    f->cursor.skipping = false;
}

/* The first element from `from` on that has a whole record; segment_count if there is none. */
static int find_record(struct follow_tools *t, size_t from, size_t *ret)
{
    for (size_t i = from; i < t->view->segment_count; i++) {
        struct segment *s = t->view->segments[i];
        if (s->hole || atomic_load_explicit(&s->cut, memory_order_acquire))
            continue;
        int outcome = fingerprint_learn(t->reader, s, t->scratch);
        if (outcome < 0)
            return outcome;
        if (outcome == 0) {
            *ret = i;
            return 0;
        }
        reader_forget(t->reader, s);
    }
    *ret = t->view->segment_count;
    return 0;
}

/* The source has been read to its end. */
static int finish(struct follow *f, struct follow_tools *t, struct batch *batch)
{
    if (join_is_open(f->cursor.open))
        join_finish(&t->join, f->cursor.open, OPEN_NONE, batch);
    f->cursor.kind = CURSOR_ENDED;
    return FOLLOW_PROGRESS;
}

/* Did element `i` replace the file before it, as a copy of what that held? */
static bool is_copy(const struct view *view, size_t i)
{
    return i > 0 && view->segments[i - 1]->hole && view->segments[i - 1]->reason == GAP_REWRITTEN;
}

/* Goes on from element `from`: enters the first that has a record; until then nothing is passed,
 * since the segment before may still grow. */
static int advance(struct follow *f, struct follow_tools *t, struct batch *batch, size_t from)
{
    size_t target;
    int r = find_record(t, from, &target);
    if (r < 0)
        return r;
    if (target == t->view->segment_count && !t->view->gone)
        return FOLLOW_IDLE;

    /* By what was consumed last, which is forgotten with the first that is passed. */
    struct segment *next = target < t->view->segment_count ? t->view->segments[target] : NULL;
    uint64_t offset = next && is_copy(t->view, target) ? relocate_in_copy(&f->cursor, t, next) : 0;
    if (t->join_owner == f && from < target)
        join_leave_segment(&t->join, f->cursor.offset);
    for (size_t i = from; i < target; i++) {
        if (batch->gap_count >= BATCH_GAPS_MAX / 2)
            return FOLLOW_PROGRESS; /* the rest with the next pull, from CURSOR_DONE */
        pass_element(f, t, batch, i);
    }
    if (!next)
        return finish(f, t, batch);
    enter(f, t, next);
    f->cursor.offset = offset;
    note_ambiguous(f, t, batch);
    return FOLLOW_PROGRESS;
}

/* What of a hole lies behind the offset up to which its file was read. */
static int64_t bytes_left(const struct segment *hole, uint64_t offset)
{
    if (hole->bytes == GAP_BYTES_UNKNOWN)
        return GAP_BYTES_UNKNOWN;
    return hole->bytes > (int64_t)offset ? hole->bytes - (int64_t)offset : 0;
}

int crossing_place(struct follow *f, struct follow_tools *t, struct batch *batch)
{
    struct cursor *c = &f->cursor;
    if (c->kind == CURSOR_BEGINNING)
        return advance(f, t, batch, 0);

    size_t i = view_find(t->view, c->segment.serial);
    bool there = i < t->view->segment_count && t->view->segments[i]->serial == c->segment.serial;
    if (c->kind == CURSOR_DONE)
        return advance(f, t, batch, there ? i + 1 : i);
    if (there && !t->view->segments[i]->hole) {
        f->segment = segment_ref(t->view->segments[i]);
        note_ambiguous(f, t, batch);
        return FOLLOW_PROGRESS;
    }

    /* The segment that the cursor stands in was let go, or has become a hole: its rest is lost. */
    struct segment *hole = there ? t->view->segments[i] : NULL;
    if (i + 1 >= t->view->segment_count && there && !t->view->gone)
        return FOLLOW_IDLE;
    crossing_book(f, t, batch, hole ? hole->reason : GAP_ROTATED, c->segment.serial, c->offset,
                  hole ? bytes_left(hole, c->offset) : GAP_BYTES_UNKNOWN);
    c->kind = CURSOR_DONE;
    c->last_size = 0;
    c->skipping = false;
    int r = advance(f, t, batch, there ? i + 1 : i);
    return r == FOLLOW_IDLE ? FOLLOW_PROGRESS : r;
}

/* The index of the follow's segment in the view, which always holds what a route still needs. */
static size_t index_of(const struct follow *f, const struct follow_tools *t)
{
    size_t i = view_find(t->view, f->segment->serial);
    return i < t->view->segment_count && t->view->segments[i] == f->segment
               ? i
               : t->view->segment_count;
}

/* Books what is left behind in the segment. True where there are whole records behind that. */
static bool book_tail(struct follow *f, struct follow_tools *t, struct batch *batch,
                      const struct reader_result *end)
{
    bool whole_file = !end->damaged || end->records_behind;
    if (!whole_file)
        crossing_book(f, t, batch, GAP_GZIP, f->segment->serial, f->cursor.offset,
                      GAP_BYTES_UNKNOWN);
    else if (end->tail)
        crossing_book(f, t, batch, end->tail_is_nul ? GAP_NUL : GAP_TORN, f->segment->serial,
                      f->cursor.offset, (int64_t)end->tail);
    if (whole_file && end->tail) {
        batch->bytes_consumed += end->tail;
        batch->bytes_gap += end->tail;
        f->cursor.offset += end->tail;
        f->cursor.last_size = 0;
    }
    return end->records_behind;
}

int crossing_end(struct follow *f, struct follow_tools *t, struct batch *batch,
                 const struct reader_result *end)
{
    size_t i = index_of(f, t);
    if (i == t->view->segment_count) { /* the chain has it as another element by now */
        leave(f, t);
        return crossing_place(f, t, batch);
    }

    size_t target;
    int r = find_record(t, i + 1, &target);
    if (r < 0)
        return r;
    if (target == t->view->segment_count && !t->view->gone)
        return FOLLOW_IDLE;
    if (atomic_load_explicit(&f->segment->cut, memory_order_acquire))
        crossing_book(f, t, batch, GAP_TRUNCATED, f->segment->serial, f->cursor.offset,
                      GAP_BYTES_UNKNOWN);
    else if (book_tail(f, t, batch, end))
        return FOLLOW_PROGRESS;
    return advance(f, t, batch, i + 1);
}

int crossing_gone(struct follow *f, struct follow_tools *t, struct batch *batch)
{
    size_t i = index_of(f, t);
    if (i == t->view->segment_count) { /* the chain has it as a hole by now */
        leave(f, t);
        return crossing_place(f, t, batch);
    }
    if (i + 1 == t->view->segment_count && !t->view->gone)
        return FOLLOW_IDLE;
    crossing_book(f, t, batch, t->view->gone ? GAP_REMOVED : GAP_ROTATED, f->segment->serial,
                  f->cursor.offset, GAP_BYTES_UNKNOWN);
    f->cursor.kind = CURSOR_DONE;
    f->cursor.last_size = 0;
    leave(f, t);
    return FOLLOW_PROGRESS;
}

/* What is open when an unwanted era begins is the era's where it began. */
static int end_lines(struct follow *f, struct follow_tools *t, struct batch *batch)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        const struct open_line *open = &f->cursor.open[i];
        if (open->kind != OPEN_LINE)
            continue;
        size_t era = view_era(t->view, open->segment.serial, open->offset);
        batch->container = t->view->eras[era].container;
        break;
    }
    join_finish(&t->join, f->cursor.open, OPEN_NONE, batch);
    return FOLLOW_PROGRESS;
}

/* An era that begins with element `i`, or in one that is not there any more. */
static int enter_at_start(struct follow *f, struct follow_tools *t, uint64_t serial, size_t i,
                          struct batch *batch)
{
    leave(f, t);
    f->cursor.kind = CURSOR_DONE;
    f->cursor.segment = (struct segment_ref){.serial = serial - 1};
    f->cursor.offset = 0;
    f->cursor.last_size = 0;
    f->cursor.skipping = false;
    f->unwanted = false;
    int r = advance(f, t, batch, i);
    return r == FOLLOW_IDLE ? FOLLOW_PROGRESS : r;
}

/* An era that begins within a segment. A record belongs to the era in which it begins: on to the
 * first that begins in this one, once there is its start. */
static int enter_within(struct follow *f, struct follow_tools *t, struct segment *s,
                        uint64_t offset, struct batch *batch)
{
    uint64_t at = offset, bytes;
    bool found = false;
    while (!found) {
        int outcome = reader_search(t->reader, s, at, &bytes, &found);
        if (outcome == READER_END)
            return t->view->gone ? finish(f, t, batch) : FOLLOW_IDLE;
        if (outcome == READER_AGAIN)
            return FOLLOW_AGAIN;
        if (outcome == READER_GONE)
            break; /* reading it tells so */
        if (outcome)
            return outcome;
        at += bytes;
    }
    enter(f, t, s);
    f->cursor.offset = found ? at : offset;
    f->unwanted = false;
    return FOLLOW_PROGRESS;
}

int crossing_skip_era(struct follow *f, struct follow_tools *t, size_t era, struct batch *batch)
{
    const struct view *view = t->view;
    if (join_is_open(f->cursor.open))
        return end_lines(f, t, batch);
    if (era + 1 == view->era_count)
        return view->gone ? finish(f, t, batch) : FOLLOW_IDLE;

    const struct era *next = &view->eras[era + 1];
    size_t i = view_find(view, next->serial);
    if (i == view->segment_count)
        return view->gone ? finish(f, t, batch) : FOLLOW_IDLE;
    struct segment *s = view->segments[i];
    if (s->serial == next->serial && next->offset > 0 && !s->hole)
        return enter_within(f, t, s, next->offset, batch);
    return enter_at_start(f, t, next->serial, i, batch);
}
