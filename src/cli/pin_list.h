/* pin_list — the pins that lie in the directory of pins, as a verb sees them: nothing is made,
 * tried or locked.
 *
 * - Owns: everything in it.
 * - Thread: one.
 */
#pragma once

#include "source/pin.h"

struct pin_entry {
    char id[PIN_ID_MAX];
    uint64_t serial;
    uint64_t bytes;
    bool only_ours; /* Docker has no name for the file any more */
};

struct pin_list {
    struct pin_entry *items; /* by id, then serial */
    size_t count;
};

/* 0 also where there is no such directory; -errno with words. */
int pin_list_read(struct pin_list *ret, const char *directory, struct error *error) MUST_CHECK;
void pin_list_deinit(struct pin_list *l);

/* Those of one container: where they begin, and how many; NULL where there are none. */
const struct pin_entry *pin_list_of(const struct pin_list *l, const char *id, size_t *ret_count);
