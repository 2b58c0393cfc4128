// SPDX-License-Identifier: Apache-2.0
#include "source/replay.h"

#include "source/crossing.h"
#include "source/fingerprint.h"

/* The open line whose first chunk stands first in the source. */
static const struct open_line *lowest_open(const struct cursor *c)
{
    const struct open_line *lowest = NULL;
    for (int i = 0; i < STREAM_COUNT; i++) {
        const struct open_line *open = &c->open[i];
        if (open->kind != OPEN_LINE)
            continue;
        if (!lowest || open->segment.serial < lowest->segment.serial ||
            (open->segment.serial == lowest->segment.serial && open->offset < lowest->offset))
            lowest = open;
    }
    return lowest;
}

/* Reads one stretch of records before `end`. 0 with *offset moved (at most to end), or an outcome.
 */
static int replay_some(struct follow *f, struct follow_tools *t, struct segment *s,
                       uint64_t *offset, uint64_t end)
{
    struct reader_result result;
    int outcome = reader_read(t->reader, s, *offset, &(struct reader_before){0}, &result);
    if (outcome == READER_NUL || outcome == READER_TOO_LONG) {
        *offset += result.bytes;
        return 0;
    }
    if (outcome == READER_END && !result.damaged)
        *offset += result.tail;
    if (outcome == READER_END && result.records_behind)
        return 0;
    if (outcome)
        return outcome;

    struct segment_ref segment = segment_name(s);
    struct span records = result.records;
    if (*offset + records.size > end)
        records.size = (size_t)(end - *offset);
    size_t whole = records_whole(s->format, records);
    size_t rest = records.size - whole; /* what the cursor passed of NULs or of a torn record, and
                                           the record that they stand before */
    records.size = whole;
    while (records.size) {
        struct record_position at = {s->serial, *offset, CURSOR_NO_TIME};
        struct record_result decoded;
        batch_reset(t->scratch);
        records_decode(&t->decoder, s->format, records, &at, t->scratch, &decoded);
        join_replay(&t->join, f->cursor.open, t->scratch, &segment);
        records.data += decoded.consumed;
        records.size -= decoded.consumed;
        *offset += decoded.consumed;
    }
    *offset += rest;
    return 0;
}

/* One segment, from *offset up to `end`. *offset: where the reading left it, as it did then.
 * *ret_there: it could be read. */
static int replay_segment(struct follow *f, struct follow_tools *t, struct segment *s,
                          uint64_t *offset, uint64_t end, bool *ret_there)
{
    int outcome = 0;
    while (outcome == 0 && *offset < end)
        outcome = replay_some(f, t, s, offset, end);
    *ret_there = outcome != READER_GONE;
    return outcome == READER_AGAIN || outcome < 0 ? outcome : 0;
}

/* Does the file still begin as it did? One that was emptied in place holds other records, though
 * nobody may have noticed yet. A .gz is written once. */
static int look_at_head(struct follow_tools *t, struct segment *s, bool *ret_same)
{
    *ret_same = false;
    if (s->hole || atomic_load(&s->cut))
        return 0;
    struct fingerprint known = segment_name(s).fingerprint, head = known;
    int outcome = s->gzip ? 0 : fingerprint_read(t->reader, s, t->scratch, &head);
    *ret_same = outcome == 0 && fingerprint_known(known) && fingerprint_equal(head, known);
    return outcome == READER_AGAIN || outcome < 0 ? outcome : 0;
}

/* Does what the cursor consumed last still stand before it? */
static int look_before_cursor(const struct follow *f, struct follow_tools *t, struct segment *s,
                              bool *ret_same)
{
    const struct cursor *c = &f->cursor;
    struct reader_before before = {c->last_hash, (size_t)c->last_size};
    struct reader_result result;
    int outcome = reader_read(t->reader, s, c->offset, &before, &result);
    *ret_same = outcome != READER_CHANGED && outcome != READER_GONE;
    return outcome == READER_AGAIN || outcome < 0 ? outcome : 0;
}

/* All of one segment that was consumed, from `offset` on. *ret_there: it is as it was then. */
static int replay_consumed(struct follow *f, struct follow_tools *t, struct segment *s,
                           uint64_t offset, bool *ret_there)
{
    const struct cursor *c = &f->cursor;
    bool last = s->serial == c->segment.serial;
    uint64_t end = last && c->kind == CURSOR_AT ? c->offset : UINT64_MAX;
    *ret_there = true;
    if (offset >= end)
        return 0;

    int outcome = look_at_head(t, s, ret_there);
    if (outcome == 0 && *ret_there)
        outcome = replay_segment(f, t, s, &offset, end, ret_there);
    if (outcome == 0 && *ret_there && end != UINT64_MAX)
        outcome = look_before_cursor(f, t, s, ret_there);
    if (outcome == 0 && !last) {
        join_leave_segment(&t->join, offset);
        if (s != f->segment)
            reader_forget(t->reader, s);
    }
    return outcome;
}

/* From `offset` of element `i` to the cursor. */
static int replay_from(struct follow *f, struct follow_tools *t, size_t i, uint64_t offset,
                       struct batch *batch)
{
    const struct view *view = t->view;
    for (; i < view->segment_count && view->segments[i]->serial <= f->cursor.segment.serial; i++) {
        bool there;
        int outcome = replay_consumed(f, t, view->segments[i], offset, &there);
        if (outcome)
            return outcome;
        if (!there)
            join_replay_lost(&t->join, f->cursor.open, batch);
        offset = 0;
    }
    return 0;
}

/* Books the chunks that did not come back: their line does not begin where it did, or not at all.
 * What is left of it, now or later, continues what nobody has. */
static void book_lost(struct follow *f, struct follow_tools *t,
                      const struct open_line before[STREAM_COUNT], struct batch *batch)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        struct open_line *open = &f->cursor.open[i];
        bool begun = t->join.lines[i].source_bytes > 0;
        if (before[i].kind != OPEN_LINE ||
            (begun && open->segment.serial == before[i].segment.serial &&
             open->offset == before[i].offset))
            continue;
        crossing_book(f, t, batch, GAP_OPEN_LINE, before[i].segment.serial, before[i].offset,
                      GAP_BYTES_UNKNOWN);
        if (!begun)
            *open = (struct open_line){.kind = OPEN_CUT, .time_ns = open->time_ns};
    }
}

int replay_open_lines(struct follow *f, struct follow_tools *t, struct batch *batch)
{
    const struct open_line *open = lowest_open(&f->cursor);
    size_t i = view_find(t->view, open->segment.serial);
    bool there = i < t->view->segment_count && t->view->segments[i]->serial == open->segment.serial;
    struct open_line before[STREAM_COUNT];
    memcpy(before, f->cursor.open, sizeof(before));

    int outcome = replay_from(f, t, i, there ? open->offset : 0, batch);
    if (outcome) {
        batch_reset(batch);
        memcpy(f->cursor.open, before, sizeof(before));
        t->join_owner = NULL;
        return outcome == READER_AGAIN ? FOLLOW_AGAIN : outcome;
    }
    book_lost(f, t, before, batch);
    return 0;
}
