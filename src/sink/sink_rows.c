// SPDX-License-Identifier: Apache-2.0
#include "sink/sink.h"

#include <errno.h>

enum { ROWS_CAPACITY_MIN = 16 };

int sink_rows_add(struct sink_rows *rows, struct sink_row row)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? 2 * rows->capacity : ROWS_CAPACITY_MIN;
        struct sink_row *items = reallocarray(rows->items, capacity, sizeof(*items));
        if (!items)
            return -ENOMEM;
        rows->items = items;
        rows->capacity = capacity;
    }
    rows->items[rows->count++] = row;
    return 0;
}

void sink_rows_deinit(struct sink_rows *rows)
{
    free(rows->items);
    *rows = (struct sink_rows){0};
}
