// SPDX-License-Identifier: Apache-2.0
#include "source/crossing.h"

#include <sys/stat.h>

#include "base/check.h"
#include "source/fingerprint.h"

void crossing_book(struct batch *batch, const struct cursor *cursor, enum gap_reason reason,
                   uint64_t serial, uint64_t offset, int64_t bytes)
{
    bool booked = batch_add_gap(batch, (struct gap){.reason = reason,
                                                    .serial = serial,
                                                    .offset = offset,
                                                    .bytes = bytes,
                                                    .after_ns = cursor->last_ns,
                                                    .before_ns = GAP_TIME_UNKNOWN});
    CHECK(booked); /* every pull begins with an empty batch, and books few at once */
}

/* The plain size of a segment's file; 0 where it cannot be known. */
static uint64_t size_of(struct segment *s)
{
    int fd;
    struct stat st = {0};
    if (segment_acquire(s, &fd) != 0)
        return 0;
    if (fstat(fd, &st) < 0)
        st.st_size = 0;
    segment_release(s);
    return (uint64_t)st.st_size;
}

static void enter(struct follow *f, struct follow_tools *t, struct segment *s)
{
    if (t->join_owner == f)
        join_leave_segment(&t->join, f->cursor.offset);
    if (f->segment && f->segment != s)
        reader_forget(t->reader, f->segment);
    segment_ref(s);
    segment_unref(f->segment);
    f->segment = s;
    f->cursor.kind = CURSOR_AT;
    f->cursor.segment = segment_name(s);
    f->cursor.offset = 0;
    f->cursor.last_size = 0;
    f->cursor.skipping = false;
}

/* A sealed segment without a whole record: what is missing with it. */
static void book_unreadable(struct follow *f, const struct follow_tools *t, struct batch *batch,
                            struct segment *s)
{
    uint64_t size = size_of(s);
    if (!segment_is_open(s) && !segment_has_pin(s))
        crossing_book(batch, &f->cursor, t->view->gone ? GAP_REMOVED : GAP_ROTATED, s->serial, 0,
                      GAP_BYTES_UNKNOWN);
    else if (size == 0)
        crossing_book(batch, &f->cursor, GAP_EMPTY_ROTATION, s->serial, 0, GAP_BYTES_UNKNOWN);
    else if (s->gzip)
        crossing_book(batch, &f->cursor, GAP_GZIP, s->serial, 0, GAP_BYTES_UNKNOWN);
    else
        crossing_book(batch, &f->cursor, GAP_MALFORMED, s->serial, 0, (int64_t)size);
}

/* Passes element `i` of the chain, which holds no record that can be read. */
static void pass_element(struct follow *f, struct follow_tools *t, struct batch *batch, size_t i)
{
    struct segment *s = t->view->segments[i];
    if (s->hole)
        crossing_book(batch, &f->cursor, s->reason, s->serial, 0, s->bytes);
    else if (atomic_load_explicit(&s->cut, memory_order_acquire))
        crossing_book(batch, &f->cursor, GAP_TRUNCATED, s->serial, 0, GAP_BYTES_UNKNOWN);
    else
        book_unreadable(f, t, batch, s);

    f->segment = segment_unref(f->segment);
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
    if (join_is_open(f->cursor.open) && t->join_owner == f)
        join_finish(&t->join, f->cursor.open, OPEN_NONE, batch);
    if (f->segment)
        f->cursor.kind = CURSOR_DONE;
    f->ended = true;
    return FOLLOW_PROGRESS;
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

    if (t->join_owner == f && from < target)
        join_leave_segment(&t->join, f->cursor.offset);
    for (size_t i = from; i < target; i++) {
        if (batch->gap_count >= BATCH_GAPS_MAX / 2)
            return FOLLOW_PROGRESS; /* the rest with the next pull, from CURSOR_DONE */
        pass_element(f, t, batch, i);
    }
    if (target == t->view->segment_count)
        return finish(f, t, batch);
    enter(f, t, t->view->segments[target]);
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
        return FOLLOW_PROGRESS;
    }

    /* The segment that the cursor stands in was let go, or has become a hole: its rest is lost. */
    struct segment *hole = there ? t->view->segments[i] : NULL;
    if (i + 1 >= t->view->segment_count && there && !t->view->gone)
        return FOLLOW_IDLE;
    crossing_book(batch, c, hole ? hole->reason : GAP_ROTATED, c->segment.serial, c->offset,
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

static void book_tail(struct follow *f, struct batch *batch, uint64_t tail, bool damaged)
{
    if (damaged)
        crossing_book(batch, &f->cursor, GAP_GZIP, f->segment->serial, f->cursor.offset,
                      GAP_BYTES_UNKNOWN);
    else if (tail)
        crossing_book(batch, &f->cursor, GAP_TORN, f->segment->serial, f->cursor.offset,
                      (int64_t)tail);
    if (tail && !damaged) {
        batch->bytes_consumed += tail;
        batch->bytes_gap += tail;
        f->cursor.offset += tail;
        f->cursor.last_size = 0;
    }
}

int crossing_end(struct follow *f, struct follow_tools *t, struct batch *batch, uint64_t tail,
                 bool damaged)
{
    size_t i = index_of(f, t);
    if (i == t->view->segment_count) { /* the chain has it as another element by now */
        f->segment = segment_unref(f->segment);
        return crossing_place(f, t, batch);
    }

    size_t target;
    int r = find_record(t, i + 1, &target);
    if (r < 0)
        return r;
    if (target == t->view->segment_count && !t->view->gone)
        return FOLLOW_IDLE;
    if (atomic_load_explicit(&f->segment->cut, memory_order_acquire))
        crossing_book(batch, &f->cursor, GAP_TRUNCATED, f->segment->serial, f->cursor.offset,
                      GAP_BYTES_UNKNOWN);
    else
        book_tail(f, batch, tail, damaged);
    return advance(f, t, batch, i + 1);
}

int crossing_gone(struct follow *f, struct follow_tools *t, struct batch *batch)
{
    size_t i = index_of(f, t);
    if (i == t->view->segment_count) { /* the chain has it as a hole by now */
        f->segment = segment_unref(f->segment);
        return crossing_place(f, t, batch);
    }
    if (i + 1 == t->view->segment_count && !t->view->gone)
        return FOLLOW_IDLE;
    crossing_book(batch, &f->cursor, t->view->gone ? GAP_REMOVED : GAP_ROTATED, f->segment->serial,
                  f->cursor.offset, GAP_BYTES_UNKNOWN);
    f->cursor.kind = CURSOR_DONE;
    f->cursor.last_size = 0;
    f->segment = segment_unref(f->segment);
    return FOLLOW_PROGRESS;
}

int crossing_skip_era(struct follow *f, struct follow_tools *t, size_t era, struct batch *batch)
{
    const struct view *view = t->view;
    if (era + 1 == view->era_count)
        return view->gone ? finish(f, t, batch) : FOLLOW_IDLE;

    if (join_is_open(f->cursor.open) && t->join_owner == f) {
        join_finish(&t->join, f->cursor.open, OPEN_NONE, batch);
        return FOLLOW_PROGRESS;
    }
    const struct era *next = &view->eras[era + 1];
    size_t i = view_find(view, next->serial);
    if (i == view->segment_count || view->segments[i]->hole)
        return view->gone ? finish(f, t, batch) : FOLLOW_IDLE;

    enter(f, t, view->segments[i]);
    if (view->segments[i]->serial != next->serial || next->offset == 0)
        return FOLLOW_PROGRESS;

    /* A record belongs to the era in which it begins: on to the first that begins in the new one.
     */
    uint64_t bytes;
    bool found;
    int outcome = reader_skip(t->reader, f->segment, next->offset - 1, &bytes, &found);
    f->cursor.offset = outcome == 0 && found ? next->offset - 1 + bytes : next->offset;
    return outcome == 0 || outcome == READER_END ? FOLLOW_PROGRESS : FOLLOW_AGAIN;
}
