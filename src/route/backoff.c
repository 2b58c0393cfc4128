// SPDX-License-Identifier: Apache-2.0
#include "route/backoff.h"

#include "route/route.h"

void backoff_fail(struct backoff *b, int64_t now_ns, int64_t at_least_ns)
{
    int64_t wait = b->wait_ns ? 2 * b->wait_ns : ROUTE_BACKOFF_MIN_NS;
    b->wait_ns = wait < ROUTE_BACKOFF_MAX_NS ? wait : ROUTE_BACKOFF_MAX_NS;
    int64_t jitter = b->wait_ns / 4;
    int64_t jittered = b->wait_ns - jitter + now_ns % (2 * jitter);
    b->until_ns = now_ns + (jittered > at_least_ns ? jittered : at_least_ns);
}
