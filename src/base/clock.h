/* clock — the two clocks, in nanoseconds. Times in this program are int64_t ns since 1970, UTC. */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_US     INT64_C(1000)

static inline int64_t clock_of(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* Wall clock: for stamps. */
static inline int64_t clock_now_ns(void)
{
    return clock_of(CLOCK_REALTIME);
}

/* Never steps back: for deadlines and intervals. */
static inline int64_t clock_monotonic_ns(void)
{
    return clock_of(CLOCK_MONOTONIC);
}
