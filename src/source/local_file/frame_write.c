// SPDX-License-Identifier: Apache-2.0
#include "source/local_file/frame_write.h"

#include <errno.h>

#include "source/local_file/wire.h"

enum {
    TIME_SIZE_MIN = 9, /* as of all times since 1972: no payload is below PAYLOAD_SIZE_MIN */
    CHUNK_ID_SIZE_MAX = 64,
    HEAD_SIZE_MAX = 64 + 2 * VARINT_SIZE_MAX + CHUNK_ID_SIZE_MAX, /* all but the line */
};

/* At least `size_min` bytes: the continuation bits of a padded number lead to zeros. */
static void put_varint(struct buf *to, uint64_t value, size_t size_min)
{
    for (size_t size = 1; value >= 0x80 || size < size_min; size++, value >>= 7)
        buf_append_char(to, (char)(value | 0x80));
    buf_append_char(to, (char)value);
}

static void put_number(struct buf *to, char tag, uint64_t value)
{
    buf_append_char(to, tag);
    put_varint(to, value, 1);
}

static void put_bytes(struct buf *to, char tag, struct span bytes)
{
    put_number(to, tag, bytes.size);
    buf_append(to, bytes);
}

static size_t varint_size(uint64_t value)
{
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

static void put_partial(struct buf *to, const struct local_partial *partial)
{
    size_t size = partial->last ? 2 : 0;
    if (partial->id.size)
        size += 2 + partial->id.size; /* its length is one byte: CHUNK_ID_SIZE_MAX */
    if (partial->ordinal)
        size += 1 + varint_size(partial->ordinal);

    put_number(to, TAG_PARTIAL, 1);
    put_number(to, TAG_CHUNK, size);
    if (partial->last)
        put_number(to, TAG_CHUNK_LAST, 1);
    if (partial->id.size)
        put_bytes(to, TAG_CHUNK_ID, partial->id);
    if (partial->ordinal)
        put_number(to, TAG_CHUNK_ORDINAL, partial->ordinal);
}

int local_frame_write(struct buf *to, enum stream stream, int64_t time_ns, struct span line,
                      const struct local_partial *partial)
{
    if (line.size > PAYLOAD_SIZE_MAX - HEAD_SIZE_MAX ||
        (partial && partial->id.size > CHUNK_ID_SIZE_MAX))
        return -EMSGSIZE;
    if (!buf_reserve(to, FRAME_AROUND + HEAD_SIZE_MAX + line.size))
        return to->failed;

    size_t start = to->size;
    to->size += FRAME_MARK_SIZE;
    put_bytes(to, TAG_STREAM, span_of(stream_word(stream)));
    buf_append_char(to, TAG_TIME);
    put_varint(to, (uint64_t)time_ns, TIME_SIZE_MIN);
    if (line.size)
        put_bytes(to, TAG_LINE, line);
    if (partial)
        put_partial(to, partial);

    uint32_t size = (uint32_t)(to->size - start - FRAME_MARK_SIZE);
    frame_mark_write(to->data + start, size);
    frame_mark_write(to->data + to->size, size);
    to->size += FRAME_MARK_SIZE;
    return 0;
}
