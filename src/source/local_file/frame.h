/* frame — the outside of a `local` record, and the numbers of the fields inside.
 *
 * u32 big-endian N | N bytes of protobuf | u32 big-endian N
 *
 * - Source of the format: Docker's local log driver; protobuf's wire format.
 */
#pragma once

#include "base/limits.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

enum {
    FRAME_MARK_SIZE = 4,                /* bytes of N, at either end */
    FRAME_AROUND = 2 * FRAME_MARK_SIZE, /* what a frame has beside its payload */
    PAYLOAD_SIZE_MIN = 18,              /* stream and time, without a text */
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
