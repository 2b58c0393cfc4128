// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/push.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "sink/encode.h"
#include "sink/loki/pair.h"
#include "sink/protobuf.h"

enum {
    STREAMS = PROTOBUF_BYTES(1), /* of PushRequest */
    LABELS = PROTOBUF_BYTES(1),  /* of a stream */
    ENTRIES = PROTOBUF_BYTES(2),
    TIMESTAMP = PROTOBUF_BYTES(1), /* of an entry */
    LINE = PROTOBUF_BYTES(2),
    SECONDS = PROTOBUF_VARINT(1), /* of a timestamp */
    NANOS = PROTOBUF_VARINT(2),
};

struct request_terms loki_push_terms(const struct loki_labels *l, const struct loki_texts *texts)
{
    enum {
        /* A tag and a length of up to four bytes for each of stream and name; for entry, time and
         * text, with what the time has: two tags, ten bytes of seconds, five of nanoseconds. */
        STREAM_BYTES = 2 * 5,
        LINE_BYTES = 5 + 2 + 2 + 10 + 5 + 5,
        /* {"streams":[{"stream":{…},"values":[…]},]} and ["time","text",{…}], */
        JSON_STREAM_BYTES = 40,
        JSON_LINE_BYTES = 20 + 12,
    };
    bool json = l->format == LOKI_JSON;
    size_t head = 0, line = 0;
    for (unsigned s = 0; s < STREAM_COUNT; s++) {
        size_t labels = json ? texts->labels[s].size : texts->name[s].size;
        head = labels > head ? labels : head;
        line = texts->metadata[s].size > line ? texts->metadata[s].size : line;
    }
    return (struct request_terms){
        .head_bytes = (uint32_t)(head + (json ? JSON_STREAM_BYTES : STREAM_BYTES)),
        .line_bytes = (uint32_t)(line + (json ? JSON_LINE_BYTES : LINE_BYTES)),
    };
}

static void append_extra(const struct loki_labels *l, const char *name, struct span value,
                         struct buf *to)
{
    if (l->format == LOKI_PROTOBUF) {
        loki_append_pair(to, name, value);
        return;
    }
    buf_append_char(to, ',');
    loki_append_member(to, name, value);
}

void loki_push_extras(const struct loki_labels *l, const struct entry *e, unsigned extras,
                      struct buf *to)
{
    if (extras & LOKI_ATTRS)
        append_extra(l, "attrs", e->attrs, to);
    for (size_t i = 0; i < LOKI_FLAG_COUNT; i++)
        if (extras & loki_flags[i].extra)
            append_extra(l, loki_flags[i].name, SPAN("true"), to);
    if (extras & LOKI_TIME) {
        char time[RFC3339_SIZE];
        rfc3339_format(time, e->time_ns);
        append_extra(l, "time", (struct span){time, sizeof(time)}, to);
    }
}

struct timestamp {
    int64_t seconds;
    uint32_t nanos;
};

static inline struct timestamp timestamp_of(int64_t ns)
{
    int64_t seconds = ns / NS_PER_SECOND;
    seconds -= ns < seconds * NS_PER_SECOND;
    return (struct timestamp){seconds, (uint32_t)(ns - seconds * NS_PER_SECOND)};
}

static inline size_t timestamp_size(struct timestamp t)
{
    return 2 + protobuf_varint_size((uint64_t)t.seconds) + protobuf_varint_size(t.nanos);
}

static struct span metadata_of(const struct loki_plan *p, const struct loki_line *line)
{
    return loki_line_target(p->q, line)->texts.metadata[line->source % STREAM_COUNT];
}

/* What few lines have is rendered here, one after the other, and copied in the same order. Texts
 * are looked at only to be mended: whether one must be is seen while it is copied. */
static inline void measure_line(const struct loki_labels *l, struct loki_plan *p,
                                struct span metadata, struct loki_line *line, bool mend)
{
    const struct entry *e = &p->q->entries[line->entry];
    line->text_size = (uint32_t)e->message.size;
    if (__builtin_expect(mend, 0) && !utf8_valid(e->message))
        line->text_size = (uint32_t)utf8_mended_size(e->message);
    line->extras_size = 0;
    if (__builtin_expect(e->flags || e->attrs.size || line->sent_ns != e->time_ns, 0)) {
        size_t before = p->extras.size;
        loki_push_extras(l, e, loki_extras_of(l, e, line->sent_ns), &p->extras);
        line->extras_size = (uint32_t)(p->extras.size - before);
    }
    size_t size = 2 + timestamp_size(timestamp_of(line->sent_ns));
    size += protobuf_bytes_size(line->text_size) + metadata.size + line->extras_size;
    line->size = (uint32_t)size;
}

static size_t measure_stream(const struct loki_labels *l, struct loki_plan *p,
                             const struct loki_stream *s, bool mend)
{
    struct loki_line *lines = p->lines + s->first;
    struct span metadata = {0};
    size_t size = protobuf_bytes_size(s->name.size);
    for (size_t i = 0; i < s->count; i++) {
        if (i == 0 || lines[i].source != lines[i - 1].source)
            metadata = metadata_of(p, &lines[i]);
        measure_line(l, p, metadata, &lines[i], mend);
        size += protobuf_bytes_size(lines[i].size);
    }
    return size;
}

/* Copies in blocks: reads and writes up to 63 bytes past the text, as both buffers allow. False:
 * something of what was copied, be it behind the text, is not ASCII. */
static inline bool copy_ascii(char *to, struct span text)
{
    typedef uint64_t block __attribute__((vector_size(16)));
    enum { BLOCKS = 4 };
    _Static_assert(BLOCKS * sizeof(block) <= BUF_SLACK, "what may be written behind a buffer");
    _Static_assert(BLOCKS * sizeof(block) <= ARENA_SLACK, "what may be read behind a text");
    block seen = {0};
    for (size_t at = 0; at < text.size; at += BLOCKS * sizeof(block)) {
        block blocks[BLOCKS];
        memcpy(blocks, text.data + at, sizeof(blocks));
        memcpy(to + at, blocks, sizeof(blocks));
        seen |= (blocks[0] | blocks[1]) | (blocks[2] | blocks[3]);
    }
    return !((seen[0] | seen[1]) & UINT64_C(0x8080808080808080));
}

static inline char *put_text(char *to, const struct entry *e, const struct loki_line *line,
                             bool *invalid)
{
    /* A text that was mended is longer than it was. */
    if (__builtin_expect(line->text_size != e->message.size, 0))
        return utf8_put_mended(to, e->message);
    if (!copy_ascii(to, e->message))
        *invalid |= !utf8_valid(e->message);
    return to + e->message.size;
}

/* The size of the time, which takes one byte, is known when it is written. */
static inline char *put_time(char *to, int64_t ns)
{
    struct timestamp t = timestamp_of(ns);
    char *begin = to + 2;
    to[0] = TIMESTAMP;
    to[2] = SECONDS;
    char *end = protobuf_put_varint(to + 3, (uint64_t)t.seconds);
    *end++ = NANOS;
    end = protobuf_put_varint(end, t.nanos);
    to[1] = (char)(end - begin);
    return end;
}

static inline char *put_entry(char *to, const struct entry *e, const struct loki_line *line,
                              struct span metadata, bool *invalid)
{
    to = protobuf_put_head(to, ENTRIES, line->size);
    to = put_time(to, line->sent_ns);
    to = protobuf_put_head(to, LINE, line->text_size);
    to = put_text(to, e, line, invalid);
    return stream_texts_copy(to, metadata);
}

/* `*extras` is what was rendered for these and later lines. */
static char *put_stream(char *to, const struct loki_plan *p, const struct loki_stream *s,
                        struct span *extras, bool *invalid)
{
    const struct loki_line *lines = p->lines + s->first;
    struct span metadata = {0};
    to = protobuf_put_head(to, STREAMS, s->size);
    to = protobuf_put_head(to, LABELS, s->name.size);
    to = encode_copy(to, s->name);
    for (size_t i = 0; i < s->count; i++) {
        const struct loki_line *line = &lines[i];
        if (i == 0 || line->source != lines[i - 1].source)
            metadata = metadata_of(p, line);
        to = put_entry(to, &p->q->entries[line->entry], line, metadata, invalid);
        if (line->extras_size) {
            to = encode_copy(to, (struct span){extras->data, line->extras_size});
            extras->data += line->extras_size;
            extras->size -= line->extras_size;
        }
    }
    return to;
}

/* False where some text is no UTF-8, and was to be mended: nothing was appended. */
static bool push(const struct loki_labels *l, struct loki_plan *p, struct buf *to, bool mend)
{
    size_t size = 0;
    bool invalid = false;
    buf_clear(&p->extras);
    p->extras.size_max = ENCODED_BYTES_MAX;
    for (size_t i = 0; i < p->stream_count; i++) {
        struct loki_stream *s = &p->streams[i];
        if (s->count == 0)
            continue;
        s->size = measure_stream(l, p, s, mend);
        size += protobuf_bytes_size(s->size);
    }
    if (p->extras.failed) {
        to->failed = p->extras.failed;
        return true;
    }
    char *begin = buf_reserve(to, size), *end = begin;
    if (!begin)
        return true;
    struct span extras = buf_span(&p->extras);
    for (size_t i = 0; i < p->stream_count; i++)
        if (p->streams[i].count)
            end = put_stream(end, p, &p->streams[i], &extras, &invalid);
    CHECK((size_t)(end - begin) == size && extras.size == 0);
    to->size += invalid ? 0 : size;
    return !invalid;
}

void loki_push_protobuf(const struct loki_labels *l, struct loki_plan *p, struct buf *to)
{
    bool valid = push(l, p, to, false); /* most are */
    if (!valid)
        push(l, p, to, true);
}
