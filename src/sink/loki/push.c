// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/push.h"

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
    TIMESTAMP_ROOM = 32, /* bytes; up to 2 of a head, 1 + 10 and 1 + 5 count */
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

/* The field of a time. Neighbouring lines mostly share their second: only the nanoseconds behind it
 * are written anew. */
struct timestamp {
    int64_t second_ns; /* where the second begins that is written */
    size_t head, size; /* bytes of the field before the nanoseconds, and of all */
    char field[TIMESTAMP_ROOM];
};

/* The size of what is in the field takes one byte. */
static void move_second(struct timestamp *t, int64_t ns)
{
    int64_t second = ns / NS_PER_SECOND - (ns % NS_PER_SECOND < 0);
    t->second_ns = (int64_t)((uint64_t)second * NS_PER_SECOND);
    t->field[0] = TIMESTAMP;
    t->field[2] = SECONDS;
    char *end = protobuf_put_varint(t->field + 3, (uint64_t)second);
    *end++ = NANOS;
    t->head = (size_t)(end - t->field);
}

static inline void set_time(struct timestamp *t, int64_t ns)
{
    if (__builtin_expect((uint64_t)ns - (uint64_t)t->second_ns >= NS_PER_SECOND, 0))
        move_second(t, ns);
    uint32_t nanos = (uint32_t)((uint64_t)ns - (uint64_t)t->second_ns);
    t->size = (size_t)(protobuf_put_varint(t->field + t->head, nanos) - t->field);
    t->field[1] = (char)(t->size - 2);
}

static struct span metadata_of(const struct loki_plan *p, const struct loki_line *line)
{
    return loki_line_target(p->q, line)->texts.metadata[line->source % STREAM_COUNT];
}

/* What few lines have beside that; a failure is the body's. */
static struct span extras_of(const struct loki_labels *l, struct loki_plan *p,
                             const struct entry *e, int64_t sent_ns, struct buf *to)
{
    if (__builtin_expect(!e->flags && !e->attrs.size && sent_ns == e->time_ns, 1))
        return (struct span){0};
    buf_clear(&p->extras);
    p->extras.size_max = ENCODED_BYTES_MAX;
    loki_push_extras(l, e, loki_extras_of(l, e, sent_ns), &p->extras);
    if (p->extras.failed)
        to->failed = p->extras.failed;
    return buf_span(&p->extras);
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

/* Of `size` bytes, its own or mended, which are more. NULL: it is to be mended. Whether it is shows
 * while it is copied. */
static inline char *put_text(char *to, struct span text, size_t size)
{
    if (__builtin_expect(size != text.size, 0))
        return utf8_put_mended(to, text);
    return copy_ascii(to, text) || utf8_valid(text) ? to + size : NULL;
}

/* What a line has beside its text. */
struct around {
    struct timestamp time;
    struct span metadata, extras;
};

/* False: its text, taken for one of `text_size` bytes, is to be mended, and nothing was appended.
 */
static inline bool append_entry(struct buf *to, struct span text, size_t text_size,
                                const struct around *around)
{
    size_t size = around->time.size + protobuf_bytes_size(text_size) + around->metadata.size +
                  around->extras.size;
    char *at = buf_reserve(to, protobuf_bytes_size(size));
    if (!at)
        return true;
    at = protobuf_put_head(at, ENTRIES, size);
    memcpy(at, around->time.field, TIMESTAMP_ROOM);
    at = protobuf_put_head(at + around->time.size, LINE, text_size);
    at = put_text(at, text, text_size);
    if (!at)
        return false;
    at = stream_texts_copy(at, around->metadata);
    at = encode_copy(at, around->extras);
    to->size = (size_t)(at - to->data);
    return true;
}

static void append_lines(const struct loki_labels *l, struct loki_plan *p,
                         const struct loki_stream *s, struct buf *to)
{
    const struct loki_line *lines = p->lines + s->first;
    struct around around = {0};
    move_second(&around.time, lines[0].sent_ns);
    for (size_t i = 0; i < s->count; i++) {
        const struct loki_line *line = &lines[i];
        const struct entry *e = &p->q->entries[line->entry];
        if (i == 0 || line->source != lines[i - 1].source)
            around.metadata = metadata_of(p, line);
        set_time(&around.time, line->sent_ns);
        around.extras = extras_of(l, p, e, line->sent_ns, to);
        if (!append_entry(to, e->message, e->message.size, &around))
            append_entry(to, e->message, utf8_mended_size(e->message), &around);
    }
}

/* How long it is shows at its end only. */
static void append_stream(const struct loki_labels *l, struct loki_plan *p,
                          const struct loki_stream *s, struct buf *to)
{
    size_t begin = to->size;
    char *at = buf_reserve(to, PROTOBUF_WIDE_HEAD + protobuf_bytes_size(s->name.size));
    if (!at)
        return;
    at = protobuf_put_head(at + PROTOBUF_WIDE_HEAD, LABELS, s->name.size);
    at = encode_copy(at, s->name);
    to->size = (size_t)(at - to->data);
    append_lines(l, p, s, to);
    if (!to->failed)
        protobuf_put_wide_head(to->data + begin, STREAMS, to->size - begin - PROTOBUF_WIDE_HEAD);
}

void loki_push_protobuf(const struct loki_labels *l, struct loki_plan *p, struct buf *to)
{
    for (size_t i = 0; i < p->stream_count; i++)
        if (p->streams[i].count)
            append_stream(l, p, &p->streams[i], to);
}
