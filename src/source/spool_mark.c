// SPDX-License-Identifier: Apache-2.0
#include "source/spool_mark.h"

#include "source/local_file/frame.h"
#include "source/local_file/payload.h"

void spool_marks_note(struct spool_marks *m, const struct spool_entry *entry)
{
    struct spool_mark *mark = &m->streams[entry->stream];
    bool same = mark->count && mark->time_ns == entry->time_ns;
    bool goes_on = mark->open && (same || entry->own_time) && !entry->starts_line;
    bool chunk = goes_on || !entry->ends_line;

    *mark = (struct spool_mark){
        .count = same ? mark->count + 1 : 1,
        .time_ns = entry->time_ns,
        .ordinal = chunk ? (goes_on ? mark->ordinal : 0) + 1 : 0,
        .open = !entry->ends_line && entry->text.size >= SOURCE_CHUNK_BYTES,
        .cut_off = !entry->ends_line && entry->text.size < SOURCE_CHUNK_BYTES,
    };
    m->last_ns = entry->time_ns;
}

/* From when on a new answer is needed; 0: from the beginning. */
static int64_t since(const struct spool_marks *m)
{
    int64_t from = m->last_ns - SPOOL_OVERLAP_NS;

    for (unsigned i = 0; i < STREAM_COUNT; i++)
        if (m->streams[i].open && m->streams[i].time_ns < from)
            from = m->streams[i].time_ns;
    return from > 0 ? from : 0;
}

void spool_overlap_begin(struct spool_overlap *o, const struct spool_marks *m, bool tty)
{
    *o = (struct spool_overlap){.since_ns = since(m)};
    for (unsigned i = 0; i < STREAM_COUNT; i++) {
        o->streams[i].time_ns = m->streams[i].time_ns;
        o->streams[i].left = m->streams[i].count;
    }
    const struct spool_mark *only = &m->streams[STREAM_STDOUT];
    if (tty && only->cut_off) {
        o->since_ns = only->time_ns + 1;
        o->streams[STREAM_STDOUT].left = 0;
    }
}

bool spool_overlap_passes(struct spool_overlap *o, enum stream stream, int64_t time_ns)
{
    int64_t last_ns = o->streams[stream].time_ns;
    uint64_t *left = &o->streams[stream].left;

    if (*left == 0)
        return true;
    if (time_ns > last_ns) {
        *left = 0;
        return true;
    }
    if (time_ns == last_ns)
        --*left;
    return false;
}

/* The payload of the last frame of `text`, which is cut off there. */
static bool take_last_frame(struct span *text, struct span *ret_payload)
{
    if (text->size < FRAME_AROUND)
        return false;
    size_t size = FRAME_AROUND + frame_mark_read(text->data + text->size - FRAME_MARK_SIZE), whole;
    if (size > text->size)
        return false;

    struct span frame = {text->data + text->size - size, size};
    if (frame_look(frame, &whole) != FRAME_WHOLE || whole != size)
        return false;
    *ret_payload = (struct span){frame.data + FRAME_MARK_SIZE, size - FRAME_AROUND};
    text->size -= size;
    return true;
}

static void note_back(struct spool_search *s, enum stream stream, const struct payload *p)
{
    struct spool_mark *mark = &s->marks->streams[stream];
    bool unfinished = p->partial && !p->last;

    if (s->marks->last_ns == 0)
        s->marks->last_ns = p->time_ns;
    if (mark->count == 0)
        *mark = (struct spool_mark){
            .time_ns = p->time_ns,
            .ordinal = p->partial ? (uint32_t)p->ordinal : 0,
            .open = unfinished && p->line.size >= SOURCE_CHUNK_BYTES,
            .cut_off = unfinished && p->line.size < SOURCE_CHUNK_BYTES,
        };
    if (mark->time_ns != p->time_ns)
        s->closed[stream] = true;
    else if (!s->closed[stream])
        mark->count++;
}

/* Of a stream that had nothing to say in the window no mark is needed. That the window is behind us
 * is told by a whole line (a chunk bears the time of its first), and one as far again before it,
 * since what was stamped first may be written last. */
static bool is_enough(const struct spool_search *s, const struct payload *p)
{
    bool before_window = !p->partial && p->time_ns < since(s->marks) - SPOOL_OVERLAP_NS;

    for (unsigned i = 0; i < STREAM_COUNT; i++)
        if (!s->closed[i] && (s->marks->streams[i].count || !before_window))
            return false;
    return true;
}

bool spool_search_back(struct spool_search *s, struct span frames, size_t *ret_left)
{
    struct span bytes;
    struct payload payload;
    bool enough = false;

    while (!enough && take_last_frame(&frames, &bytes) && payload_parse(bytes, &payload)) {
        enum stream stream =
            span_equal(payload.stream, SPAN("stderr")) ? STREAM_STDERR : STREAM_STDOUT;
        note_back(s, stream, &payload);
        enough = is_enough(s, &payload);
    }
    *ret_left = frames.size;
    return enough;
}

size_t spool_whole_size(struct span file)
{
    size_t whole = 0;

    for (size_t at = 0; at < file.size;) {
        struct span rest = {file.data + at, file.size - at};
        size_t size;
        if (frame_look(rest, &size) == FRAME_WHOLE)
            whole = at += size;
        else
            at += frame_find(rest, FRAME_WHOLE);
    }
    return whole;
}
