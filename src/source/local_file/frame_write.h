/* frame_write — one frame as Docker's `local` driver writes it: what spools are made of.
 *
 * - Owns: nothing; the frame is appended to the caller's buffer, whole or not at all.
 * - Source of the format: local_file.h.
 */
#pragma once

#include "base/buf.h"
#include "model/entry.h"

/* Of a chunk of a line that was cut, the last one included. */
struct local_partial {
    bool last;        /* it ends its line */
    uint32_t ordinal; /* 1, 2, 3 …; 0: not known */
    struct span id;   /* the same for all chunks of a line; may be empty */
};

/* Appends a record of the line `line`, without its newline; `partial` is NULL where it is a whole
 * one. time_ns 0: not known. 0, -EMSGSIZE where the frame would be longer than one may be, or the
 * failure of the buffer. */
int local_frame_write(struct buf *to, enum stream stream, int64_t time_ns, struct span line,
                      const struct local_partial *partial) MUST_CHECK;
