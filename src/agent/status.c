// SPDX-License-Identifier: Apache-2.0
#include "agent/status.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "base/beat.h"

struct status {
    struct status_options options;
    int64_t started_ns; /* wall clock */
    int ask_fd;

    pthread_mutex_t lock;
    pthread_cond_t told;
    int64_t asked_ns; /* monotonic: since when nobody has answered; 0: all is answered */
    struct monitor_status monitor;
    struct route *const *routes;
    size_t route_count;

    atomic_uint_fast64_t answers[STATUS_ANSWER_COUNT];
};

struct status *status_free(struct status *s)
{
    if (!s)
        return NULL;
    if (s->ask_fd >= 0)
        resource_closed(RESOURCE_BASE);
    close_fd(s->ask_fd);
    pthread_cond_destroy(&s->told);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return NULL;
}

int status_new(struct status **ret, const struct status_options *options, struct error *error)
{
    CLEANUP(status_free) struct status *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(error, -ENOMEM, "no memory");
    s->options = *options;
    s->started_ns = clock_now_ns();
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&s->told, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&s->lock, NULL);
    s->ask_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->ask_fd < 0)
        return error_set(error, -errno, "eventfd: %s", strerror(errno));
    resource_opened(RESOURCE_BASE);
    *ret = TAKE(s);
    return 0;
}

int status_fd(const struct status *s)
{
    return s->ask_fd;
}

void status_tell(struct status *s, const struct monitor *m)
{
    struct monitor_status now;
    uint64_t count;
    (void)!read(s->ask_fd, &count, sizeof(count));
    monitor_status(m, &now);
    pthread_mutex_lock(&s->lock);
    s->monitor = now;
    s->asked_ns = 0;
    pthread_cond_broadcast(&s->told);
    pthread_mutex_unlock(&s->lock);
}

void status_set_routes(struct status *s, struct route *const *routes, size_t count)
{
    pthread_mutex_lock(&s->lock);
    s->routes = routes;
    s->route_count = count;
    pthread_mutex_unlock(&s->lock);
}

/* Called with the lock held, which is given up while waiting. One that has been asked before and
 * has not answered is not waited for again. */
static void ask_locked(struct status *s)
{
    uint64_t one = 1;
    if (s->asked_ns)
        return;
    int64_t now = clock_monotonic_ns(), end = now + STATUS_WAIT_MS * NS_PER_MS;
    struct timespec until = {end / NS_PER_SECOND, end % NS_PER_SECOND};
    s->asked_ns = now;
    (void)!write(s->ask_fd, &one, sizeof(one));
    while (s->asked_ns && pthread_cond_timedwait(&s->told, &s->lock, &until) == 0)
        ;
}

static bool ready_locked(const struct status *s)
{
    return s->routes && s->monitor.discovered;
}

static void alive_locked(const struct status *s, char stuck[STATUS_NAME_SIZE])
{
    stuck[0] = '\0';
    if (s->asked_ns && clock_monotonic_ns() - s->asked_ns > BEAT_STUCK_NS)
        snprintf(stuck, STATUS_NAME_SIZE, "monitor");
    for (size_t i = 0; !stuck[0] && i < s->route_count; i++)
        if (route_is_stuck(s->routes[i]))
            snprintf(stuck, STATUS_NAME_SIZE, "route %s", route_name(s->routes[i]));
}

void status_ask_alive(struct status *s, char stuck[STATUS_NAME_SIZE])
{
    pthread_mutex_lock(&s->lock);
    ask_locked(s);
    alive_locked(s, stuck);
    pthread_mutex_unlock(&s->lock);
}

bool status_ask_ready(struct status *s)
{
    pthread_mutex_lock(&s->lock);
    ask_locked(s);
    bool ready = ready_locked(s);
    pthread_mutex_unlock(&s->lock);
    return ready;
}

struct route *status_route(struct status *s, struct span name)
{
    struct route *found = NULL;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->route_count; i++)
        if (span_equal(span_of(route_name(s->routes[i])), name))
            found = s->routes[i];
    pthread_mutex_unlock(&s->lock);
    return found;
}

void status_count_answer(struct status *s, enum status_answer answer)
{
    atomic_fetch_add_explicit(&s->answers[answer], 1, memory_order_relaxed);
}

int status_answer_code(enum status_answer answer)
{
    static const int codes[] = {
#define X(code) [STATUS_ANSWER_##code] = (code),
        STATUS_ANSWERS(X)
#undef X
    };
    return codes[answer];
}

/* A route that waits is a trouble like any other. */
static void add_waiting(struct status_report *r, const struct status_route *route)
{
    struct health_trouble *t = &r->degraded[r->degraded_count];
    if (route->is.failing_since_ns == 0)
        return;
    *t = (struct health_trouble){.code = "route.waiting", .since_ns = route->is.failing_since_ns};
    snprintf(t->subject, sizeof(t->subject), "%s", route->name);
    snprintf(t->reason, sizeof(t->reason), "%s", route->is.reason);
    r->degraded_count++;
}

static void take_troubles(struct status *s, struct status_report *r)
{
    size_t all = health_troubles(s->options.health, r->degraded, HEALTH_TROUBLES_MAX);
    r->degraded_count = all < HEALTH_TROUBLES_MAX ? all : HEALTH_TROUBLES_MAX;
    while (r->degraded_count && !r->degraded[r->degraded_count - 1].code[0])
        r->degraded_count--;
    r->degraded_untold = all - r->degraded_count;
    for (size_t i = 0; i < r->route_count; i++)
        add_waiting(r, &r->routes[i]);
}

/* Without the lock: the monitor waits for it. The routes outlive those who ask. */
static void ask_routes(struct status *s)
{
    bool asked[ROUTES_MAX];
    pthread_mutex_lock(&s->lock);
    struct route *const *routes = s->routes;
    size_t count = s->route_count;
    pthread_mutex_unlock(&s->lock);
    int64_t until_ns = clock_monotonic_ns() + STATUS_WAIT_MS * NS_PER_MS;
    for (size_t i = 0; i < count; i++)
        asked[i] = route_ask_backlog(routes[i]);
    for (size_t i = 0; i < count; i++)
        if (asked[i])
            route_wait_backlog(routes[i], until_ns);
}

static void take_parts(struct status *s, struct status_report *r)
{
    pthread_mutex_lock(&s->lock);
    ask_locked(s);
    r->ready = ready_locked(s);
    alive_locked(s, r->stuck);
    r->monitor = s->monitor;
    r->route_count = s->route_count;
    for (size_t i = 0; i < s->route_count; i++) {
        struct route *route = s->routes[i];
        r->routes[i].name = route_name(route);
        r->routes[i].sink = route_sink_type(route);
        route_status(route, &r->routes[i].is);
    }
    pthread_mutex_unlock(&s->lock);
}

static int64_t ns_of(const struct timeval *t)
{
    return t->tv_sec * NS_PER_SECOND + t->tv_usec * NS_PER_US;
}

static int take_process(struct status *s, struct status_report *r)
{
    struct rusage usage = {0};
    struct rlimit limit = {0};
    getrusage(RUSAGE_SELF, &usage);
    getrlimit(RLIMIT_NOFILE, &limit);
    r->cpu_ns = ns_of(&usage.ru_utime) + ns_of(&usage.ru_stime);
    r->descriptors_max = limit.rlim_cur;
    int code = census_memory(r->memory, &r->virtual_bytes);
    return code == 0 ? census_balance(&r->balance, s->options.inherited) : code;
}

int status_ask(struct status *s, struct status_report *ret)
{
    *ret = (struct status_report){
        .version = s->options.version,
        .commit = s->options.commit,
        .now_ns = clock_now_ns(),
        .asked_ns = clock_monotonic_ns(),
        .started_ns = s->started_ns,
    };
    ask_routes(s);
    take_parts(s, ret);
    take_troubles(s, ret);
    for (int i = 0; i < STATUS_ANSWER_COUNT; i++)
        ret->answers[i] = atomic_load_explicit(&s->answers[i], memory_order_relaxed);
    return take_process(s, ret);
}
