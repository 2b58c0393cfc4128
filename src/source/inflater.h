/* inflater — reads a compressed rotation as if it were plain, forwards.
 *
 * Source of the format: RFC 1952; Docker writes one member with an FEXTRA field that holds bare
 * JSON (docker-logs §3.4), and may leave a member unfinished after a crash.
 *
 * Offsets are those of the plain text. Going back means starting again from 0.
 *
 * - Owns: a z_stream and a window of plain text. Borrows the descriptor per call.
 * - Limits: one call inflates at most INFLATE_STEP_MAX bytes that nobody wants; it then answers
 *   INFLATER_AGAIN.
 * - Thread: one.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>
#include <zlib.h>

enum { INFLATE_STEP_MAX = 8 * 1024 * 1024 /* bytes */ };

enum inflater_outcome {
    INFLATER_AGAIN = 1, /* not there yet: call again */
};

struct inflater {
    z_stream stream;
    bool started;      /* inflateInit2 has been done */
    bool finished;     /* nothing more will come */
    bool damaged;      /* it ended before its trailer, or does not inflate */
    uint64_t file_at;  /* bytes of the file consumed */
    uint64_t base;     /* plain offset of window.data[0] */
    struct buf window; /* what of the plain text is held */
};

void inflater_init(struct inflater *f, size_t window_max);
void inflater_deinit(struct inflater *f);
void inflater_restart(struct inflater *f);

/* *ret becomes the plain text from `offset` on: at least `want` bytes, fewer only at its end. Lives
 * until the next call. 0, INFLATER_AGAIN or -errno. */
int inflater_read(struct inflater *f, int fd, uint64_t offset, size_t want, struct span *ret)
    MUST_CHECK;
