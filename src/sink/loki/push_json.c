// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/push.h"

#include "sink/encode.h"

enum {
    DIGITS_MAX = 20,                    /* of an int64_t with its sign */
    LINE_FIXED_BYTES = DIGITS_MAX + 16, /* all of a line but its texts */
};

static char *put_number(char *to, int64_t value)
{
    char digits[DIGITS_MAX];
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        digits[--at] = '-';
    return encode_copy(to, (struct span){digits + at, sizeof(digits) - at});
}

/* Members each begin with a comma; the first one's becomes the brace. */
static void append_metadata(const struct loki_labels *l, const struct entry *e, int64_t sent_ns,
                            struct span metadata, struct buf *to)
{
    size_t begin = to->size + 1;
    buf_append_char(to, ',');
    buf_append(to, metadata);
    if (e->flags || e->attrs.size || sent_ns != e->time_ns)
        loki_push_extras(l, e, loki_extras_of(l, e, sent_ns), to);
    if (to->failed)
        return;
    if (to->size == begin) {
        to->size--;
        return;
    }
    to->data[begin] = '{';
    buf_append_char(to, '}');
}

static void append_line(const struct loki_labels *l, const struct loki_plan *p,
                        const struct loki_line *line, struct buf *to)
{
    const struct entry *e = &p->q->entries[line->entry];
    const struct loki_texts *texts = &loki_line_target(p->q, line)->texts;
    char *begin = buf_reserve(to, LINE_FIXED_BYTES + e->message.size);
    if (!begin)
        return;
    char *end = encode_copy(begin, SPAN("[\""));
    end = put_number(end, line->sent_ns);
    end = encode_copy(end, SPAN("\",\""));
    end = encode_copy(end, e->message);
    *end++ = '"';
    to->size += (size_t)(end - begin);
    append_metadata(l, e, line->sent_ns, texts->metadata[line->source % STREAM_COUNT], to);
    buf_append_char(to, ']');
}

void loki_push_json(const struct loki_labels *l, const struct loki_plan *p, struct buf *to)
{
    const char *between = "";
    buf_append(to, SPAN("{\"streams\":["));
    for (size_t i = 0; i < p->stream_count; i++) {
        const struct loki_stream *s = &p->streams[i];
        if (s->count == 0)
            continue;
        buf_append(to, span_of(between));
        buf_append(to, SPAN("{\"stream\":"));
        buf_append(to, s->labels);
        buf_append(to, SPAN(",\"values\":["));
        for (size_t j = 0; j < s->count; j++) {
            if (j)
                buf_append_char(to, ',');
            append_line(l, p, &p->lines[s->first + j], to);
        }
        buf_append(to, SPAN("]}"));
        between = ",";
    }
    buf_append(to, SPAN("]}"));
}
