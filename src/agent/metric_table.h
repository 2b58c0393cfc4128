/* metric_table — every metric of the program, once.
 *
 * /metrics and docs/metrics.md are made from this table: a metric that is not in it does not exist.
 * Names, types and labels are stable, as people alert on them.
 */
#pragma once

#include "agent/status.h"
#include "base/metric.h"

#include <stdio.h>

struct metric_row {
    struct metric metric;
    void (*write)(struct metric_writer *w, const struct status_report *r);
};

extern const struct metric_row metric_rows[];
extern const size_t metric_row_count;

/* All of them, as Prometheus reads them. */
void metric_table_write(const struct status_report *report, struct buf *to);
/* docs/metrics.md. */
void metric_table_document(FILE *to);
