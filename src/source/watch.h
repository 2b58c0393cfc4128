/* watch — tells when a quiet file has grown: one-shot inotify watches on open files, unlinked ones
 * too.
 *
 * A route arms the watch when it has found nothing more, and looks once more; the monitor reads
 * what fired and marks the slots ready. A busy file has no watch and costs no events.
 *
 * Where inotify will not (its limits are reached, or the file system tells nothing), the files are
 * polled every POLL_PERIOD_MS instead, which nobody but health (`watch.polling`) notices; and
 * watched again when it will.
 *
 * - Owns: one inotify instance, and a table from watch to slot and segment, a reference on each.
 * - Thread: watch_arm from any; all else from the monitor. The mutex is held for the tables, and to
 *   look at the sizes of their files.
 */
#pragma once

#include "base/health.h"
#include "source/slot.h"

struct watch;

/* `health` is borrowed; may be NULL. 0 or -ENOMEM. */
int watch_new(struct watch **ret, struct health *health) MUST_CHECK;
struct watch *watch_free(struct watch *w);
DEFINE_CLEANUP(struct watch *, watch_free)

/* For the monitor's poll; -1 while there is none. */
int watch_fd(const struct watch *w);

/* `route` has found nothing more: the next write to this file marks the slot ready, also where the
 * segment is closed meanwhile. -errno where it cannot be opened. */
int watch_arm(struct watch *w, struct segment *s, struct slot *slot, unsigned route) MUST_CHECK;

/* Marks the slots whose files have grown. *ret_all: events were lost, every source must be looked
 * at. Returns how many fired, -errno. */
int watch_read(struct watch *w, bool *ret_all);

/* When watch_poll() is due, monotonic; INT64_MAX where nothing is polled. */
int64_t watch_due_ns(struct watch *w);
/* Looks at what is polled, where it is due. Returns how many slots were marked ready. */
size_t watch_poll(struct watch *w, int64_t now_ns);

/* Now and then: has anything grown that no event told of? True where events do not come at all, so
 * that everything is polled. *ret_all: every source must be looked at. */
bool watch_sweep(struct watch *w, bool *ret_all);

/* Forgets the watches of a slot that goes. */
void watch_forget(struct watch *w, struct slot *slot);
