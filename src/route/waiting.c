// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "route/route_private.h"

/* A sink that refuses every other time would else fill our own log. */
#define WAITING_LOG_NS (10 * NS_PER_SECOND)

static void set_health(struct route *r, int64_t since_ns, const char *reason)
{
    pthread_mutex_lock(&r->status_lock);
    r->status.sums.failures += since_ns != 0;
    r->status.failing_since_ns = since_ns;
    r->status.next_try_ns = since_ns ? r->backoff.until_ns : 0;
    snprintf(r->status.reason, sizeof(r->status.reason), "%s", reason);
    pthread_mutex_unlock(&r->status_lock);
}

void waiting_begin(struct route *r, const char *reason, int64_t at_least_ns, int64_t now_ns)
{
    uint64_t suppressed;
    int64_t since_ns = r->status.failing_since_ns;
    backoff_fail(&r->backoff, r->options.number, now_ns, at_least_ns);
    if (!r->waiting_told && log_limit_pass(&r->waiting_log, WAITING_LOG_NS, &suppressed)) {
        r->waiting_told = true;
        log_line(LOG_WARN, "route.waiting",
                 "the route cannot deliver; it waits and tries again, nothing is lost",
                 "route=%s error=%s next_try_ms=%" PRId64 " suppressed=%" PRIu64, r->options.name,
                 LOG_QUOTE(reason), (r->backoff.until_ns - now_ns) / NS_PER_MS, suppressed);
    }
    set_health(r, since_ns ? since_ns : clock_now_ns(), reason);
}

void waiting_prolong(struct route *r, int64_t at_least_ns, int64_t now_ns)
{
    if (r->backoff.until_ns >= now_ns + at_least_ns)
        return;
    r->backoff.until_ns = now_ns + at_least_ns;
    pthread_mutex_lock(&r->status_lock);
    r->status.next_try_ns = r->backoff.until_ns;
    pthread_mutex_unlock(&r->status_lock);
}

void waiting_end(struct route *r)
{
    if (r->requests.counts.voided) /* an answer, or nothing to send, is no line that is taken */
        return;
    r->backoff = (struct backoff){0};
    if (r->status.failing_since_ns == 0)
        return;
    int64_t waited = clock_now_ns() - r->status.failing_since_ns;
    set_health(r, 0, "");
    if (r->waiting_told)
        log_line(LOG_INFO, "route.delivering", "the route delivers again",
                 "route=%s waited_ms=%" PRId64, r->options.name, waited / NS_PER_MS);
    r->waiting_told = false;
}
