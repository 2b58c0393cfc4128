/* known — what was known of the sources before this start: the union of containers.db, the routes'
 * cursors and the names of the pins. Either file can be lost alone; the highest serial wins.
 *
 * - Owns: everything in it.
 * - Thread: the monitor's, before the routes run.
 */
#pragma once

#include "ledger/containers.h"
#include "route/route.h"
#include "source/chain.h"

struct known_era {
    uint64_t serial, offset;
    char *record; /* JSON text; owned */
};

struct known_source {
    char id[PIN_ID_MAX];
    char *record; /* of the container, JSON text; NULL: only cursors or pins speak of it */
    bool pinned;  /* a pin keeps something of it, or kept what is now a hole to be booked */
    bool in_book; /* containers.db has a row of it */
    uint64_t booked_serial;       /* the highest that the book has; 0: none */
    struct chain_known *segments; /* by serial */
    size_t segment_count;
    struct known_era *eras;
    size_t era_count;
};

struct known {
    struct known_source *sources; /* by id */
    size_t count, capacity;
};

int known_load(struct known *k, struct containers *book, struct pin *pins,
               struct route *const *routes, size_t route_count, struct error *error) MUST_CHECK;
void known_deinit(struct known *k);
/* NULL where nothing is known. */
const struct known_source *known_find(const struct known *k, const char *id);
