// SPDX-License-Identifier: Apache-2.0
#include "history.h"

#include "base/check.h"

void history_deinit(struct history *h)
{
    free(h->lines);
    free(h->records);
    free(h->damages);
    free(h->generations);
    *h = (struct history){0};
}

/* Room for one more of `size` bytes each: at every power of two the array doubles. */
static void *grown(void *items, size_t count, size_t size)
{
    if (count & (count - 1))
        return items;
    void *more = reallocarray(items, count ? 2 * count : 1, size);
    CHECK(more);
    return more;
}

struct line *history_begin_line(struct history *h, struct line line)
{
    h->lines = grown(h->lines, h->line_count, sizeof(*h->lines));
    line.first_record = line.last_record = HISTORY_NONE;
    h->lines[h->line_count] = line;
    return &h->lines[h->line_count++];
}

struct record *history_add_record(struct history *h, struct record record)
{
    struct line *line = &h->lines[record.line];
    h->records = grown(h->records, h->record_count, sizeof(*h->records));
    record.next = HISTORY_NONE;
    if (line->first_record == HISTORY_NONE)
        line->first_record = h->record_count;
    else
        h->records[line->last_record].next = h->record_count;
    line->last_record = h->record_count;
    h->generations[record.generation].records++;
    h->records[h->record_count] = record;
    return &h->records[h->record_count++];
}

void history_add_damage(struct history *h, struct damage damage)
{
    h->damages = grown(h->damages, h->damage_count, sizeof(*h->damages));
    damage.records_before = h->record_count;
    h->damages[h->damage_count++] = damage;
}

unsigned history_add_generation(struct history *h)
{
    h->generations = grown(h->generations, h->generation_count, sizeof(*h->generations));
    h->generations[h->generation_count] = (struct generation){0};
    return (unsigned)h->generation_count++;
}

/* Mostly letters, and what has to be escaped. */
static char filler(uint64_t number, uint64_t at)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyz 0123456789.,:-_/+*ABCDEFGHIJKLMNOPQR\"";
    uint64_t z = (number * 1000003 + at) * UINT64_C(0x9e3779b97f4a7c15);
    z ^= z >> 29;
    return letters[(z * UINT64_C(0xbf58476d1ce4e5b9)) >> 58];
}

void history_text(const struct history *h, const struct line *line, uint64_t from, uint64_t size,
                  struct buf *to)
{
    char head[64];
    int head_size = snprintf(head, sizeof(head), "%u.%s.%llu ", h->number,
                             stream_word(line->stream), (unsigned long long)line->number);
    for (uint64_t at = from; at < from + size; at++)
        buf_append_char(to, at < (uint64_t)head_size ? head[at] : filler(line->number, at));
}

unsigned history_may_be_lost(const struct history *h, size_t record)
{
    const struct record *r = &h->records[record];
    return r->may_be_lost | h->generations[r->generation].may_be_lost;
}

enum gap_reason history_reason(const struct history *h, const struct damage *damage)
{
    if (h->generations[damage->generation].records == 0)
        return GAP_MALFORMED; /* a file without a record is passed as a whole */
    return damage->blank ? GAP_REASON_COUNT : damage->reason;
}

size_t history_newest_seen(const struct history *h)
{
    size_t newest = h->generation_count;
    while (newest > 0 && !h->generations[newest - 1].seen)
        newest--;
    return newest ? newest - 1 : HISTORY_NONE;
}

bool history_misleads(const struct history *h)
{
    size_t newest = history_newest_seen(h);
    return newest != HISTORY_NONE &&
           (h->generations[newest].emptied ||
            (newest + 1 < h->generation_count && h->generations[newest + 1].emptied));
}

size_t history_find_line(const struct history *h, int64_t time_ns)
{
    size_t low = 0, high = h->line_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->lines[middle].time_ns < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low < h->line_count && h->lines[low].time_ns == time_ns ? low : HISTORY_NONE;
}
