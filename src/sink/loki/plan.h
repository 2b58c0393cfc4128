/* plan — what a push is to hold: the lines of a piece of a request, by stream and time.
 *
 * A stream is what bears one set of labels: of one container, or of several. Its lines are in the
 * order of the times that they are sent with (shift.h).
 *
 * - Owns: its arrays, used again from push to push. Borrows the request and its targets' texts from
 *   when it is made until these are trimmed.
 * - Thread: one.
 */
#pragma once

#include "sink/loki/target.h"

struct loki_stream {
    struct span name, labels;   /* as in loki_texts */
    uint64_t hash;              /* of the name */
    size_t first, count;        /* in the plan's lines */
    struct sink_target *target; /* of its first lines */
    unsigned stream;            /* of those */
    enum loki_turn turn;
    bool several; /* it has others, too */
    bool shifted; /* some lines of the request have other times than their own */
};

struct loki_plan {
    const struct request *q;
    struct loki_line *lines;
    size_t line_capacity;
    struct loki_stream *streams; /* may have no line; the one that goes last is the last */
    size_t stream_count, stream_capacity;
    uint32_t *of_source; /* index of a stream, by loki_line's source */
    size_t source_capacity;
    uint32_t *index; /* of a stream, and one more, by its name's hash */
    size_t index_capacity;
    struct shift_table shift;
    struct buf extras; /* the encoder's */
    size_t shifted;    /* lines of the piece with other times than their own */
};

void loki_plan_deinit(struct loki_plan *p);

/* Of the streams that go (pick.h), the lines that are not delivered; the texts of their targets are
 * there. 0 or -ENOMEM. */
int loki_plan_make(struct loki_plan *p, const struct request *q, struct request_range range)
    MUST_CHECK;

/* What is to be remembered once the push is delivered. */
struct loki_note {
    struct sink_target *target;
    unsigned stream;
    int64_t time_ns; /* of the newest line, */
    int64_t sent_ns; /* and the time that it was sent with */
    struct shift_memory memory;
};

struct loki_notes {
    struct loki_note *items; /* owned */
    size_t count, capacity;
};

int loki_plan_note(const struct loki_plan *p, struct loki_notes *ret) MUST_CHECK;
void loki_notes_apply(const struct loki_notes *n);
/* Marks what the push had of the piece, so that it is not sent again with the rest. */
void loki_notes_mark(const struct loki_notes *n, const struct request *q,
                     struct request_range range);
