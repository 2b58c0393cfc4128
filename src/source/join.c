// SPDX-License-Identifier: Apache-2.0
#include "source/join.h"

#include "base/check.h"
#include "source/local_file/escape.h"

void join_init(struct join *j)
{
    for (int i = 0; i < STREAM_COUNT; i++)
        j->lines[i] = (struct join_line){
            .text = BUF_INIT(JOINED_TEXT_MAX + RECORD_BYTES_MAX),
            .attrs_text = BUF_INIT(RECORD_BYTES_MAX),
        };
}

void join_deinit(struct join *j)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        buf_deinit(&j->lines[i].text);
        buf_deinit(&j->lines[i].attrs_text);
    }
}

void join_drop(struct join *j)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        struct join_line *line = &j->lines[i];
        buf_clear(&line->text);
        buf_clear(&line->attrs_text);
        line->source_bytes = 0;
    }
}

bool join_is_open(const struct open_line open[STREAM_COUNT])
{
    for (int i = 0; i < STREAM_COUNT; i++)
        if (open[i].kind == OPEN_LINE)
            return true;
    return false;
}

static void line_append(struct join_line *line, const struct entry *e)
{
    buf_append(&line->text, e->message);
    CHECK(!line->text.failed); /* LINE_BYTES_MAX was tested before, memory is the CHECK's matter */
    line->source_bytes += e->source_bytes;
    line->chunk = e->chunk;
}

static void line_begin(struct join_line *line, const struct entry *e)
{
    buf_clear(&line->text);
    buf_clear(&line->attrs_text);
    buf_append(&line->attrs_text, e->attrs);
    line->source_bytes = 0;
    line->bytes = e->flags & ENTRY_CHUNK;
    line->counted = e->flags & ENTRY_CHUNK_COUNTED;
    line->passed = 0;
    line->mark_offset = e->offset;
    line_append(line, e);
}

static struct span copy_to_arena(struct batch *batch, struct span text)
{
    char *to = arena_take(&batch->arena, text.size);
    CHECK(to); /* BATCH_ARENA_BYTES has room for every joined line of a pull */
    if (text.size)
        memcpy(to, text.data, text.size);
    return (struct span){to, text.size};
}

static struct span escape_to_arena(struct batch *batch, struct span text)
{
    char *to = arena_take(&batch->arena, text.size * ESCAPED_BYTES_MAX);
    CHECK(to); /* BATCH_ARENA_BYTES has room for the text of a pull and the open lines */
    struct span escaped = {to, escape_write(to, text)};
    batch->arena.used -= text.size * ESCAPED_BYTES_MAX - escaped.size;
    return escaped;
}

static struct span line_text(const struct join_line *line, struct batch *batch)
{
    struct span text = buf_span(&line->text);
    bool escape = line->bytes && batch->form == FORM_JSON;
    return escape ? escape_to_arena(batch, text) : copy_to_arena(batch, text);
}

/* A chunk that stands for itself: no longer one. */
static void settle(struct entry *e, struct batch *batch)
{
    if ((e->flags & ENTRY_CHUNK) && batch->form == FORM_JSON)
        e->message = escape_to_arena(batch, e->message);
    e->flags &= (uint16_t) ~(ENTRY_CHUNK | ENTRY_CHUNK_COUNTED);
    e->chunk = 0;
}

/* The open line of `stream` as an entry; the caller says what becomes of the open line. */
static struct entry line_entry(struct join_line *line, const struct open_line *open,
                               unsigned stream, unsigned flags, struct batch *batch)
{
    struct entry e = {
        .time_ns = open->time_ns,
        .serial = open->segment.serial,
        .offset = open->offset,
        .message = line_text(line, batch),
        .attrs = copy_to_arena(batch, buf_span(&line->attrs_text)),
        .source_bytes = (uint32_t)line->source_bytes,
        .flags = (uint16_t)(flags | (open->continued ? ENTRY_CONTINUED : 0u)),
        .stream = (uint8_t)stream,
    };
    buf_clear(&line->text);
    return e;
}

/* Without a time of its own there is no sign by which to find what continues it. */
static bool is_cut_chunk(const struct entry *e)
{
    return (e->flags & ENTRY_UNTERMINATED) && !(e->flags & ENTRY_TIME_MISSING) &&
           e->source_bytes >= SOURCE_CHUNK_BYTES;
}

static bool has_number(const struct entry *e)
{
    return (e->flags & ENTRY_CHUNK) && e->chunk > 0;
}

static bool is_counted(const struct entry *e)
{
    return e->flags & ENTRY_CHUNK_COUNTED;
}

/* Once for each reason and pull: what follows of it is part of the same. */
static void book(struct batch *batch, size_t booked_from, enum gap_reason reason,
                 const struct entry *e, int64_t after_ns)
{
    for (size_t i = booked_from; i < batch->gap_count; i++)
        if (batch->gaps[i].reason == reason) {
            batch->gaps[i].before_ns = e->time_ns;
            return;
        }
    bool booked = batch_add_gap(batch, (struct gap){.reason = reason,
                                                    .serial = e->serial,
                                                    .offset = e->offset,
                                                    .bytes = GAP_BYTES_UNKNOWN,
                                                    .after_ns = after_ns,
                                                    .before_ns = e->time_ns});
    CHECK(booked); /* LOCAL_FILE_GAPS_LEFT: chunks have numbers in no other format */
}

/* What a record that continues no open line continues. */
static bool continues(const struct open_line *open, struct entry *e, struct batch *batch,
                      size_t booked_from)
{
    if (has_number(e) && e->chunk == 1)
        return false;
    if (open->kind == OPEN_CUT && (open->time_ns == e->time_ns || is_counted(e)))
        return true;
    if (!has_number(e))
        return false;
    book(batch, booked_from, GAP_OPEN_LINE, e, GAP_TIME_UNKNOWN);
    return true;
}

/* A record that continues no open line. True where it is an entry of its own. */
static bool begin(struct join_line *line, struct open_line *open, struct entry *e,
                  const struct segment_ref *segment, bool continued, struct batch *batch)
{
    if (!is_cut_chunk(e)) {
        if (continued)
            e->flags |= ENTRY_CONTINUED;
        settle(e, batch);
        *open = (struct open_line){.kind = OPEN_NONE};
        return true;
    }
    line_begin(line, e);
    *open = (struct open_line){.kind = OPEN_LINE,
                               .segment = *segment,
                               .offset = e->offset,
                               .time_ns = e->time_ns,
                               .continued = continued};
    return false;
}

/* A record that belongs to the open line. True where the line ends with it, as *e. */
static bool extend(struct join_line *line, struct open_line *open, struct entry *e,
                   struct batch *batch)
{
    line_append(line, e);
    unsigned unterminated = e->flags & ENTRY_UNTERMINATED;
    if (is_cut_chunk(e)) {
        if (line->source_bytes < LINE_BYTES_MAX)
            return false;
        *e = line_entry(line, open, e->stream, ENTRY_PARTIAL, batch);
        *open = (struct open_line){.kind = OPEN_CUT, .time_ns = e->time_ns};
        return true;
    }
    *e = line_entry(line, open, e->stream, unterminated, batch);
    *open = (struct open_line){.kind = OPEN_NONE};
    return true;
}

/* The open line so far, as an entry; its rest, if it comes, continues it. */
static struct entry cut(struct join *j, struct open_line open[STREAM_COUNT], unsigned stream,
                        struct batch *batch)
{
    struct entry e = line_entry(&j->lines[stream], &open[stream], stream, ENTRY_PARTIAL, batch);
    open[stream] = (struct open_line){.kind = OPEN_CUT, .time_ns = open[stream].time_ns};
    return e;
}

void join_cut(struct join *j, struct open_line open[STREAM_COUNT], struct batch *batch)
{
    for (unsigned s = 0; s < STREAM_COUNT; s++)
        if (open[s].kind == OPEN_LINE)
            batch->entries[batch->count++] = cut(j, open, s, batch);
}

/* Cuts the lines that have waited for too many raw bytes, or all where one of their chunks may be
 * missing. Each gives an entry. */
static size_t cut_waiting(struct join *j, struct open_line open[STREAM_COUNT], uint64_t offset,
                          bool missing, struct batch *batch, size_t out)
{
    for (unsigned s = 0; s < STREAM_COUNT; s++) {
        const struct join_line *line = &j->lines[s];
        if (open[s].kind == OPEN_LINE &&
            (missing || line->passed + (offset - line->mark_offset) >= LINE_SPREAD_MAX))
            batch->entries[out++] = cut(j, open, s, batch);
    }
    return out;
}

/* Where it is of another line, the open one has ended before it. */
static bool is_of_another_line(const struct join_line *line, const struct open_line *open,
                               const struct entry *e)
{
    if (line->counted)
        return !has_number(e) || e->chunk == 1;
    return open->time_ns != e->time_ns || (line->chunk > 0 && has_number(e) && e->chunk == 1);
}

/* The open line of e's stream where e shows that it ends or is cut before it. True with its entry.
 */
static bool end_before(struct join *j, struct open_line open[STREAM_COUNT], const struct entry *e,
                       struct batch *batch, size_t booked_from, struct entry *ret)
{
    struct open_line *mine = &open[e->stream];
    struct join_line *line = &j->lines[e->stream];
    if (mine->kind != OPEN_LINE)
        return false;
    if (is_of_another_line(line, mine, e)) {
        *ret = line_entry(line, mine, e->stream, ENTRY_UNTERMINATED, batch);
        *mine = (struct open_line){.kind = OPEN_NONE};
        return true;
    }
    bool numbered = has_number(e) && line->chunk > 0;
    if (!numbered || e->chunk == chunk_number_after(line->chunk))
        return false;
    book(batch, booked_from, GAP_DROPPED, e, mine->time_ns);
    *ret = cut(j, open, e->stream, batch);
    return true;
}

void join_apply(struct join *j, struct open_line open[STREAM_COUNT], struct batch *batch,
                size_t first, size_t gap, const struct segment_ref *segment)
{
    size_t out = 0, gaps = batch->gap_count;
    for (size_t i = first; i < batch->count; i++) {
        struct entry e = batch->entries[i]; /* a copy: what is written may overtake it */
        struct open_line *mine = &open[e.stream];
        struct join_line *line = &j->lines[e.stream];

        bool missing = false;
        for (; gap < gaps && batch->gaps[gap].offset < e.offset; gap++)
            missing = true;
        out = cut_waiting(j, open, e.offset, missing, batch, out);
        struct entry before;
        if (end_before(j, open, &e, batch, gaps, &before))
            batch->entries[out++] = before;
        bool ends = mine->kind == OPEN_LINE
                        ? extend(line, mine, &e, batch)
                        : begin(line, mine, &e, segment, continues(mine, &e, batch, gaps), batch);
        if (ends)
            batch->entries[out++] = e;
        CHECK(out <= i + 1);
    }
    batch->count = out;
    if (gap < gaps)
        join_cut(j, open, batch);
}

void join_none(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        settle(&batch->entries[i], batch);
}

void join_replay(struct join *j, struct open_line open[STREAM_COUNT], const struct batch *batch,
                 const struct segment_ref *segment)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct entry *e = &batch->entries[i];
        struct open_line *mine = &open[e->stream];
        struct join_line *line = &j->lines[e->stream];
        bool its_own = mine->time_ns == e->time_ns || is_counted(e);
        if (mine->kind != OPEN_LINE || !its_own || e->serial < mine->segment.serial ||
            (e->serial == mine->segment.serial && e->offset < mine->offset))
            continue;
        if (line->source_bytes > 0) {
            line_append(line, e);
            continue;
        }
        mine->continued |= e->serial > mine->segment.serial || e->offset > mine->offset;
        mine->segment = *segment;
        mine->offset = e->offset;
        line_begin(line, e);
    }
}

void join_replay_lost(struct join *j, struct open_line open[STREAM_COUNT], struct batch *batch)
{
    for (unsigned s = 0; s < STREAM_COUNT; s++) {
        struct join_line *line = &j->lines[s];
        if (open[s].kind != OPEN_LINE || line->source_bytes == 0)
            continue;
        batch->entries[batch->count++] = line_entry(line, &open[s], s, ENTRY_PARTIAL, batch);
        line->source_bytes = 0;
    }
}

void join_leave_segment(struct join *j, uint64_t offset)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        struct join_line *line = &j->lines[i];
        if (offset > line->mark_offset)
            line->passed += offset - line->mark_offset;
        line->mark_offset = 0;
    }
}

void join_finish(struct join *j, struct open_line open[STREAM_COUNT], enum open_kind after,
                 struct batch *batch)
{
    for (unsigned s = 0; s < STREAM_COUNT; s++) {
        if (open[s].kind != OPEN_LINE)
            continue;
        batch->entries[batch->count++] =
            line_entry(&j->lines[s], &open[s], s, ENTRY_UNTERMINATED, batch);
        open[s] = (struct open_line){.kind = after, .time_ns = open[s].time_ns};
    }
}
