/* crossing — how a follow comes from one segment of the chain into the next: over holes, empty
 * rotations and torn tails, each booked in the pull in which the cursor passes it.
 *
 * A part of follow.h, called by it alone; same thread, same outcomes.
 */
#pragma once

#include "source/follow.h"

/* Books a gap between the cursor's last record and what comes next. A chunk of an open line may be
 * among what is missing: such a line is cut, so that its two ends are not joined as if they met. */
void crossing_book(struct follow *f, struct follow_tools *t, struct batch *batch,
                   enum gap_reason reason, uint64_t serial, uint64_t offset, int64_t bytes);

/* The follow has no segment: finds it by the cursor. */
int crossing_place(struct follow *f, struct follow_tools *t, struct batch *batch);

/* The segment has no whole record beyond the cursor, as `end` (of READER_END) tells. */
int crossing_end(struct follow *f, struct follow_tools *t, struct batch *batch,
                 const struct reader_result *end);

/* The segment cannot be read any more. */
int crossing_gone(struct follow *f, struct follow_tools *t, struct batch *batch);

/* The cursor stands in an era that the route does not want: on to the next one. */
int crossing_skip_era(struct follow *f, struct follow_tools *t, size_t era, struct batch *batch);
