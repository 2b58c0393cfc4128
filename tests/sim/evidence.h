/* evidence — what tallyman has committed of one container: the lines in its output up to the length
 * that the ledger vouches for, its gaps and its tally.
 *
 * - Owns: everything in it.
 * - Source of the output's format: sink/encode_ndjson.h; one file per container and name, called
 *   <short id>.log.
 */
#pragma once

#include "base/error.h"
#include "model/entry.h"
#include "model/tally.h"

#include <stdbool.h>
#include <stdint.h>

struct delivered {
    int64_t time_ns;
    unsigned stream;
    bool named;
    unsigned name; /* the number in it */
    unsigned flags;
    char *message;
};

struct evidence {
    bool attached;          /* the ledger has the source */
    int64_t route_since_ns; /* the route's first attach */
    struct delivered *items;
    size_t count;
    struct gap *gaps;
    size_t gap_count;
    struct tally tally;
};

int evidence_gather(struct evidence *ret, const char *ledger, const char *id, struct error *error)
    MUST_CHECK;
void evidence_deinit(struct evidence *e);
static inline void evidence_deinit_cleanup(struct evidence *e)
{
    evidence_deinit(e);
}
