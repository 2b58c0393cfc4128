// SPDX-License-Identifier: Apache-2.0
#include "source/relocate.h"

#include <xxhash.h>

#include "source/crossing.h"
#include "source/fingerprint.h"

/* Tells the monitor, once per segment; until the chain has changed there is nothing to read. Which
 * is not the end of a `--once`: that waits for it. */
static int report_truncated(struct follow *f, struct follow_tools *t)
{
    if (atomic_load(&f->segment->cut))
        return FOLLOW_AGAIN; /* known by now: the next pull leaves it */
    struct slot_route *mine = &f->slot->routes[t->route];
    if (atomic_load(&mine->saw_serial) != f->segment->serial) {
        atomic_store(&mine->saw_serial, f->segment->serial);
        atomic_fetch_or(&mine->saw, SLOT_SAW_TRUNCATED);
        t->wake_monitor(t->context);
    }
    return t->once ? FOLLOW_AGAIN : FOLLOW_IDLE;
}

struct search {
    uint64_t consumed_end; /* behind the last consumed record, if it stands in the file; else 0 */
    uint64_t later;        /* start of the first record later than it; UINT64_MAX if none */
    uint64_t end;          /* behind the last whole record */
};

/* Looks through whole records that begin at `offset`. */
static void search_records(const struct cursor *c, enum record_format format, struct span records,
                           uint64_t offset, struct follow_tools *t, struct search *s)
{
    for (size_t at = 0; at < records.size;) {
        struct span record = {records.data + at, 0};
        record.size = records_first(format, (struct span){record.data, records.size - at});
        size_t end = at + record.size;
        if (c->last_size && end >= c->last_size &&
            XXH3_64bits(records.data + end - c->last_size, (size_t)c->last_size) == c->last_hash)
            s->consumed_end = offset + end;
        if (s->later == UINT64_MAX) {
            struct record_result result;
            batch_reset(t->scratch);
            records_decode(&t->decoder, format, record,
                           &(struct record_position){0, 0, CURSOR_NO_TIME}, t->scratch, &result);
            if (t->scratch->count && result.last_ns > c->last_ns)
                s->later = offset + at;
        }
        at = end;
    }
    s->end = offset + records.size;
}

static int search_file(const struct cursor *c, struct segment *segment, struct follow_tools *t,
                       struct search *s)
{
    *s = (struct search){.later = UINT64_MAX};
    for (uint64_t offset = 0;;) {
        struct reader_result result;
        int outcome = reader_read(t->reader, segment, offset, &(struct reader_before){0}, &result);
        if (outcome == READER_END)
            return 0;
        if (outcome == READER_NUL || outcome == READER_TOO_LONG) {
            offset += result.bytes;
            continue;
        }
        if (outcome)
            return outcome;
        search_records(c, segment->format, result.records, offset, t, s);
        offset += result.records.size;
    }
}

/* Moves the cursor within its segment; nothing before it is checked until a record is read. */
static int go_on(struct follow *f, struct follow_tools *t, struct batch *batch,
                 enum gap_reason reason, uint64_t offset, int64_t bytes)
{
    crossing_book(f, t, batch, reason, f->segment->serial, offset, bytes);
    f->cursor.kind = CURSOR_AT;
    f->cursor.offset = offset;
    f->cursor.last_size = 0;
    f->cursor.skipping = false;
    return FOLLOW_PROGRESS;
}

int relocate_head(struct follow *f, struct follow_tools *t)
{
    struct fingerprint head;
    struct fingerprint known = f->cursor.segment.fingerprint;
    int outcome = fingerprint_read(t->reader, f->segment, t->scratch, &head);
    if (outcome == READER_END || (outcome == 0 && !fingerprint_equal(head, known)))
        return report_truncated(f, t);
    return outcome == READER_AGAIN ? FOLLOW_AGAIN : outcome < 0 ? outcome : 0;
}

int relocate(struct follow *f, struct follow_tools *t, struct batch *batch)
{
    int outcome = relocate_head(f, t);
    if (outcome)
        return outcome;

    struct search found;
    outcome = search_file(&f->cursor, f->segment, t, &found);
    if (outcome)
        return outcome < 0 ? outcome : FOLLOW_AGAIN;

    bool timed = f->cursor.last_ns != CURSOR_NO_TIME && found.later != UINT64_MAX;
    uint64_t unread = timed ? found.later : found.end;
    int64_t size = segment_size(f->segment);
    if (!f->segment->gzip && size >= 0 && (uint64_t)size < f->cursor.offset)
        return go_on(f, t, batch, GAP_TAIL_CUT, unread, 0); /* what is gone had been read */
    if (found.consumed_end)
        return go_on(f, t, batch, GAP_REWRITTEN, found.consumed_end, 0);
    return go_on(f, t, batch, GAP_REWRITTEN, unread, GAP_BYTES_UNKNOWN);
}

uint64_t relocate_in_copy(const struct cursor *c, struct follow_tools *t, struct segment *copy)
{
    struct reader_before last = {c->last_hash, (size_t)c->last_size};
    struct reader_result behind;
    struct search found;
    if (last.size && reader_read(t->reader, copy, c->offset, &last, &behind) == 0)
        return c->offset; /* unedited up to there */
    if (search_file(c, copy, t, &found) != 0)
        return 0; /* reading it tells why; lines twice are better than none */
    if (found.consumed_end)
        return found.consumed_end;
    return found.later != UINT64_MAX ? found.later : found.end;
}
