/* loki_rig — requests made by hand, what the sink loki makes of them, and what Loki would read.
 *
 * The rig plays the route: it fills a request, has pieces of it encoded, and says what was
 * delivered. What was encoded is read by a small reader of protobuf that knows nothing of ours.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "sink/loki/push.h"

enum { LOKI_RIG_CONTAINERS = 4, LOKI_RIG_LINES_MAX = 20000, LOKI_RIG_TEXT_MAX = 1024 };

/* A line as it has arrived. */
struct sent {
    char stream[LOKI_RIG_TEXT_MAX]; /* as Loki's `labels` */
    int64_t ns;
    char line[LOKI_RIG_TEXT_MAX]; /* cut at its size */
    size_t size;
    char metadata[LOKI_RIG_TEXT_MAX]; /* "name=value;…" */
};

struct loki_rig {
    struct loki_labels labels;
    struct loki_targets list;
    struct loki_plan plan;
    struct loki_notes notes;
    struct container *containers[LOKI_RIG_CONTAINERS];
    struct sink_target targets[LOKI_RIG_CONTAINERS];
    uint64_t offsets[LOKI_RIG_CONTAINERS];
    struct request q;
    struct buf body;
    struct sent *sent;
    size_t sent_count;
};

/* `stream` and `metadata`: names up to a NULL; NULL: the usual ones. The containers are web-0 to
 * web-3 of the compose project shop. */
void loki_rig_init(struct loki_rig *r, enum loki_format format, const char *const *stream,
                   const char *const *metadata);
void loki_rig_deinit(struct loki_rig *r);

/* One pull's entries of a container, which get their places in the log. */
void loki_rig_add(struct loki_rig *r, unsigned container, const struct entry *entries,
                  size_t count);
/* Several of one stream, with their times: pairs of int64_t and const char *, up to a NULL. */
void loki_rig_lines(struct loki_rig *r, unsigned container, enum stream stream, ...)
    __attribute__((sentinel));

/* Encodes a piece into the body; for protobuf also reads it. */
void loki_rig_push(struct loki_rig *r, size_t first, size_t end);
void loki_rig_push_all(struct loki_rig *r);
/* The last piece was delivered. */
void loki_rig_delivered(struct loki_rig *r);
/* The request was answered as a whole; the next is empty. */
void loki_rig_next(struct loki_rig *r);

/* The times of all sent lines of this stream, in the order in which they stand there. */
size_t loki_rig_times(const struct loki_rig *r, const char *stream, const char *line,
                      int64_t *times, size_t max);
