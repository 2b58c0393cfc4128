/* watch — tells when a quiet file has grown: one-shot inotify watches on open files, unlinked ones
 * too.
 *
 * A route arms the watch when it has found nothing more, and looks once more; the monitor reads
 * what fired and marks the slots ready. A busy file has no watch and costs no events.
 *
 * - Owns: one inotify instance, and a table from watch to slot.
 * - Thread: watch_arm from any; watch_read from the monitor. The mutex is held for the table only.
 */
#pragma once

#include "base/error.h"
#include "source/slot.h"

struct watch;

int watch_new(struct watch **ret, struct error *error) MUST_CHECK;
struct watch *watch_free(struct watch *w);
DEFINE_CLEANUP(struct watch *, watch_free)

/* For the monitor's poll. */
int watch_fd(const struct watch *w);

/* `route` has found nothing more: the next write to this file marks the slot ready, also where the
 * segment is closed meanwhile. -errno where inotify will not (its limit). */
int watch_arm(struct watch *w, struct segment *s, struct slot *slot, unsigned route) MUST_CHECK;

/* Marks the slots whose files have grown. *ret_all: events were lost, every source must be looked
 * at. Returns how many fired, -errno. */
int watch_read(struct watch *w, bool *ret_all);

/* Forgets the watches of a slot that goes. */
void watch_forget(struct watch *w, struct slot *slot);
