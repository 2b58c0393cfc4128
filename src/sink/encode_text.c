// SPDX-License-Identifier: Apache-2.0
#include "sink/encode_text.h"

enum {
    ESCAPED_MAX = 4,                            /* bytes that one byte becomes at most: \xNN */
    LINE_FIXED_BYTES_MAX = TIME_TEXT_ROOM + 16, /* all of a line but its texts and message */
};

static bool is_control(unsigned char c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

/* True where one of eight bytes may be a control byte; a TAB is taken for one. */
static bool may_hold_control(const char *bytes)
{
    const uint64_t ones = ~UINT64_C(0) / 255;
    uint64_t eight;
    memcpy(&eight, bytes, sizeof(eight));
    uint64_t del = eight ^ 0x7f * ones;
    uint64_t below_space = (eight - 0x20 * ones) & ~eight;
    return ((below_space | ((del - ones) & ~del)) & 0x80 * ones) != 0;
}

/* How many bytes from `at` on need no escape. */
static size_t plain_run(struct span bytes, size_t at)
{
    size_t end = at;
    while (end < bytes.size) {
        if (bytes.size - end >= 8 && !may_hold_control(bytes.data + end))
            end += 8;
        else if (!is_control((unsigned char)bytes.data[end]))
            end++;
        else
            break;
    }
    return end - at;
}

static char *put_control(char *to, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    *to++ = '\\';
    if (c == '\n' || c == '\r') {
        *to++ = c == '\n' ? 'n' : 'r';
        return to;
    }
    *to++ = 'x';
    *to++ = hex[c >> 4];
    *to++ = hex[c & 15];
    return to;
}

static char *put_escaped(char *to, struct span bytes)
{
    size_t at = 0;
    while (at < bytes.size) {
        size_t run = plain_run(bytes, at);
        to = encode_copy(to, (struct span){bytes.data + at, run});
        at += run;
        if (at < bytes.size)
            to = put_control(to, (unsigned char)bytes.data[at++]);
    }
    return to;
}

int text_render(const struct container *c, struct stream_texts *ret)
{
    *ret = (struct stream_texts){.storage = BUF_INIT(LABELS_TEXT_MAX)};
    struct span name =
        *c->name ? span_of(c->name) : (struct span){c->id, strnlen(c->id, CONTAINER_SHORT_ID_SIZE)};
    /* " name stdout " and " name stderr ", which are equally long. */
    size_t room = name.size * ESCAPED_MAX + sizeof("  stdout ");
    char *to = buf_reserve(&ret->storage, STREAM_COUNT * room);
    if (!to)
        return ret->storage.failed;
    for (unsigned stream = 0; stream < STREAM_COUNT; stream++) {
        char *begin = to;
        *to++ = ' ';
        to = put_escaped(to, name);
        *to++ = ' ';
        to = encode_copy(to, span_of(stream_word(stream)));
        *to++ = ' ';
        ret->of[stream] = (struct span){begin, (size_t)(to - begin)};
    }
    ret->storage.size = (size_t)(to - ret->storage.data);
    return 0;
}

static size_t text_entry_bound(const struct stream_texts *texts, const struct entry *e)
{
    return LINE_FIXED_BYTES_MAX + texts->of[e->stream].size + ESCAPED_MAX * e->message.size;
}

size_t text_bound(const struct stream_texts *texts, struct entries entries)
{
    size_t bound = 0;
    for (size_t i = 0; i < entries.count; i++)
        bound += text_entry_bound(texts, &entries.items[i]);
    return bound;
}

size_t text_encode(struct time_text *time, const struct stream_texts *texts, struct entries entries,
                   struct buf *to, size_t full)
{
    size_t taken = 0;
    while (taken < entries.count && to->size < full) {
        const struct entry *e = &entries.items[taken];
        char *line = buf_reserve(to, text_entry_bound(texts, e));
        if (!line)
            break;
        time_text_put(time, line, e->time_ns);
        char *p = stream_texts_copy(line + RFC3339_SIZE, texts->of[e->stream]);
        p = put_escaped(p, e->message);
        *p++ = '\n';
        to->size += (size_t)(p - line);
        taken++;
    }
    return taken;
}

size_t raw_bound(struct entries entries)
{
    size_t bound = 0;
    for (size_t i = 0; i < entries.count; i++)
        bound += entries.items[i].message.size + 1;
    return bound;
}

size_t raw_encode(struct entries entries, struct buf *to, size_t full)
{
    size_t taken = 0;
    while (taken < entries.count && to->size < full) {
        struct span message = entries.items[taken].message;
        char *line = buf_reserve(to, message.size + 1);
        if (!line)
            break;
        *encode_copy(line, message) = '\n';
        to->size += message.size + 1;
        taken++;
    }
    return taken;
}
