// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/plan.h"

#include "base/check.h"

#include <errno.h>

enum { NO_STREAM = UINT32_MAX };

void loki_plan_deinit(struct loki_plan *p)
{
    free(p->lines);
    free(p->streams);
    free(p->of_source);
    free(p->index);
    shift_deinit(&p->shift);
    buf_deinit(&p->extras);
    *p = (struct loki_plan){0};
}

/* What stood there is not kept. */
static int have_room(void *array, size_t *capacity, size_t count, size_t size)
{
    void **items = array;
    if (count <= *capacity)
        return 0;
    size_t wanted = *capacity ? *capacity : 64;
    while (wanted < count)
        wanted *= 2;
    free(*items);
    *items = reallocarray(NULL, wanted, size);
    *capacity = *items ? wanted : 0;
    return *items ? 0 : -ENOMEM;
}

static int have_all_room(struct loki_plan *p, const struct request *q)
{
    size_t sources = q->part_count * STREAM_COUNT;
    CHECK(q->count < UINT32_MAX && sources < UINT32_MAX);
    int r = have_room(&p->lines, &p->line_capacity, q->count, sizeof(*p->lines));
    if (r == 0)
        r = have_room(&p->streams, &p->stream_capacity, sources, sizeof(*p->streams));
    if (r == 0)
        r = have_room(&p->of_source, &p->source_capacity, sources, sizeof(*p->of_source));
    if (r == 0)
        r = have_room(&p->index, &p->index_capacity, 2 * sources, sizeof(*p->index));
    return r;
}

/* The stream that the target's lines belong to. */
static uint32_t stream_of(struct loki_plan *p, struct sink_target *target, unsigned stream)
{
    const struct loki_texts *texts = &target->texts;
    uint64_t hash = texts->hash[stream];
    size_t at = hash & (p->index_capacity - 1);
    for (; p->index[at]; at = (at + 1) & (p->index_capacity - 1)) {
        struct loki_stream *found = &p->streams[p->index[at] - 1];
        if (found->hash != hash || !span_equal(found->name, texts->name[stream]))
            continue;
        found->several |= found->target != target || found->stream != stream;
        return p->index[at] - 1;
    }
    p->streams[p->stream_count++] = (struct loki_stream){
        .name = texts->name[stream],
        .labels = texts->labels[stream],
        .hash = hash,
        .target = target,
        .stream = stream,
        .turn = loki_turn_of(target, stream),
    };
    p->index[at] = (uint32_t)p->stream_count;
    return p->index[at] - 1;
}

/* By stream. */
static void count_lines(const struct request *q, const struct request_part *part,
                        size_t ret[STREAM_COUNT])
{
    const struct entry *entries = q->entries + part->first;
    size_t counts[STREAM_COUNT] = {0};
    for (size_t i = 0; i < part->count; i++)
        for (unsigned s = 0; s < STREAM_COUNT; s++)
            counts[s] += entries[i].stream == s;
    memcpy(ret, counts, sizeof(counts));
}

/* Which streams go, and where their lines begin. */
static void find_streams(struct loki_plan *p)
{
    const struct request *q = p->q;
    memset(p->index, 0, p->index_capacity * sizeof(*p->index));
    p->stream_count = 0;
    for (size_t i = 0; i < q->part_count; i++) {
        const struct request_part *part = &q->parts[i];
        size_t counts[STREAM_COUNT] = {0};
        if (loki_target_goes(part->target))
            count_lines(q, part, counts);
        for (unsigned s = 0; s < STREAM_COUNT; s++) {
            p->of_source[i * STREAM_COUNT + s] = NO_STREAM;
            if (counts[s] == 0 || loki_turn_of(part->target, s) == LOKI_STAYS)
                continue;
            uint32_t index = stream_of(p, part->target, s);
            p->of_source[i * STREAM_COUNT + s] = index;
            p->streams[index].count += counts[s];
        }
    }
    size_t first = 0;
    for (size_t i = 0; i < p->stream_count; i++) {
        p->streams[i].first = first;
        first += p->streams[i].count;
        p->streams[i].count = 0;
    }
}

/* Adds the lines of a part from `at` on that are neighbours and of one stream; returns the next. */
static size_t place_run(struct loki_plan *p, uint32_t source, size_t at, size_t end,
                        unsigned *flags)
{
    const struct entry *entries = p->q->entries;
    struct loki_stream *s = &p->streams[p->of_source[source]];
    struct loki_line *line = p->lines + s->first + s->count;
    unsigned stream = entries[at].stream;
    size_t first = at;
    for (; at < end && entries[at].stream == stream; at++) {
        *line++ = (struct loki_line){
            .sent_ns = entries[at].time_ns, .entry = (uint32_t)at, .source = source};
        *flags |= entries[at].flags;
    }
    s->count += at - first;
    return at;
}

/* True: some are delivered. */
static bool place_lines(struct loki_plan *p)
{
    const struct request *q = p->q;
    unsigned flags = 0;
    for (size_t i = 0; i < q->part_count; i++) {
        size_t at = q->parts[i].first, end = at + q->parts[i].count;
        if (!loki_target_goes(q->parts[i].target))
            continue;
        while (at < end) {
            uint32_t source = (uint32_t)(i * STREAM_COUNT) + q->entries[at].stream;
            at = p->of_source[source] == NO_STREAM ? at + 1 : place_run(p, source, at, end, &flags);
        }
    }
    return flags & ENTRY_DELIVERED;
}

static int compare_lines(const void *a_, const void *b_)
{
    const struct loki_line *a = a_, *b = b_;
    if (a->sent_ns != b->sent_ns)
        return a->sent_ns < b->sent_ns ? -1 : 1;
    return (a->entry > b->entry) - (a->entry < b->entry);
}

/* Mostly they are in order: a source's times seldom go back, and few containers share labels. */
static void sort_lines(struct loki_line *lines, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (lines[i].sent_ns < lines[i - 1].sent_ns) {
            qsort(lines, count, sizeof(*lines), compare_lines);
            return;
        }
    }
}

static int set_times(struct loki_plan *p, struct loki_stream *s)
{
    struct loki_line *lines = p->lines + s->first;
    sort_lines(lines, s->count);
    int r = shift_lines(&p->shift, p->q, lines, s->count, &s->shifted);
    if (s->shifted)
        sort_lines(lines, s->count);
    return r;
}

/* The rest was only looked at for its times. */
static void keep_piece(struct loki_plan *p, struct loki_stream *s, struct request_range range)
{
    struct loki_line *lines = p->lines + s->first;
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (lines[i].entry < range.first || lines[i].entry >= range.end ||
            (p->q->entries[lines[i].entry].flags & ENTRY_DELIVERED))
            continue;
        if (s->shifted)
            p->shifted += lines[i].sent_ns != p->q->entries[lines[i].entry].time_ns;
        lines[kept++] = lines[i];
    }
    s->count = kept;
}

static void expect_memories(const struct request *q)
{
    for (size_t i = 0; i < q->part_count; i++)
        for (unsigned s = 0; s < STREAM_COUNT; s++) {
            struct shift_memory *m = &q->parts[i].target->memory[s];
            m->pending = m->known;
        }
}

static void put_last(struct loki_plan *p)
{
    for (size_t i = 0; i + 1 < p->stream_count; i++)
        if (p->streams[i].turn == LOKI_GOES_LAST) {
            struct loki_stream last = p->streams[i];
            p->streams[i] = p->streams[p->stream_count - 1];
            p->streams[p->stream_count - 1] = last;
            return;
        }
}

int loki_plan_make(struct loki_plan *p, const struct request *q, struct request_range range)
{
    int r = have_all_room(p, q);
    if (r < 0)
        return r;
    p->q = q;
    p->shifted = 0;
    find_streams(p);
    bool whole = !place_lines(p) && range.first == 0 && range.end == q->count;
    expect_memories(q);
    for (size_t i = 0; i < p->stream_count; i++) {
        struct loki_stream *s = &p->streams[i];
        r = set_times(p, s);
        if (r < 0)
            return r;
        if (!whole || s->shifted)
            keep_piece(p, s, range);
    }
    put_last(p);
    return 0;
}

/* A note of this line's target and stream, begun with the line where there was none. */
static struct loki_note *note_of(struct loki_notes *n, const struct request *q,
                                 const struct loki_line *line)
{
    struct sink_target *target = loki_line_target(q, line);
    unsigned stream = line->source % STREAM_COUNT;
    const struct entry *e = &q->entries[line->entry];
    if (target->noted[stream] == 0) {
        target->noted[stream] = (uint32_t)(n->count + 1);
        n->items[n->count++] = (struct loki_note){
            .target = target,
            .stream = stream,
            .time_ns = e->time_ns,
            .sent_ns = line->sent_ns,
            .memory = {.known = true},
        };
    }
    return &n->items[target->noted[stream] - 1];
}

/* Lines come from the newest on. False: no older one needs to be remembered. */
static bool remember(struct loki_note *note, const struct entry *e, int64_t sent_ns)
{
    struct shift_memory *m = &note->memory;
    if (shift_is_behind(e, m) || m->count == 0) {
        m->serial = e->serial;
        m->offset = e->offset;
    }
    if (sent_ns < note->time_ns || m->count == SHIFT_LINES_KEPT)
        return false;
    uint64_t hash = shift_hash(e->message);
    for (unsigned i = 0; i < m->count; i++)
        if (m->lines[i].hash == hash)
            return true;
    m->lines[m->count++] = (struct shift_kept){hash, sent_ns};
    return true;
}

int loki_plan_note(const struct loki_plan *p, struct loki_notes *ret)
{
    const struct request *q = p->q;
    int r =
        have_room(&ret->items, &ret->capacity, q->part_count * STREAM_COUNT, sizeof(*ret->items));
    if (r < 0)
        return r;
    ret->count = 0;
    for (size_t i = 0; i < q->part_count; i++)
        memset(q->parts[i].target->noted, 0, sizeof(q->parts[i].target->noted));
    for (size_t i = 0; i < p->stream_count; i++) {
        const struct loki_stream *s = &p->streams[i];
        const struct loki_line *lines = p->lines + s->first;
        for (size_t at = s->count; at-- > 0;) {
            struct loki_note *note = note_of(ret, q, &lines[at]);
            bool more = remember(note, &q->entries[lines[at].entry], lines[at].sent_ns);
            if (!more && !s->several)
                break;
        }
    }
    return 0;
}

void loki_notes_apply(const struct loki_notes *n)
{
    for (size_t i = 0; i < n->count; i++) {
        const struct loki_note *note = &n->items[i];
        struct loki_standing *standing = note->target->standing[note->stream];
        note->target->memory[note->stream] = note->memory;
        if (standing && standing->newest_ns < note->sent_ns)
            standing->newest_ns = note->sent_ns;
    }
}

static void mark(const struct loki_note *note, const struct request *q, size_t first, size_t end)
{
    for (size_t at = first; at < end; at++)
        if (q->entries[at].stream == note->stream)
            q->entries[at].flags |= ENTRY_DELIVERED;
}

void loki_notes_mark(const struct loki_notes *n, const struct request *q,
                     struct request_range range)
{
    const struct request_part *part = request_part_at(q, range.first);
    for (; part < q->parts + q->part_count && part->first < range.end; part++) {
        size_t first = part->first > range.first ? part->first : range.first;
        size_t end = part->first + part->count;
        for (size_t i = 0; i < n->count; i++)
            if (n->items[i].target == part->target)
                mark(&n->items[i], q, first, end < range.end ? end : range.end);
    }
}
