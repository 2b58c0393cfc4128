/* shift — gives equal lines of one nanosecond a nanosecond each.
 *
 * Loki takes two equal lines of one stream and time for one. So a line that would be another's
 * equal is sent with the next nanosecond at which its stream has no such line yet.
 *
 * The same request gives the same times, whatever piece of it is sent and however often: always all
 * of it is gone through. What the request before it ended with is remembered for each source, so
 * that a run of equal lines may cross requests. A memory holds behind its place only: where lines
 * up to there are sent again, their times follow from the request alone.
 *
 * - Owns: the table, which grows with the equal times in one stream of a request.
 * - Limits: SHIFT_LINES_KEPT different lines of one nanosecond are remembered across requests.
 * - Thread: one.
 */
#pragma once

#include "base/cleanup.h"
#include "sink/request.h"

#include <stdint.h>

enum { SHIFT_LINES_KEPT = 4 };

/* What was delivered last of one target and stream. */
struct shift_memory {
    uint64_t serial, offset; /* of the entry */
    bool known;              /* else nothing was delivered yet */
    bool pending;            /* its place is still ahead (while a request is gone through) */
    uint16_t count;
    struct shift_kept {
        uint64_t hash; /* of the line */
        int64_t ns;    /* the newest time that it was sent with */
    } lines[SHIFT_LINES_KEPT];
};

/* Does the entry stand behind the place in its container's log? */
static inline bool shift_is_behind(const struct entry *e, const struct shift_memory *m)
{
    return e->serial != m->serial ? e->serial > m->serial : e->offset > m->offset;
}

/* An entry on its way into a stream. */
struct loki_line {
    int64_t sent_ns; /* the time it is sent with */
    uint32_t entry;  /* in the request */
    uint32_t source; /* its part in the request, twice, and its enum stream */
};

static inline struct sink_target *loki_line_target(const struct request *q,
                                                   const struct loki_line *line)
{
    return q->parts[line->source / STREAM_COUNT].target;
}

struct shift_table {
    struct shift_slot *slots; /* owned; a power of two */
    size_t capacity, used;
    uint32_t stream; /* whose slots hold */
};

void shift_deinit(struct shift_table *t);

/* Goes through all lines of one stream, which are in the order of their times. *ret_shifted: some
 * have another now. 0 or -ENOMEM. */
int shift_lines(struct shift_table *t, const struct request *q, struct loki_line *lines,
                size_t count, bool *ret_shifted) MUST_CHECK;

uint64_t shift_hash(struct span line);
