/* beat — whether the loop of a thread still turns, told to whoever asks.
 *
 * A thread that waits for work is well, for however long. One that works is soon through. One that
 * delivers depends on others, a disk or whoever reads our standard output: that may take any time,
 * and is not its fault.
 *
 * - Thread: marked by its own, read by any.
 */
#pragma once

#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>

enum beat_state { BEAT_WAITING, BEAT_WORKING, BEAT_DELIVERING };

/* Nothing that it does takes so long, unless it hangs. */
#define BEAT_STUCK_NS (120 * NS_PER_SECOND)

struct beat {
    atomic_int_fast64_t mark; /* monotonic ns since when, times four, plus the state */
};

static inline void beat_mark(struct beat *b, enum beat_state state)
{
    atomic_store_explicit(&b->mark, clock_monotonic_ns() * 4 + state, memory_order_relaxed);
}

static inline bool beat_is_stuck(const struct beat *b, int64_t now_ns)
{
    int64_t mark = atomic_load_explicit(&b->mark, memory_order_relaxed);
    return mark % 4 == BEAT_WORKING && now_ns - mark / 4 > BEAT_STUCK_NS;
}
