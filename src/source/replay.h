/* replay — reads the chunks of open lines again, from the place that the cursor names, so that the
 * join holds their text once more.
 *
 * A part of follow.h, called by it alone.
 */
#pragma once

#include "source/follow.h"

/* 0, -errno or FOLLOW_AGAIN. A line whose first chunks are gone is booked as GAP_OPEN_LINE; what
 * comes of it later is ENTRY_CONTINUED. */
int replay_open_lines(struct follow *f, struct follow_tools *t, struct batch *batch);
