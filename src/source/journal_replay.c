// SPDX-License-Identifier: Apache-2.0
#include "source/journal_private.h"

/* The first chunk that stands first in the journal. */
static struct journal_place lowest_open(const struct cursor *c)
{
    struct journal_place lowest = {0};
    for (int i = 0; i < STREAM_COUNT; i++) {
        if (c->open[i].kind != OPEN_LINE)
            continue;
        struct journal_place place = journal_place_of_line(&c->open[i]);
        if (!journal_place_is_entry(&lowest) || journal_place_compare(&place, &lowest) < 0)
            lowest = place;
    }
    return lowest;
}

/* One record that was consumed before. */
static void replay_record(struct journal_source *s, struct follow_tools *t,
                          const struct journal_record *r, struct span message,
                          int64_t line_ns[STREAM_COUNT])
{
    batch_reset(t->scratch);
    t->scratch->entries[0] = journal_entry(r, message, &line_ns[r->stream]);
    t->scratch->count = 1;
    struct segment_ref segment = journal_place_segment(&r->place);
    join_replay(&t->join, s->follow->cursor.open, t->scratch, &segment);
    s->chunk[r->stream] = r->more ? r->chunk : 0;
}

/* From the lowest first chunk up to the cursor. */
static int replay(struct journal_source *s, struct follow_tools *t, struct journal_handle *h,
                  struct journal_stage *stage)
{
    struct journal_place from = lowest_open(&s->follow->cursor), to, at;
    int64_t line_ns[STREAM_COUNT] = {CURSOR_NO_TIME, CURSOR_NO_TIME};
    journal_place_of_cursor(&to, &s->follow->cursor);
    int r = journal_handle_seek_at(h, s->follow->slot->id, &from);
    while (r >= 0 && (r = journal_handle_next(h)) > 0) {
        r = journal_handle_place(h, &at);
        if (r < 0 || journal_place_compare(&at, &to) > 0)
            break;
        journal_stage_clear(stage);
        r = journal_stage_add(stage, h, &at);
        const struct journal_record *record = &stage->records[0];
        if (r >= 0 && !record->too_long && !record->damaged)
            replay_record(s, t, record, journal_stage_message(stage, record), line_ns);
    }
    journal_stage_clear(stage);
    return r < 0 ? r : 0;
}

/* Books the chunks that did not come back. What is left of their line, now or later, continues what
 * nobody has. */
static void book_lost(struct journal_source *s, struct follow_tools *t,
                      const struct open_line before[STREAM_COUNT], struct batch *batch)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        struct open_line *open = &s->follow->cursor.open[i];
        bool begun = t->join.lines[i].source_bytes > 0;
        if (before[i].kind != OPEN_LINE || (begun && open->offset == before[i].offset))
            continue;
        journal_book(s, batch,
                     (struct gap){GAP_OPEN_LINE, .offset = before[i].offset,
                                  .bytes = GAP_BYTES_UNKNOWN, .before_ns = GAP_TIME_UNKNOWN});
        if (!begun)
            *open = (struct open_line){.kind = OPEN_CUT, .time_ns = open->time_ns};
    }
}

int journal_own_join(struct journal_source *s, struct follow_tools *t, struct journal_handle *h,
                     struct journal_stage *stage, struct batch *batch)
{
    if (t->join_owner == s->follow || t->records)
        return 0;
    join_drop(&t->join);
    t->join_owner = s->follow;
    if (!join_is_open(s->follow->cursor.open))
        return 0;

    struct open_line before[STREAM_COUNT];
    memcpy(before, s->follow->cursor.open, sizeof(before));
    int r = replay(s, t, h, stage);
    if (r < 0) {
        memcpy(s->follow->cursor.open, before, sizeof(before));
        t->join_owner = NULL;
        return r;
    }
    book_lost(s, t, before, batch);
    return 0;
}
