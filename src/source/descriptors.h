/* descriptors — keeps the open segments within the process's budget of descriptors: when it is
 * reached, some that nobody uses are closed. Each can be opened again, from its pin or by Docker's
 * name for it, and is as soon as somebody reads it.
 *
 * Closed first are those that every route has read to their end, then those that a pin keeps, then
 * those that have been used least recently. Last come those that nothing but the descriptor keeps:
 * what was unread of them is lost, and booked by the routes that come to it.
 *
 * One for the process, like the limit itself. The budget may be exceeded by one a thread, since
 * making room and opening are two steps, and where all that is open is in use.
 *
 * - Owns: the list of the open segments; it runs through them.
 * - Thread: any; one mutex, under which a segment's is only tried, never waited for.
 */
#pragma once

#include "source/segment.h"

/* At most so many segments open; 0: no limit, as it is before the first call. */
void descriptors_limit(size_t max);

/* open(2) within the budget: makes room first. 0 or -errno. */
int descriptors_open(const char *path, int *ret_fd) MUST_CHECK;

/* Closes some where the system has refused a descriptor all the same (-EMFILE, -ENFILE): what
 * failed should be tried again. From then on the budget is what is left. False for other errors,
 * and where there is none to close. */
bool descriptors_relieve(int error);

/* For the segment alone, under its lock: its descriptor was opened, is about to be closed. Counted
 * as RESOURCE_SEGMENT here and nowhere else. */
void descriptors_add(struct segment *s);
void descriptors_remove(struct segment *s);
/* Grows with every use of any segment. */
uint64_t descriptors_stamp(void);
