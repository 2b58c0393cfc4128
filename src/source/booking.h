/* booking — the gaps of one decode: what is no record, between which records it stands.
 *
 * Neighbours of one reason are one gap. A gap learns the time of the record after it when that one
 * is met in the same decode.
 */
#pragma once

#include "model/entry.h"

struct booking {
    struct batch *batch;
    uint64_t serial;
    int64_t last_ns;    /* of the record before; GAP_TIME_UNKNOWN: none */
    size_t gaps_before; /* of the batch: what is booked from here on is this decode's */
    size_t gaps_closed; /* gaps from here on do not know yet which record follows them */
};

static inline struct booking booking_begin(struct batch *batch, uint64_t serial, int64_t after_ns)
{
    return (struct booking){.batch = batch,
                            .serial = serial,
                            .last_ns = after_ns,
                            .gaps_before = batch->gap_count,
                            .gaps_closed = batch->gap_count};
}

/* How many NULs damage begins with. */
static inline size_t booking_nul_run(struct span s)
{
    size_t run = 0;
    while (run < s.size && s.data[run] == 0)
        run++;
    return run;
}

/* The caller has seen that there is room. */
static inline void booking_add(struct booking *k, enum gap_reason reason, uint64_t offset,
                               size_t bytes)
{
    if (bytes == 0)
        return;
    struct batch *b = k->batch;
    struct gap *last = b->gap_count > k->gaps_before ? &b->gaps[b->gap_count - 1] : NULL;
    if (last && last->reason == reason && last->offset + (uint64_t)last->bytes == offset) {
        last->bytes += (int64_t)bytes;
        return;
    }
    batch_add_gap(b, (struct gap){.reason = reason,
                                  .serial = k->serial,
                                  .offset = offset,
                                  .bytes = (int64_t)bytes,
                                  .after_ns = k->last_ns,
                                  .before_ns = GAP_TIME_UNKNOWN});
}

/* A record of this time follows: whatever gap was waiting for one ends here. */
static inline void booking_close(struct booking *k, int64_t time_ns)
{
    for (; k->gaps_closed < k->batch->gap_count; k->gaps_closed++)
        k->batch->gaps[k->gaps_closed].before_ns = time_ns;
}
