/* tally — what became of the lines of one source on one route. Plain sums, never negative.
 *
 * The law (R1), asserted at every commit and at exit:
 *     lines_read  = lines_delivered + lines_filtered + lines_refused + lines_lost
 *     bytes_read  = bytes_records + bytes_blank + bytes_gap
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct tally {
    uint64_t lines_read; /* entries: joined lines, not records */
    uint64_t lines_delivered;
    uint64_t lines_filtered; /* by the user's rule */
    uint64_t lines_refused;  /* to the dead letters */
    uint64_t lines_lost;     /* decoded and then lost, with a reason in the gaps */
    uint64_t records_read;

    uint64_t bytes_read;    /* raw bytes the cursor passed */
    uint64_t bytes_records; /* of them: records */
    uint64_t bytes_blank;   /* of them: blank lines */
    uint64_t bytes_gap;     /* of them: booked as gaps inside segments */

    uint64_t bytes_skipped; /* by `start`; not part of bytes_read */
    uint64_t gaps;          /* booked */
    uint64_t gap_bytes;     /* known bytes of all gaps, holes included */
    uint64_t gaps_unknown;  /* gaps whose bytes nobody can know */
};

static inline bool tally_adds_up(const struct tally *t)
{
    return t->lines_read ==
               t->lines_delivered + t->lines_filtered + t->lines_refused + t->lines_lost &&
           t->bytes_read == t->bytes_records + t->bytes_blank + t->bytes_gap;
}
