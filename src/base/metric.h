/* metric — families of numbers in Prometheus' text form.
 *
 *     static const struct metric lines = {
 *         "tallyman_route_lines_total", METRIC_COUNTER, "Lines …", {"route", "outcome"}, …};
 *     struct metric_writer w = {.to = &text};
 *     metric_begin(&w, &lines);
 *     metric_count(&w, 12, "archive", "delivered");
 *
 * - Source of the format: Prometheus' "exposition formats", text version 0.0.4. Names end in the
 *   base unit (`_bytes`, `_seconds`), counters in `_total`.
 * - Limits: METRIC_LABELS_MAX. A label has few values, and never a container's.
 * - Thread: one a writer.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>

enum { METRIC_LABELS_MAX = 2 };

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

struct metric {
    const char *name;
    enum metric_type type;
    const char *help;                      /* a sentence, in one line */
    const char *labels[METRIC_LABELS_MAX]; /* names; the rest NULL */
};

struct metric_writer {
    struct buf *to;
    const struct metric *metric; /* the family that is being written */
};

const char *metric_type_word(enum metric_type type);

/* HELP and TYPE; the samples follow, each with as many values as the family has labels (the rest is
 * not looked at). */
void metric_begin(struct metric_writer *w, const struct metric *metric);
void metric_count(struct metric_writer *w, int64_t value, const char *first, const char *second);
/* A time or a length of time, told in seconds. */
void metric_seconds(struct metric_writer *w, int64_t value_ns, const char *first,
                    const char *second);
