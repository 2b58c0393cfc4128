/* verdict — holds what tallyman has committed against the history: the lines in the output, the
 * gaps and the sums in its ledger.
 *
 * - Each line is delivered once, in order, whole and with the flags and the name it must have; or
 *   lies in a gap that was booked after the last record before it, for a reason that the history
 *   allows there. A line has no name only where the container was removed after tallyman was killed
 *   in its first look at it.
 * - Each damaged byte is booked under its reason, and nothing is booked where nothing is missing.
 * - The sums add up, and are those of the output.
 */
#pragma once

#include "base/error.h"
#include "world.h"

struct verdict_options {
    const char *ledger; /* path */
    bool all_read;      /* nothing is left to be read */
};

/* Of all containers. 0, or -EBADMSG with words. Nobody may have the ledger open. */
int verdict_reach(struct world *w, const struct verdict_options *options, struct error *error)
    MUST_CHECK;
