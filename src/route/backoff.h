/* backoff — how long to wait before something is tried again: ROUTE_BACKOFF_MIN_NS at first,
 * doubling up to ROUTE_BACKOFF_MAX_NS, jittered by a quarter, as often as it takes.
 *
 * The jitter comes of the clock, by which hosts differ, and of a salt: by that those of one host
 * differ, which failed at the same moment.
 *
 * All zero: nothing has failed yet.
 */
#pragma once

#include <stdint.h>

struct backoff {
    int64_t until_ns; /* monotonic: before that nothing is tried; 0: at once */
    int64_t wait_ns;  /* of the last failure, without its jitter; 0: there was none */
};

/* It failed: waits, and at least as long as the other side asked for. */
void backoff_fail(struct backoff *b, uint32_t salt, int64_t now_ns, int64_t at_least_ns);
