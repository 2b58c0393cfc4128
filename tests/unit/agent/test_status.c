// SPDX-License-Identifier: Apache-2.0
/* R9: alive, ready and degraded are three questions, and a monitor that hangs fails the first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>

#include "agent/status.h"
#include "base/beat.h"
#include "sanitizer.h"

/* The test's own clock, and a monitor that says what it is told to. */
static atomic_int_fast64_t later_ns;
static struct monitor_status said;

int __real_clock_gettime(clockid_t id, struct timespec *to);
int __wrap_clock_gettime(clockid_t id, struct timespec *to);
int __wrap_clock_gettime(clockid_t id, struct timespec *to)
{
    int r = __real_clock_gettime(id, to);
    to->tv_sec += atomic_load(&later_ns) / NS_PER_SECOND;
    return r;
}

void __wrap_monitor_status(const struct monitor *m, struct monitor_status *ret);
void __wrap_monitor_status(const struct monitor *m, struct monitor_status *ret)
{
    *ret = said;
}

struct rig {
    struct census inherited;
    struct health *health;
    struct status *status;
    struct status_report report;
};

static void rig_init(struct rig *r)
{
    struct error error = {""};
    atomic_store(&later_ns, 0);
    said = (struct monitor_status){0};
    assert_int_equal(census_take(&r->inherited), 0);
    assert_int_equal(health_new(&r->health), 0);
    const struct status_options options = {"1", "c", r->health, &r->inherited};
    assert_int_equal(status_new(&r->status, &options, &error), 0);
}

static void rig_deinit(struct rig *r)
{
    status_free(r->status);
    health_free(r->health);
}

static bool is_asked(const struct rig *r)
{
    struct pollfd fd = {.fd = status_fd(r->status), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void a_monitor_that_never_answers_is_stuck_R9(void **state)
{
    char stuck[STATUS_NAME_SIZE];
    struct rig r;
    rig_init(&r);
    status_ask_alive(r.status, stuck);
    assert_string_equal(stuck, "");
    assert_true(is_asked(&r));
    atomic_store(&later_ns, BEAT_STUCK_NS + NS_PER_SECOND);
    status_ask_alive(r.status, stuck);
    assert_string_equal(stuck, "monitor");

    atomic_store(&later_ns, 0);
    status_tell(r.status, NULL);
    assert_false(is_asked(&r));
    status_ask_alive(r.status, stuck);
    assert_string_equal(stuck, "");
    rig_deinit(&r);
}

static void nobody_is_woken_who_is_not_asked(void **state)
{
    struct rig r;
    rig_init(&r);
    assert_false(is_asked(&r));
    status_tell(r.status, NULL);
    assert_false(is_asked(&r));
    rig_deinit(&r);
}

static void it_is_ready_once_all_is_looked_for_and_the_routes_run_R9(void **state)
{
    static struct route *const none[1];
    struct rig r;
    rig_init(&r);
    assert_false(status_ask_ready(r.status));
    status_tell(r.status, NULL);
    status_set_routes(r.status, none, 0);
    assert_false(status_ask_ready(r.status));
    said.discovered = true;
    status_tell(r.status, NULL);
    assert_true(status_ask_ready(r.status));
    rig_deinit(&r);
}

static void troubles_do_not_make_it_dead_or_unready_R9(void **state)
{
    struct rig r;
    rig_init(&r);
    health_raise(r.health, "files.unreadable", "/x", "because");
    assert_int_equal(status_ask(r.status, &r.report), 0);
    assert_int_equal(r.report.degraded_count, 1);
    assert_string_equal(r.report.degraded[0].code, "files.unreadable");
    assert_string_equal(r.report.stuck, "");
    health_clear(r.health, "files.unreadable", "/x");
    assert_int_equal(status_ask(r.status, &r.report), 0);
    assert_int_equal(r.report.degraded_count, 0);
    rig_deinit(&r);
}

static void more_troubles_than_there_is_room_for_are_counted(void **state)
{
    struct rig r;
    char subject[32];
    rig_init(&r);
    for (int i = 0; i < HEALTH_TROUBLES_MAX + 3; i++) {
        snprintf(subject, sizeof(subject), "%d", i);
        health_raise(r.health, "x", subject, "because");
    }
    assert_int_equal(status_ask(r.status, &r.report), 0);
    assert_int_equal(r.report.degraded_count, HEALTH_TROUBLES_MAX);
    assert_int_equal(r.report.degraded_untold, 3);
    health_clear(r.health, "x", "0");
    assert_int_equal(status_ask(r.status, &r.report), 0);
    assert_int_equal(r.report.degraded_count, HEALTH_TROUBLES_MAX - 1);
    assert_int_equal(r.report.degraded_untold, 3);
    rig_deinit(&r);
}

struct answering {
    struct status *status;
    atomic_bool end;
};

static void *answer(void *context)
{
    struct answering *a = context;
    while (!atomic_load(&a->end)) {
        struct pollfd fd = {.fd = status_fd(a->status), .events = POLLIN};
        if (poll(&fd, 1, 5) == 1)
            status_tell(a->status, NULL);
    }
    return NULL;
}

static void what_is_shown_is_of_now(void **state)
{
    struct rig r;
    pthread_t thread;
    rig_init(&r);
    struct answering a = {.status = r.status};
    status_tell(r.status, NULL);
    said.containers = 7;
    assert_int_equal(pthread_create(&thread, NULL, answer, &a), 0);
    resource_thread_started();
    assert_int_equal(status_ask(r.status, &r.report), 0);
    assert_int_equal(r.report.monitor.containers, 7);
    assert_int_equal(census_balance_distance(&r.report.balance), 0);
    atomic_store(&a.end, true);
    pthread_join(thread, NULL);
    resource_thread_joined();
    rig_deinit(&r);
}

int main(void)
{
    start_sanitizer();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_monitor_that_never_answers_is_stuck_R9),
        cmocka_unit_test(nobody_is_woken_who_is_not_asked),
        cmocka_unit_test(it_is_ready_once_all_is_looked_for_and_the_routes_run_R9),
        cmocka_unit_test(troubles_do_not_make_it_dead_or_unready_R9),
        cmocka_unit_test(more_troubles_than_there_is_room_for_are_counted),
        cmocka_unit_test(what_is_shown_is_of_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
