// SPDX-License-Identifier: Apache-2.0
#include "model/entry.h"

#include <errno.h>

/* Room for what one pull may unescape and then join once more, or escape, six characters a byte;
 * and for the lines that were open when it began. Only what is used of it is ever touched. */
enum {
    BATCH_ARENA_BYTES = 6 * (READ_QUANTUM_BYTES + RECORD_BYTES_MAX) +
                        STREAM_COUNT * (JOINED_TEXT_MAX + RECORD_BYTES_MAX),
};
_Static_assert(sizeof(struct entry) == 64, "a cache line");

int batch_init(struct batch *b, enum message_form form)
{
    *b = (struct batch){.form = form};
    b->entries = malloc((BATCH_ENTRIES_MAX + STREAM_COUNT) * sizeof(*b->entries));
    if (!b->entries || arena_init(&b->arena, BATCH_ARENA_BYTES) < 0) {
        batch_deinit(b);
        return -ENOMEM;
    }
    return 0;
}

void batch_deinit(struct batch *b)
{
    free(b->entries);
    arena_deinit(&b->arena);
    *b = (struct batch){.form = b->form};
}

void batch_reset(struct batch *b)
{
    b->container = NULL;
    b->count = 0;
    b->gap_count = 0;
    b->bytes_consumed = 0;
    b->bytes_blank = 0;
    b->bytes_gap = 0;
    b->records = 0;
    b->blank_lines = 0;
    arena_reset(&b->arena);
}

bool batch_add_gap(struct batch *b, struct gap gap)
{
    if (b->gap_count == BATCH_GAPS_MAX)
        return false;
    b->gaps[b->gap_count++] = gap;
    return true;
}
