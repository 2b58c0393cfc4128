// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/shift.h"

#include "sink/loki/target.h"

#include <errno.h>
#include <xxhash.h>

enum { CAPACITY_MIN = 64 /* slots */ };

/* A line's newest time; of another stream than the table's it is as good as empty. */
struct shift_slot {
    uint64_t hash;
    int64_t ns;
    uint32_t stream;
};

void shift_deinit(struct shift_table *t)
{
    free(t->slots);
    *t = (struct shift_table){0};
}

/* Two lines with one hash would cost the second a nanosecond, no more. */
uint64_t shift_hash(struct span line)
{
    return XXH3_64bits(line.data, line.size);
}

static struct shift_slot *find(const struct shift_table *t, uint64_t hash)
{
    size_t at = hash & (t->capacity - 1);
    while (t->slots[at].stream == t->stream && t->slots[at].hash != hash)
        at = (at + 1) & (t->capacity - 1);
    return &t->slots[at];
}

static int grow(struct shift_table *t)
{
    struct shift_table bigger = {.capacity = t->capacity ? 2 * t->capacity : CAPACITY_MIN,
                                 .used = t->used,
                                 .stream = t->stream};
    bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
    if (!bigger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < t->capacity; i++)
        if (t->slots[i].stream == t->stream)
            *find(&bigger, t->slots[i].hash) = t->slots[i];
    free(t->slots);
    *t = bigger;
    return 0;
}

/* The line's slot; a new one holds nothing before `ns`. */
static int take_slot(struct shift_table *t, uint64_t hash, int64_t ns, struct shift_slot **ret)
{
    if (2 * t->used >= t->capacity) {
        int r = grow(t);
        if (r < 0)
            return r;
    }
    struct shift_slot *slot = find(t, hash);
    if (slot->stream != t->stream) {
        *slot = (struct shift_slot){hash, ns - 1, t->stream};
        t->used++;
    }
    *ret = slot;
    return 0;
}

/* The line was sent at `ns`, or later. */
static int note(struct shift_table *t, uint64_t hash, int64_t ns)
{
    struct shift_slot *slot;
    int r = take_slot(t, hash, ns, &slot);
    if (r < 0)
        return r;
    slot->ns = slot->ns > ns ? slot->ns : ns;
    return 0;
}

/* Times do not fall, so where a line was sent at its own time or later, it was at all times up to
 * its newest. */
static int place(struct shift_table *t, uint64_t hash, struct loki_line *line)
{
    struct shift_slot *slot;
    int r = take_slot(t, hash, line->sent_ns, &slot);
    if (r < 0)
        return r;
    if (slot->ns >= line->sent_ns)
        line->sent_ns = slot->ns + 1;
    slot->ns = line->sent_ns;
    return 0;
}

/* Takes what the request before ended with, once its place is passed. */
static int recall(struct shift_table *t, struct shift_memory *m, const struct entry *e,
                  int64_t *newest_ns)
{
    if (!m->pending || !shift_is_behind(e, m))
        return 0;
    m->pending = false;
    for (unsigned i = 0; i < m->count; i++) {
        if (m->lines[i].ns < e->time_ns)
            continue;
        int r = note(t, m->lines[i].hash, m->lines[i].ns);
        if (r < 0)
            return r;
        *newest_ns = *newest_ns > m->lines[i].ns ? *newest_ns : m->lines[i].ns;
    }
    return 0;
}

static void next_stream(struct shift_table *t)
{
    t->used = 0;
    if (++t->stream == 0) { /* all numbers were used: some slot may bear any */
        memset(t->slots, 0, t->capacity * sizeof(*t->slots));
        t->stream = 1;
    }
}

int shift_lines(struct shift_table *t, const struct request *q, struct loki_line *lines,
                size_t count, bool *ret_shifted)
{
    const struct loki_line *head = NULL; /* newer than all before it, and not in the table yet */
    int64_t newest_ns = INT64_MIN;
    uint32_t settled = UINT32_MAX; /* the source of the line before, whose memory is not pending */
    bool shifted = false;
    int r = 0;
    next_stream(t);
    for (size_t i = 0; i < count && r == 0; i++) {
        struct loki_line *line = &lines[i];
        if (line->source != settled) {
            struct shift_memory *m =
                &loki_line_target(q, line)->memory[line->source % STREAM_COUNT];
            r = recall(t, m, &q->entries[line->entry], &newest_ns);
            settled = m->pending ? UINT32_MAX : line->source;
        }
        if (line->sent_ns > newest_ns) {
            newest_ns = line->sent_ns;
            head = line;
            continue;
        }
        if (head && r == 0)
            r = note(t, shift_hash(q->entries[head->entry].message), head->sent_ns);
        head = NULL;
        if (r == 0)
            r = place(t, shift_hash(q->entries[line->entry].message), line);
        newest_ns = newest_ns > line->sent_ns ? newest_ns : line->sent_ns;
        shifted |= line->sent_ns != q->entries[line->entry].time_ns;
    }
    *ret_shifted = shifted;
    return r;
}
