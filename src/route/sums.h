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
    uint64_t lines_too_old;               /* of lines_filtered: by the sink's max_age */
    uint64_t commits;
    uint64_t failures; /* each voided what was done since the commit before it */
};

void tally_add(struct tally *to, const struct tally *t);
/* A batch that was handed over whole. */
void tally_add_batch(struct tally *t, const struct batch *b);
/* Lines that were read and not handed over, by the user's rule. */
void tally_add_filtered(struct tally *t, uint64_t lines);

void route_sums_add_gap(struct route_sums *s, const struct gap *gap);
/* A gap whose bytes are in the tally already. */
void route_sums_count_reason(struct route_sums *s, const struct gap *gap);
/* All of `from` goes into `to`; nothing is left of it. */
void route_sums_move(struct route_sums *to, struct route_sums *from);
