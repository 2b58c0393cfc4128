// SPDX-License-Identifier: Apache-2.0
#include "base/metric.h"

#include <inttypes.h>

#include "base/clock.h"

const char *metric_type_word(enum metric_type type)
{
    return type == METRIC_COUNTER ? "counter" : "gauge";
}

void metric_begin(struct metric_writer *w, const struct metric *metric)
{
    w->metric = metric;
    buf_append_format(w->to, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
                      metric->name, metric_type_word(metric->type));
}

static void put_value(struct buf *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n') {
            buf_append(to, SPAN("\\n"));
            continue;
        }
        if (*text == '"' || *text == '\\')
            buf_append_char(to, '\\');
        buf_append_char(to, *text);
    }
}

/* The name and its labels: all but the value. */
static void put_series(struct metric_writer *w, const char *first, const char *second)
{
    const char *values[METRIC_LABELS_MAX] = {first, second};
    buf_append(w->to, span_of(w->metric->name));
    for (size_t i = 0; i < METRIC_LABELS_MAX && w->metric->labels[i]; i++) {
        buf_append_format(w->to, "%s%s=\"", i ? "," : "{", w->metric->labels[i]);
        put_value(w->to, values[i]);
        buf_append_char(w->to, '"');
    }
    if (w->metric->labels[0])
        buf_append_char(w->to, '}');
}

void metric_count(struct metric_writer *w, int64_t value, const char *first, const char *second)
{
    put_series(w, first, second);
    buf_append_format(w->to, " %" PRId64 "\n", value);
}

void metric_seconds(struct metric_writer *w, int64_t value_ns, const char *first,
                    const char *second)
{
    put_series(w, first, second);
    buf_append_format(w->to, " %" PRId64 ".%09" PRId64 "\n", value_ns / NS_PER_SECOND,
                      value_ns % NS_PER_SECOND);
}
