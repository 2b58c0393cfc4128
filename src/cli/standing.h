/* standing — how far a route stands in each source, as its ledger has it: read beside a running
 * daemon, or without one.
 *
 * - Owns: everything in it; borrows the route's configuration.
 * - Thread: one.
 */
#pragma once

#include "agent/config.h"
#include "ledger/ledger.h"

struct standing_source {
    char *id;
    struct cursor cursor;
    struct tally tally;
    struct gap *gaps; /* oldest first; those that the ledger still has */
    size_t gap_count;
};

struct standing {
    const struct route_config *route;
    struct standing_source *sources; /* by id */
    size_t count, capacity;
};

/* 0 also where there is no ledger yet; -errno with words. Deinit it in any case. */
int standing_read(struct standing *ret, const char *state, const struct route_config *route,
                  struct error *error) MUST_CHECK;
void standing_deinit(struct standing *s);

/* NULL where the route has never seen that source. */
const struct standing_source *standing_find(const struct standing *s, const char *id);

/* The lowest serial that the cursor still needs; 0: all there are. */
uint64_t standing_needs(const struct cursor *c);
