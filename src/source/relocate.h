/* relocate — what stands before the cursor is not what was read there: finds out why, and where to
 * go on.
 *
 *   the head changed, or the file is empty → the segment is over (the monitor is told, and closes
 *                                            its serial as cut);
 *   same head, shorter than the cursor     → the tail was cut: on before the first record that is
 *                                            later (written since), else after the last whole one;
 *   same head, other bytes                 → on behind the last record we consumed, if it stands
 *                                            elsewhere, else before the first that is later.
 *
 * And for a file that was replaced by a copy of it, however edited (chain.h): the one before is
 * read to its end, and the copy behind the last record that was consumed there, if it has it, else
 * before the first that is later.
 *
 * A part of follow.h, called by it alone.
 */
#pragma once

#include "source/follow.h"

/* Nothing of the segment has been read yet: does still stand at its head what was found there? 0,
 * or an outcome where it does not: what it held is over, and nobody has read it. */
int relocate_head(struct follow *f, struct follow_tools *t);

int relocate(struct follow *f, struct follow_tools *t, struct batch *batch);

/* Where in a copy that nothing was read of yet what is new begins; 0 where it cannot be read now.
 */
uint64_t relocate_in_copy(const struct cursor *c, struct follow_tools *t, struct segment *copy);
