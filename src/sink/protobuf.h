/* protobuf — the few pieces of the wire format that a body is written with by hand.
 *
 * Lengths are computed before they are written; where a length shows only behind what is so long,
 * room is left for a wide head. `put` functions write where they are told and return where they
 * ended; the room is the caller's matter.
 *
 * - Source of the format: protobuf.dev, "Encoding".
 */
#pragma once

#include "base/check.h"
#include "base/span.h"

#include <stdint.h>

enum { PROTOBUF_VARINT_MAX = 10 /* bytes */ };

/* The byte before a field's value, for numbers up to 15. */
#define PROTOBUF_VARINT(number) ((char)((number) << 3))
#define PROTOBUF_BYTES(number)  ((char)((number) << 3 | 2)) /* then a length */

/* Most are as long as those before them, which is quicker than counting their bits. */
static inline size_t protobuf_varint_size(uint64_t value)
{
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

static inline char *protobuf_put_varint(char *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (char)(value | 0x80);
        value >>= 7;
    }
    *to++ = (char)value;
    return to;
}

/* Of a field with `size` bytes and a number up to 15. */
static inline size_t protobuf_bytes_size(size_t size)
{
    return 1 + protobuf_varint_size(size) + size;
}

static inline char *protobuf_put_head(char *to, char field, size_t size)
{
    *to++ = field;
    return protobuf_put_varint(to, size);
}

/* A head of always the same size: the length has four bytes, be the last ones of it zero, as every
 * reader has to take it. */
enum {
    PROTOBUF_WIDE_HEAD = 1 + 4,        /* bytes */
    PROTOBUF_WIDE_MAX = (1 << 28) - 1, /* bytes behind it */
};

static inline void protobuf_put_wide_head(char *to, char field, size_t size)
{
    CHECK(size <= PROTOBUF_WIDE_MAX);
    to[0] = field;
    for (unsigned i = 0; i < 3; i++)
        to[1 + i] = (char)(size >> (7 * i) | 0x80);
    to[4] = (char)(size >> 21);
}
