/* polled — the quiet files that inotify does not watch for us: they are looked at every
 * POLL_PERIOD_MS, by their size. A part of watch.h.
 *
 * - Owns: a reference on the slot and the segment of each.
 * - Thread: under the watch's lock.
 */
#pragma once

#include "source/slot.h"

struct polled {
    struct polled_file {
        struct slot *slot;
        struct segment *segment;
        int64_t size; /* bytes, when it was quiet */
    } * files;
    size_t count, capacity;
};

void polled_deinit(struct polled *p);

/* Once however often it is asked for. 0 or -ENOMEM. */
int polled_add(struct polled *p, struct segment *s, struct slot *slot) MUST_CHECK;

/* Marks the slots of those that have grown ready, and of the first `anyway`; they are polled no
 * more. Returns how many. */
size_t polled_look(struct polled *p, size_t anyway);

void polled_forget(struct polled *p, const struct slot *slot);
