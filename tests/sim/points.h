/* points — the places at which tallyman talks to the world: its system calls, and each step of its
 * books. Linked around them, so that a life can be stopped before any of them, for good or while
 * the world moves on.
 *
 * - Thread: one. Its state is global: linked wrappers have no other place.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The `nth` point from now on (1 is the next; 0: none) calls `reached`, which says what is the next
 * one to be stopped at, counted from there. */
void points_plan(unsigned nth, unsigned (*reached)(void *context), void *context);

/* What both clocks show from now on: the wall clock; the other one counts from the same moment. */
void points_set_clock(int64_t now_ns);

/* Hard links answer EXDEV, as between two mounts. */
void points_refuse_links(bool refuse);
