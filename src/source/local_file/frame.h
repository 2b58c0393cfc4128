/* frame — the outside of a `local` record: where it begins and ends, and how its payload begins.
 *
 * u32 big-endian N | N bytes of protobuf | u32 big-endian N
 *
 * No file header, no delimiter, no checksum; the payload's fields stand in ascending order, the
 * stream first, then the time. So a frame is known by its two equal marks and the fixed bytes at
 * its payload's start; nothing else is taken for one, and what a frame holds does not decide where
 * it ends.
 *
 * - Source of the format: Docker's local log driver, docker-logs §4.2–4.4; protobuf's wire format.
 */
#pragma once

#include "base/limits.h"
#include "base/span.h"

#include <endian.h>
#include <stdint.h>

enum {
    FRAME_MARK_SIZE = 4,                /* bytes of N, at either end */
    FRAME_AROUND = 2 * FRAME_MARK_SIZE, /* what a frame has beside its payload */
    FRAME_STREAM_SIZE = 8,              /* the field of the stream: 0a 06 "stdout" */
    FRAME_HEAD_SIZE = FRAME_MARK_SIZE + FRAME_STREAM_SIZE + 1, /* up to the tag of the time */
    PAYLOAD_SIZE_MIN = 18,                                     /* stream and time, no text */
    PAYLOAD_SIZE_MAX = RECORD_BYTES_MAX - FRAME_AROUND,
};

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

#define FIELD_TAG(number, wire) ((number) << 3 | (wire))

enum record_tag {
    TAG_STREAM = FIELD_TAG(1, WIRE_BYTES),
    TAG_TIME = FIELD_TAG(2, WIRE_VARINT),
    TAG_LINE = FIELD_TAG(3, WIRE_BYTES),
    TAG_PARTIAL = FIELD_TAG(4, WIRE_VARINT),
    TAG_CHUNK = FIELD_TAG(5, WIRE_BYTES),
    TAG_ATTRIBUTE = FIELD_TAG(6, WIRE_BYTES),
};

enum chunk_tag {
    TAG_CHUNK_LAST = FIELD_TAG(1, WIRE_VARINT),
    TAG_CHUNK_ID = FIELD_TAG(2, WIRE_BYTES),
    TAG_CHUNK_ORDINAL = FIELD_TAG(3, WIRE_VARINT),
};

enum attribute_tag {
    TAG_ATTRIBUTE_KEY = FIELD_TAG(1, WIRE_BYTES),
    TAG_ATTRIBUTE_VALUE = FIELD_TAG(2, WIRE_BYTES),
};

#define FRAME_STDOUT "\x0a\x06stdout"
#define FRAME_STDERR "\x0a\x06stderr"

static inline uint32_t frame_mark_read(const char *p)
{
    uint32_t size;
    memcpy(&size, p, sizeof(size));
    return be32toh(size);
}

static inline void frame_mark_write(char *p, uint32_t size)
{
    size = htobe32(size);
    memcpy(p, &size, sizeof(size));
}

static inline bool frame_payload_size_ok(uint32_t size)
{
    return size >= PAYLOAD_SIZE_MIN && size <= PAYLOAD_SIZE_MAX;
}

/* Do FRAME_STREAM_SIZE + 1 bytes begin a payload? */
static inline bool frame_payload_begins(const char *p)
{
    return (memcmp(p, FRAME_STDOUT, FRAME_STREAM_SIZE) == 0 ||
            memcmp(p, FRAME_STDERR, FRAME_STREAM_SIZE) == 0) &&
           p[FRAME_STREAM_SIZE] == TAG_TIME;
}

enum frame_state {
    FRAME_NONE,       /* no frame begins here */
    FRAME_UNFINISHED, /* one may: more bytes will tell */
    FRAME_WHOLE,
};

/* Could `text`, shorter than FRAME_HEAD_SIZE, become a head? */
bool frame_may_begin(struct span text);

/* What begins at the start of `text`; *ret_size is the size of a whole frame. */
static inline enum frame_state frame_look(struct span text, size_t *ret_size)
{
    if (text.size < FRAME_HEAD_SIZE)
        return frame_may_begin(text) ? FRAME_UNFINISHED : FRAME_NONE;

    uint32_t size = frame_mark_read(text.data);
    if (!frame_payload_size_ok(size) || !frame_payload_begins(text.data + FRAME_MARK_SIZE))
        return FRAME_NONE;
    *ret_size = FRAME_AROUND + (size_t)size;
    if (text.size < *ret_size)
        return FRAME_UNFINISHED;
    return frame_mark_read(text.data + FRAME_MARK_SIZE + size) == size ? FRAME_WHOLE : FRAME_NONE;
}

/* How much at the start of `text`, which may stand anywhere in a file, is passed before a frame
 * begins that is at least `least`; all of it where none does. */
size_t frame_find(struct span text, enum frame_state least);

/* How much at the start of `text` is whole frames, and damage up to where the next one begins. What
 * is left is the start of a frame. */
size_t frames_whole(struct span text);

/* The first of whole frames (`text` is such): a frame, or the damage before the next. */
size_t frames_first(struct span text);
