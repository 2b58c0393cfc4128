// SPDX-License-Identifier: Apache-2.0
#include "route/backoff.h"

#include "route/route.h"

/* A part of `range`: by multiples of the golden ratio, so few salts are already far apart. */
static int64_t share_of(int64_t range, uint32_t salt)
{
    uint32_t fraction = salt * 0x9e3779b1u; /* of 2^32 */
    return (range * (fraction >> 16)) >> 16;
}

void backoff_fail(struct backoff *b, uint32_t salt, int64_t now_ns, int64_t at_least_ns)
{
    int64_t wait = b->wait_ns ? 2 * b->wait_ns : ROUTE_BACKOFF_MIN_NS;
    b->wait_ns = wait < ROUTE_BACKOFF_MAX_NS ? wait : ROUTE_BACKOFF_MAX_NS;
    int64_t jitter = b->wait_ns / 4, range = 2 * jitter;
    int64_t jittered = b->wait_ns - jitter + (now_ns + share_of(range, salt)) % range;
    b->until_ns = now_ns + (jittered > at_least_ns ? jittered : at_least_ns);
}
