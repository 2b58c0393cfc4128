// SPDX-License-Identifier: Apache-2.0
#include "source/local_file/payload.h"

#include "source/local_file/wire.h"

enum { STREAM_WORD_SIZE = 6, TIME_SIZE = 9 /* bytes */ };
_Static_assert((int)FRAME_STREAM_SIZE + 1 + (int)TIME_SIZE == (int)PAYLOAD_SIZE_MIN,
               "the usual time stands in every payload");

static bool parse_chunk(struct span bytes, struct payload *payload)
{
    struct wire_field field;
    while (bytes.size) {
        if (!wire_next(&bytes, &field))
            return false;
        if (field.tag == TAG_CHUNK_LAST)
            payload->last = field.number != 0;
        else if (field.tag == TAG_CHUNK_ORDINAL)
            payload->ordinal = field.number;
        else if (field.tag == TAG_CHUNK_ID)
            payload->identified = true;
    }
    return true;
}

static bool parse_attribute(struct span bytes, struct span *ret_key, struct span *ret_value)
{
    struct wire_field field;
    while (bytes.size) {
        if (!wire_next(&bytes, &field))
            return false;
        if (field.tag == TAG_ATTRIBUTE_KEY)
            *ret_key = field.bytes;
        else if (field.tag == TAG_ATTRIBUTE_VALUE)
            *ret_value = field.bytes;
    }
    return true;
}

static bool take_field(const struct wire_field *field, struct payload *payload)
{
    struct span key, value;
    switch (field->tag) {
    case TAG_STREAM: payload->stream = field->bytes; return true;
    case TAG_TIME: payload->time_ns = (int64_t)field->number; return true;
    case TAG_LINE: payload->line = field->bytes; return true;
    case TAG_PARTIAL: payload->partial = field->number != 0; return true;
    case TAG_CHUNK: return parse_chunk(field->bytes, payload);
    case TAG_ATTRIBUTE:
        payload->attributes = true;
        return parse_attribute(field->bytes, &key, &value);
    default: return true;
    }
}

static bool parse_fields(struct span bytes, struct payload *payload)
{
    struct wire_field field;
    while (bytes.size)
        if (!wire_next(&bytes, &field) || !take_field(&field, payload))
            return false;
    return true;
}

/* The number of nine bytes at p, as every time from 1972 to 2262 is. The seven bits of each of the
 * first eight bytes are moved together: two of seven, of fourteen, of twenty-eight. */
static bool nine_byte_number(const char *p, uint64_t *ret)
{
    const uint64_t more = UINT64_C(0x8080808080808080);
    uint64_t w;
    memcpy(&w, p, sizeof(w));
    w = le64toh(w);
    unsigned char ninth = (unsigned char)p[8];
    if ((w & more) != more || ninth >= 0x80)
        return false;
    w &= ~more;
    w = (w & UINT64_C(0x007f007f007f007f)) | (w & UINT64_C(0x7f007f007f007f00)) >> 1;
    w = (w & UINT64_C(0x00003fff00003fff)) | (w & UINT64_C(0x3fff00003fff0000)) >> 2;
    w = (w & UINT64_C(0x000000000fffffff)) | (w & UINT64_C(0x0fffffff00000000)) >> 4;
    *ret = w | (uint64_t)ninth << 56;
    return true;
}

bool payload_parse(struct span bytes, struct payload *ret)
{
    *ret = (struct payload){
        .stream = {bytes.data + FRAME_STREAM_SIZE - STREAM_WORD_SIZE, STREAM_WORD_SIZE}};
    uint64_t time;
    struct span rest = {bytes.data + FRAME_STREAM_SIZE + 1, bytes.size - FRAME_STREAM_SIZE - 1};
    if (!nine_byte_number(rest.data, &time))
        return parse_fields(bytes, ret);
    ret->time_ns = (int64_t)time;
    rest.data += TIME_SIZE;
    rest.size -= TIME_SIZE;

    if (rest.size && *rest.data == TAG_LINE) {
        rest.data++;
        rest.size--;
        if (!wire_bytes(&rest, &ret->line))
            return false;
    }
    return parse_fields(rest, ret);
}

bool payload_next_attribute(struct span *bytes, struct span *ret_key, struct span *ret_value)
{
    struct wire_field field;
    *ret_key = *ret_value = (struct span){0};
    while (bytes->size && wire_next(bytes, &field))
        if (field.tag == TAG_ATTRIBUTE)
            return parse_attribute(field.bytes, ret_key, ret_value);
    return false;
}
