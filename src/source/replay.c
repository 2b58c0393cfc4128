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

/* One segment, from `offset` up to `end`. *ret_left: where the reading left it, as it did then. */
static int replay_segment(struct follow *f, struct follow_tools *t, struct segment *s,
                          uint64_t offset, uint64_t end, uint64_t *ret_left)
{
    int outcome = 0;
    while (outcome == 0 && offset < end)
        outcome = replay_some(f, t, s, &offset, end);
    *ret_left = offset;
    return outcome == READER_AGAIN || outcome < 0 ? outcome : 0;
}

/* From `offset` of element `i` to the cursor. */
static int replay_from(struct follow *f, struct follow_tools *t, size_t i, uint64_t offset)
{
    const struct cursor *c = &f->cursor;
    for (; i < t->view->segment_count && t->view->segments[i]->serial <= c->segment.serial; i++) {
        struct segment *s = t->view->segments[i];
        bool last = s->serial == c->segment.serial;
        if (s->hole || atomic_load(&s->cut) || fingerprint_learn(t->reader, s, t->scratch) != 0)
            continue; /* holds nothing (any more) that was consumed */
        int outcome = replay_segment(
            f, t, s, offset, last && c->kind == CURSOR_AT ? c->offset : UINT64_MAX, &offset);
        if (outcome)
            return outcome;
        if (!last) {
            join_leave_segment(&t->join, offset);
            if (s != f->segment)
                reader_forget(t->reader, s);
        }
        offset = 0;
    }
    return 0;
}

/* Books the chunks that did not come back. What is left of their line, now or later, continues what
 * nobody has. */
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

    int outcome = replay_from(f, t, i, there ? open->offset : 0);
    if (outcome) {
        memcpy(f->cursor.open, before, sizeof(before));
        t->join_owner = NULL;
        return outcome == READER_AGAIN ? FOLLOW_AGAIN : outcome;
    }
    book_lost(f, t, before, batch);
    return 0;
}
