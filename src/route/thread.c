// SPDX-License-Identifier: Apache-2.0
#include <poll.h>

#include "base/resource.h"
#include "route/route_private.h"

enum { FDS_MAX = 2 + 2 * REQUESTS_MAX /* our own, and a sink's */ };

static void wait_for(struct route *r, int64_t timeout_ns)
{
    struct pollfd fds[FDS_MAX] = {{.fd = r->wake_fd, .events = POLLIN},
                                  {.fd = route_may_pull(r) ? turn_fd(r) : -1, .events = POLLIN}};
    size_t count = 2;
    if (r->requests.ops && !r->failing) /* else nobody would let it go on */
        count += r->requests.ops->wait(r->sink, fds + count, FDS_MAX - count, &timeout_ns);
    struct timespec timeout = {timeout_ns / NS_PER_SECOND, timeout_ns % NS_PER_SECOND};
    ppoll(fds, count, timeout_ns == INT64_MAX ? NULL : &timeout, NULL);
    uint64_t woken;
    if (fds[0].revents & POLLIN)
        (void)!read(r->wake_fd, &woken, sizeof(woken));
}

/* It shall stop: what was handed over is sent, and answers are waited for. But a sink that is not
 * reached is not, nor one that holds up a container alone. */
static bool has_to_deliver(const struct route *r, int64_t now_ns)
{
    if (!r->requests.ops || r->failing || r->requests.waiting)
        return false;
    for (size_t i = 0; i < r->requests.count; i++) {
        const struct route_request *q = r->requests.items[i];
        if (q->state != REQUEST_READY || q->backoff.until_ns <= now_ns)
            return true;
    }
    return route_is_dirty(r);
}

static void *run(void *context)
{
    struct route *r = context;
    int64_t end_ns = INT64_MAX, now_ns = clock_monotonic_ns();
    while (!atomic_load(&r->done)) {
        if (atomic_load(&r->stopping)) {
            end_ns = end_ns == INT64_MAX ? now_ns + ROUTE_STOP_NS : end_ns;
            if (!has_to_deliver(r, now_ns) || now_ns >= end_ns)
                break;
        }
        int64_t timeout_ns;
        beat_mark(&r->beat, BEAT_WORKING);
        route_step(r, now_ns, &timeout_ns);
        beat_mark(&r->beat, BEAT_WAITING);
        now_ns = clock_monotonic_ns();
        if (timeout_ns > 0 && (!atomic_load(&r->stopping) || has_to_deliver(r, now_ns)))
            wait_for(r, timeout_ns < end_ns - now_ns ? timeout_ns : end_ns - now_ns);
        now_ns = clock_monotonic_ns();
    }
    if (!route_commit_now(r))
        route_leave_undelivered(r);
    commit_end(r);
    beat_mark(&r->beat, BEAT_WAITING);
    return NULL;
}

int route_start(struct route *r, struct error *error)
{
    int code = pthread_create(&r->thread, NULL, run, r);
    if (code)
        return error_set(error, -code, "route %s: cannot start its thread: %s", r->options.name,
                         strerror(code));
    char name[16];
    snprintf(name, sizeof(name), "route-%.9s", r->options.name);
    pthread_setname_np(r->thread, name);
    r->started = true;
    resource_thread_started();
    return 0;
}

void route_wake(struct route *r)
{
    route_signal(r->wake_fd);
}

void route_stop(struct route *r)
{
    atomic_store(&r->stopping, true);
    route_signal(r->wake_fd);
}

void route_join(struct route *r)
{
    if (!r->started)
        return;
    pthread_join(r->thread, NULL);
    resource_thread_joined();
    r->started = false;
}
