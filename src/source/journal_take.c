// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "base/json_text.h"
#include "source/journal_private.h"

enum { GAPS_PER_RECORD_MAX = 2 };

void journal_book(struct journal_source *s, struct batch *batch, struct gap gap)
{
    const struct cursor *c = &s->follow->cursor;
    gap.serial = 1;
    gap.after_ns = c->kind == CURSOR_BEGINNING ? GAP_TIME_UNKNOWN : c->last_ns;
    CHECK(batch_add_gap(batch, gap));
}

struct entry journal_entry(const struct journal_record *r, struct span message, int64_t *line_ns)
{
    struct entry e = {
        .time_ns = r->time_ns,
        .serial = 1,
        .offset = r->place.number,
        .message = message,
        .source_bytes = (uint32_t)message.size,
        .flags = r->flags,
        .stream = r->stream,
    };
    if (r->chunk > 1 && *line_ns != CURSOR_NO_TIME)
        e.time_ns = *line_ns;
    if (r->more) {
        e.flags |= ENTRY_UNTERMINATED;
        if (e.source_bytes < SOURCE_CHUNK_BYTES)
            e.source_bytes = SOURCE_CHUNK_BYTES; /* the join's sign of a line that goes on */
    }
    *line_ns = r->more ? e.time_ns : CURSOR_NO_TIME;
    return e;
}

void journal_take_begin(struct journal_take *t)
{
    const struct open_line *open = t->source->follow->cursor.open;
    for (int i = 0; i < STREAM_COUNT; i++) {
        t->line_ns[i] = open[i].kind == OPEN_NONE ? CURSOR_NO_TIME : open[i].time_ns;
        t->joining |= open[i].kind != OPEN_NONE;
    }
    t->first = t->batch->count = join_is_open(open) ? STREAM_COUNT : 0;
}

static const struct container *whose(const struct journal_take *t, uint64_t realtime_us)
{
    return t->view->eras[view_era(t->view, 0, realtime_us)].container;
}

/* What is open when an era begins that the route does not want is that era's in which it began. */
static void end_lines(struct journal_take *t)
{
    struct open_line *open = t->source->follow->cursor.open;
    for (int i = 0; i < STREAM_COUNT; i++)
        if (open[i].kind == OPEN_LINE)
            t->batch->container = whose(t, (uint64_t)(open[i].time_ns / NS_PER_US));
    t->batch->count = 0;
    join_finish(&t->tools->join, open, OPEN_NONE, t->batch);
    t->ended = true;
}

/* A record of an era that the route does not want. */
static bool pass_over(struct journal_take *t)
{
    struct follow *f = t->source->follow;
    if (t->consumed)
        return false;
    if (join_is_open(f->cursor.open)) {
        end_lines(t);
        return false;
    }
    f->cursor.last_size = 0; /* what follows does not follow that */
    t->source->numbers = (struct journal_numbers){0};
    t->source->lost = false;
    return true;
}

/* Do the numbers of Docker's tell that something never came? */
static bool is_dropped(struct journal_source *s, const struct journal_record *r)
{
    uint32_t chunk = s->chunk[r->stream];
    bool dropped = r->number && journal_numbers_take(&s->numbers, r->start, r->number) > 0;
    s->chunk[r->stream] = r->more ? r->chunk : 0;
    if (r->chunk <= 1 || !chunk || r->chunk == chunk + 1)
        return dropped;
    s->numbers = (struct journal_numbers){0}; /* they would tell of the same loss */
    return true;
}

/* Is what the cursor named gone, and with it perhaps what followed? */
static bool is_rotated(struct journal_source *s, const struct journal_record *r)
{
    bool rotated = s->lost && !journal_record_follows(r, s->follow->cursor.last_size);
    s->lost = false;
    return rotated;
}

/* Right before the record, so that the join cuts there. */
static void book_before(struct journal_take *t, const struct journal_record *r,
                        enum gap_reason reason, int64_t bytes)
{
    journal_book(t->source, t->batch,
                 (struct gap){.reason = reason,
                              .offset = r->place.number ? r->place.number - 1 : 0,
                              .bytes = bytes,
                              .before_ns = r->time_ns});
}

static void book_losses(struct journal_take *t, const struct journal_record *r)
{
    bool rotated = is_rotated(t->source, r);
    bool dropped = is_dropped(t->source, r);
    if (rotated || dropped)
        book_before(t, r, rotated ? GAP_ROTATED : GAP_DROPPED, GAP_BYTES_UNKNOWN);
    if (r->damaged)
        book_before(t, r, GAP_MALFORMED, GAP_BYTES_UNKNOWN);
    if (r->too_long)
        book_before(t, r, GAP_TOO_LONG, (int64_t)r->size);
}

static void consume(struct journal_take *t, const struct journal_record *r, struct span message)
{
    struct batch *batch = t->batch;
    book_losses(t, r);
    if (r->too_long)
        batch->bytes_gap += r->size;
    batch->bytes_consumed += r->size;
    if (!r->too_long && !r->damaged) {
        if (r->chunk == 1)
            t->line_at[r->stream] = r->place;
        batch->entries[batch->count++] = journal_entry(r, message, &t->line_ns[r->stream]);
        batch->records++;
        t->joining |= r->more;
    }
    journal_place_into_cursor(&r->place, journal_record_mark(r), &t->source->follow->cursor);
    t->consumed++;
}

/* A chunk whose line's beginning is gone continues what nobody has: it must come first, since the
 * join takes that from the cursor. */
static bool continue_unknown(struct journal_take *t, const struct journal_record *r)
{
    if (r->chunk <= 1 || t->line_ns[r->stream] != CURSOR_NO_TIME)
        return true;
    if (t->consumed)
        return false;
    t->source->follow->cursor.open[r->stream] =
        (struct open_line){.kind = OPEN_CUT, .time_ns = r->time_ns};
    t->line_ns[r->stream] = r->time_ns;
    t->joining = true;
    return true;
}

/* Its container does not run yet, as far as its own record tells (slot.h). */
static bool is_held(const struct journal_take *t, const struct journal_record *r)
{
    const struct slot_hold *hold = &t->tools->hold;
    return hold->serial != SLOT_NO_HOLD && r->place.realtime_us >= hold->offset;
}

bool journal_take_record(struct journal_take *t, const struct journal_record *r,
                         struct span message)
{
    t->held = is_held(t, r);
    if (t->held)
        return false;
    const struct container *container = whose(t, r->place.realtime_us);
    if (!t->tools->wants(t->tools->context, container))
        return pass_over(t);
    if (t->consumed && t->batch->container != container)
        return false;
    if (t->batch->count == BATCH_ENTRIES_MAX ||
        t->batch->gap_count + GAPS_PER_RECORD_MAX > BATCH_GAPS_MAX)
        return false;
    if (!t->tools->records && !continue_unknown(t, r))
        return false;
    t->batch->container = container;
    consume(t, r, message);
    return true;
}

/* The join was told one segment for all: an open line is named by its own first chunk. */
static void name_open_lines(struct journal_take *t)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        struct open_line *open = &t->source->follow->cursor.open[i];
        if (open->kind == OPEN_LINE && open->offset == t->line_at[i].number)
            open->segment = journal_place_segment(&t->line_at[i]);
    }
}

/* After joining, since Docker cuts also within a character. */
void journal_escape(struct batch *batch, struct buf *escaped)
{
    if (batch->form != FORM_JSON)
        return;
    buf_clear(escaped);
    for (size_t i = 0; i < batch->count; i++) {
        struct span *message = &batch->entries[i].message;
        size_t before = escaped->size;
        json_text_escape(escaped, *message);
        *message = (struct span){NULL, escaped->size - before};
    }
    CHECK(!escaped->failed); /* its maximum has room for what one pull may give */
    const char *at = escaped->data;
    for (size_t i = 0; i < batch->count; i++) {
        batch->entries[i].message.data = at;
        at += batch->entries[i].message.size;
    }
}

int journal_take_end(struct journal_take *t)
{
    struct cursor *c = &t->source->follow->cursor;
    if (!t->consumed && !t->ended) {
        t->batch->count = 0;
        return FOLLOW_IDLE;
    }
    if (t->consumed && t->joining && !t->tools->records) {
        join_apply(&t->tools->join, c->open, t->batch, t->first, 0, &c->segment);
        name_open_lines(t);
    }
    journal_escape(t->batch, t->escaped);
    return FOLLOW_PROGRESS;
}
