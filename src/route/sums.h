/* sums — what a route has done since it was opened, as far as its commits vouch for it.
 *
 * What a pull adds counts only with the commit that makes it durable; what is voided, and done
 * again, is counted once. So the sums of all routes and the ledgers' tallies tell the same story.
 *
 * - Thread: one; its owner copies it for others.
 */
#pragma once

#include "model/entry.h"
#include "model/gap.h"
#include "model/tally.h"

struct route_sums {
    struct tally tally;
    uint64_t gaps[GAP_REASON_COUNT];
    uint64_t gap_bytes[GAP_REASON_COUNT]; /* where anybody can know */
    uint64_t commits;
    uint64_t failures; /* each voided what was done since the commit before it */
};

/* A batch that was encoded whole, into whichever tally. */
void tally_add_batch(struct tally *t, const struct batch *b);

void route_sums_add_gap(struct route_sums *s, const struct gap *gap);
void route_sums_add_batch(struct route_sums *s, const struct batch *b);
/* All of `from` goes into `to`; nothing is left of it. */
void route_sums_move(struct route_sums *to, struct route_sums *from);
