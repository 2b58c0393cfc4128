/* output_table — the outputs of one sink by path.
 *
 * - Owns: the outputs in it.
 * - Thread: the route's.
 */
#pragma once

#include "sink/output.h"

struct output_table {
    struct output **items; /* sorted by path */
    size_t count, capacity;
};

void output_table_deinit(struct output_table *t);

/* The output of that path, made where there is none. -ENOMEM. */
int output_table_get(struct output_table *t, struct output_shared *shared, const char *path,
                     struct output **ret) MUST_CHECK;

void output_table_remove(struct output_table *t, struct output *o);
