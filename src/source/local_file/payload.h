/* payload — the inside of a `local` frame: one protobuf message, field by field.
 *
 * Unknown fields, and known numbers of another wire type, are skipped; of equal fields the last
 * counts, as protobuf has it.
 *
 * - Owns: nothing; the spans are the payload's own bytes.
 * - Source of the format: docker-logs §4.3; protobuf's wire format. Groups, long out of use, are no
 *   part of it.
 */
#pragma once

#include "base/span.h"

#include <stdint.h>

struct payload {
    struct span stream;
    int64_t time_ns; /* 0: none */
    struct span line;
    bool partial; /* a chunk of a line that was cut, the last one included */
    bool last;    /* … which this is */
    uint64_t ordinal;
    bool identified; /* by an id that its chunks share, as Docker gives it; spools have none */
    bool attributes; /* it has some */
};

/* Of a payload that begins as frame_payload_begins() says. False where it is no message. */
bool payload_parse(struct span bytes, struct payload *ret);

/* Steps through the attributes: `bytes` begins as a payload that was parsed, and shrinks. False
 * behind the last. */
bool payload_next_attribute(struct span *bytes, struct span *ret_key, struct span *ret_value);
