/* replay — reads the chunks of open lines again, from the place that the cursor names, so that the
 * join holds their text once more.
 *
 * A part of follow.h, called by it alone.
 */
#pragma once

#include "source/follow.h"

/* 0, -errno or FOLLOW_AGAIN. Where chunks are gone (their segment was given up, or emptied in
 * place), GAP_OPEN_LINE is booked: what stood before them is an entry, ENTRY_PARTIAL, and what
 * comes behind them later is ENTRY_CONTINUED. */
int replay_open_lines(struct follow *f, struct follow_tools *t, struct batch *batch);
