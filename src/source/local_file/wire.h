/* wire — numbers and fields of protobuf's wire format, taken off the front of a span.
 *
 * - Limits: a number has at most ten bytes; what goes beyond 64 bits is no number.
 */
#pragma once

#include "base/span.h"
#include "source/local_file/frame.h"

enum { VARINT_SIZE_MAX = 10 /* bytes */ };

static inline bool wire_number(struct span *bytes, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes->size && i < VARINT_SIZE_MAX; i++) {
        unsigned char byte = (unsigned char)bytes->data[i];
        if (i == VARINT_SIZE_MAX - 1 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << 7 * i;
        if (byte < 0x80) {
            *ret = value;
            bytes->data += i + 1;
            bytes->size -= i + 1;
            return true;
        }
    }
    return false;
}

static inline bool wire_bytes(struct span *bytes, struct span *ret)
{
    uint64_t size;
    if (!wire_number(bytes, &size) || size > bytes->size)
        return false;
    *ret = (struct span){bytes->data, (size_t)size};
    bytes->data += size;
    bytes->size -= size;
    return true;
}

struct wire_field {
    uint64_t tag;    /* FIELD_TAG() */
    uint64_t number; /* of a WIRE_VARINT */
    struct span bytes;
};

/* Takes the next field, whatever it is. */
static inline bool wire_next(struct span *bytes, struct wire_field *ret)
{
    *ret = (struct wire_field){0};
    if (!wire_number(bytes, &ret->tag) || ret->tag >> 3 == 0)
        return false;
    size_t fixed = 0;
    switch (ret->tag & 7) {
    case WIRE_VARINT: return wire_number(bytes, &ret->number);
    case WIRE_BYTES: return wire_bytes(bytes, &ret->bytes);
    case WIRE_FIXED64: fixed = 8; break;
    case WIRE_FIXED32: fixed = 4; break;
    default: return false;
    }
    if (bytes->size < fixed)
        return false;
    bytes->data += fixed;
    bytes->size -= fixed;
    return true;
}
