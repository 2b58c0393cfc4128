// SPDX-License-Identifier: Apache-2.0
/* A failing sink never ends a route, and costs no line: it waits, goes back to what is committed,
 * and tries again (design §1, §7; R1, R7; S103's outages in small). */
#include "route_rig.h"

#include "route/backoff.h"
#include "sink/catalog.h"
#include "sink/file_options.h"
#include "sink/output_registry.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void begin(struct route_rig *r)
{
    route_rig_init(r, 1);
    route_rig_publish(r, 1);
    route_rig_open(r, 0);
    rig_log(&r->sources[0], 1, "1\\n");
    rig_log(&r->sources[0], 2, "2\\n");
}

static struct route_status status_of(struct route_rig *r, unsigned number)
{
    struct route_status status;
    route_status(r->routes[number], &status);
    return status;
}

static void assert_exactly_once_after(struct route_rig *r)
{
    route_rig_settle(r, 0);
    assert_delivered(r, 0, "a:1\na:2\n");
    struct tally t = route_rig_total(r, 0);
    assert_int_equal(t.lines_delivered, 2);
    struct route_status status = status_of(r, 0);
    assert_int_equal(status.failing_since_ns, 0);
    assert_memory_equal(&status.sums.tally, &t, sizeof(t)); /* R10: what was voided counts once */
    route_rig_deinit(r);
}

/* Until the sink's next flush has failed, and no later. */
static void step_until_it_fails(struct route_rig *r)
{
    unsigned left = r->sinks[0].fail_flushes;
    int64_t timeout_ns = 0;
    while (r->sinks[0].fail_flushes == left) {
        r->now_ns += timeout_ns;
        timeout_ns = route_rig_step(r, 0);
    }
}

static void failed_flush_is_tried_again(void **state)
{
    struct route_rig r;
    begin(&r);
    r.sinks[0].fail_flushes = 3;
    step_until_it_fails(&r);
    struct route_status status = status_of(&r, 0);
    assert_true(status.failing_since_ns > 0);
    assert_non_null(strstr(status.reason, "flush"));
    assert_delivered(&r, 0, "");
    assert_int_equal(status.sums.failures, 1);
    assert_int_equal(status.sums.tally.lines_read, 0);
    route_rig_settle(&r, 0);
    assert_int_equal(status_of(&r, 0).sums.failures, 3);
    assert_exactly_once_after(&r);
}

static void failed_encode_is_tried_again(void **state)
{
    struct route_rig r;
    begin(&r);
    r.sinks[0].fail_encodes = 2;
    assert_exactly_once_after(&r);
}

static void failed_bind_is_tried_again(void **state)
{
    struct route_rig r;
    begin(&r);
    r.sinks[0].fail_binds = 2;
    assert_exactly_once_after(&r);
}

static void failed_recovery_is_tried_again(void **state)
{
    struct route_rig r;
    begin(&r);
    r.sinks[0].fail_recovers = 2; /* at the start */
    assert_exactly_once_after(&r);
    begin(&r);
    r.sinks[0].fail_flushes = 1;
    step_until_it_fails(&r);
    r.sinks[0].fail_recovers = 2;
    assert_exactly_once_after(&r);
}

/* Health does not wait for a line to tell that all is well. */
static void failure_is_over_without_a_line(void **state)
{
    struct route_rig r;
    route_rig_init(&r, 1);
    route_rig_publish(&r, 1);
    r.sinks[0].fail_recovers = 2;
    route_rig_open(&r, 0);
    route_rig_step(&r, 0);
    assert_true(status_of(&r, 0).failing_since_ns > 0);
    route_rig_settle(&r, 0);
    assert_int_equal(status_of(&r, 0).failing_since_ns, 0);
    route_rig_close(&r, 0);
    route_rig_deinit(&r);
}

/* Hosts that failed at the same outage must not come back as one: their clocks differ. */
static void backoffs_of_many_hosts_are_spread(void **state)
{
    enum { HOSTS = 1000 };
    int64_t least = INT64_MAX, most = 0;
    for (int64_t i = 0; i < HOSTS; i++) {
        int64_t now_ns = i * 7919 * NS_PER_MS;
        struct backoff b = {.wait_ns = ROUTE_BACKOFF_MAX_NS / 2};
        backoff_fail(&b, 0, now_ns, 0);
        least = b.until_ns - now_ns < least ? b.until_ns - now_ns : least;
        most = b.until_ns - now_ns > most ? b.until_ns - now_ns : most;
    }
    assert_true(least >= ROUTE_BACKOFF_MAX_NS * 3 / 4 && most <= ROUTE_BACKOFF_MAX_NS * 5 / 4);
    assert_true(most - least > ROUTE_BACKOFF_MAX_NS / 4);
}

/* Routes of one host fail at the same moment, when what all of them send to is gone; and containers
 * that a sink holds up alone. */
static void backoffs_of_one_moment_are_spread(void **state)
{
    enum { ROUTES = 8 };
    for (int64_t wait_ns = ROUTE_BACKOFF_MIN_NS; wait_ns < ROUTE_BACKOFF_MAX_NS; wait_ns *= 2) {
        int64_t until_ns[ROUTES];
        for (uint32_t i = 0; i < ROUTES; i++) {
            struct backoff b = {.wait_ns = wait_ns / 2};
            backoff_fail(&b, i, NS_PER_SECOND, 0);
            until_ns[i] = b.until_ns;
            assert_true(until_ns[i] >= NS_PER_SECOND + wait_ns * 3 / 4);
            assert_true(until_ns[i] <= NS_PER_SECOND + wait_ns * 5 / 4);
            for (uint32_t other = 0; other < i; other++)
                assert_true(llabs(until_ns[i] - until_ns[other]) > wait_ns / (8 * ROUTES));
        }
    }
}

/* Exponential, jittered, unlimited, with a ceiling; from the start again once it has worked. */
static void backoff_doubles_up_to_its_maximum(void **state)
{
    struct route_rig r;
    begin(&r);
    r.sinks[0].fail_flushes = 14;
    int64_t wanted_ns = ROUTE_BACKOFF_MIN_NS;
    for (unsigned left = 14; left > 0; left--) {
        int64_t timeout_ns = 0;
        while (r.sinks[0].fail_flushes == left) {
            r.now_ns += timeout_ns;
            timeout_ns = route_rig_step(&r, 0);
        }
        assert_true(timeout_ns >= wanted_ns * 3 / 4 && timeout_ns <= wanted_ns * 5 / 4);
        route_rig_step(&r, 0); /* too early: nothing is tried */
        assert_int_equal(r.sinks[0].fail_flushes, left - 1);
        r.now_ns += timeout_ns;
        wanted_ns = wanted_ns * 2 < ROUTE_BACKOFF_MAX_NS ? wanted_ns * 2 : ROUTE_BACKOFF_MAX_NS;
    }
    assert_int_equal(wanted_ns, ROUTE_BACKOFF_MAX_NS);
    route_rig_settle(&r, 0);
    rig_log(&r.sources[0], 3, "3\\n");
    r.sinks[0].fail_flushes = 1;
    route_rig_mark_ready(&r);
    int64_t timeout_ns = 0;
    while (r.sinks[0].fail_flushes) {
        r.now_ns += timeout_ns;
        timeout_ns = route_rig_step(&r, 0);
    }
    assert_true(timeout_ns <= ROUTE_BACKOFF_MIN_NS * 5 / 4);
    route_rig_settle(&r, 0);
    assert_delivered(&r, 0, "a:1\na:2\na:3\n");
    route_rig_deinit(&r);
}

/* Backpressure: a route whose sink is down does not read. */
static void failing_route_does_not_read(void **state)
{
    struct route_rig r;
    begin(&r);
    r.sinks[0].fail_flushes = 1;
    step_until_it_fails(&r);
    unsigned encodes = r.sinks[0].encodes;
    route_rig_mark_ready(&r);
    for (int i = 0; i < 10; i++)
        assert_true(route_rig_step(&r, 0) > 0);
    assert_int_equal(r.sinks[0].encodes, encodes);
    assert_false(route_commit_now(r.routes[0]));
    assert_exactly_once_after(&r);
}

/* R9: what is booked as a gap goes into no sink, so it tells nothing of whether that works again.
 */
static void gap_alone_is_no_sign_of_health(void **state)
{
    struct route_rig r;
    begin(&r);
    route_rig_settle(&r, 0);
    r.sinks[0].fail_encodes = 1000;
    rig_sync(&r.sources[0], 0);
    rig_rotate(&r.sources[0], 1);
    rig_rotate(&r.sources[0], 1);
    rig_log(&r.sources[0], 4, "4\\n");
    rig_sync(&r.sources[0], 2);
    route_rig_mark_ready(&r);
    while (status_of(&r, 0).failing_since_ns == 0)
        r.now_ns += route_rig_step(&r, 0);
    while (!route_commit_now(r.routes[0]) && route_rig_total(&r, 0).gaps == 0)
        r.now_ns += route_rig_step(&r, 0);
    assert_booked(&r, 0, "rotated ?\n");
    assert_int_not_equal(status_of(&r, 0).failing_since_ns, 0);
    assert_false(route_commit_now(r.routes[0]));
    route_rig_deinit(&r);
}

static void sink_that_wants_a_commit_first_gets_it(void **state)
{
    struct route_rig r;
    begin(&r);
    r.sinks[0].commit_first = 1;
    unsigned flushes = r.sinks[0].flushes;
    route_rig_step(&r, 0);
    assert_true(r.sinks[0].flushes > flushes);
    assert_int_equal(r.sinks[0].encodes, 1);
    assert_exactly_once_after(&r);
}

static void commit_that_comes_first_may_fail(void **state)
{
    struct route_rig r;
    begin(&r);
    r.sinks[0].commit_first = 1;
    r.sinks[0].fail_flushes = 1;
    assert_exactly_once_after(&r);
}

/* Gaps of what is void are booked once all the same: with the commit that stands. */
static void gaps_are_booked_once_through_failures(void **state)
{
    struct route_rig r;
    begin(&r);
    rig_write_text(&r.sources[0], "", "garbage\n");
    rig_log(&r.sources[0], 3, "3\\n");
    r.sinks[0].fail_flushes = 3;
    route_rig_settle(&r, 0);
    assert_delivered(&r, 0, "a:1\na:2\na:3\n");
    assert_booked(&r, 0, "malformed 8\n");
    route_rig_deinit(&r);
}

/* A kill at any point re-reads from the last committed cursor: never less than once. */
static void crash_reads_again_from_what_is_committed(void **state)
{
    struct route_rig r;
    route_rig_init(&r, 1);
    r.options[0].batch_age_ns = NS_PER_SECOND;
    route_rig_publish(&r, 1);
    route_rig_open(&r, 0);
    rig_log(&r.sources[0], 1, "1\\n");
    route_rig_settle(&r, 0);
    rig_log(&r.sources[0], 2, "2\\n");
    route_rig_mark_ready(&r);
    while (r.sinks[0].pending.size == 0)
        route_rig_step(&r, 0);
    route_rig_close(&r, 0);
    route_rig_open(&r, 0);
    route_rig_settle(&r, 0);
    assert_delivered(&r, 0, "a:1\na:2\n");
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 2);
    route_rig_deinit(&r);
}

/* R7: a retry to one sink never repeats to another; nobody waits for the one that is down. */
static void r7_failing_route_leaves_the_other_alone(void **state)
{
    struct route_rig r;
    begin(&r);
    route_rig_open(&r, 1);
    r.sinks[0].fail_flushes = 5;
    for (int i = 0; i < 3; i++)
        r.now_ns += route_rig_step(&r, 0);
    route_rig_settle(&r, 1);
    assert_delivered(&r, 1, "a:1\na:2\n");
    assert_delivered(&r, 0, "");
    assert_int_equal(slot_needed(r.sources[0].slot), 0); /* the one that is down needs it all */
    assert_int_equal(status_of(&r, 1).failing_since_ns, 0);
    route_rig_settle(&r, 0);
    assert_delivered(&r, 0, "a:1\na:2\n");
    route_rig_mark_ready(&r);
    route_rig_settle(&r, 1);
    assert_delivered(&r, 1, "");
    assert_int_equal(slot_needed(r.sources[0].slot), 1);
    route_rig_deinit(&r);
}

static void mount_small(const char *path)
{
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    assert_int_equal(mount("none", path, "tmpfs", 0, "size=16k"), 0);
}

/* The real file sink on a disk that fills up and is made larger: exactly once. */
static void file_sink_survives_a_full_disk(void **state)
{
    struct route_rig r;
    char directory[RIG_PATH_MAX], path[2 * RIG_PATH_MAX];
    if (unshare(CLONE_NEWNS) < 0)
        skip();
    route_rig_init(&r, 1);
    snprintf(directory, sizeof(directory), "%.300s/full", r.sources[0].root);
    snprintf(path, sizeof(path), "%s/out", directory);
    mount_small(directory);
    assert_int_equal(output_registry_new(&r.environment.registry), 0);
    r.environment.outputs_open_max = 8;
    const struct file_options options = {.path = path, .lines.format = SINK_RAW};
    r.options[0].sink = (struct sink_config){&file_sink, &options};

    struct buf expected = BUF_INIT(RIG_TEXT_MAX);
    for (int i = 0; i < 3000; i++) {
        char log[32];
        snprintf(log, sizeof(log), "line %d\\n", i);
        rig_log(&r.sources[0], i, log);
        buf_append_format(&expected, "line %d\n", i);
    }
    route_rig_publish(&r, 1);
    route_rig_open(&r, 0);
    for (int i = 0; i < 20; i++)
        r.now_ns += route_rig_step(&r, 0);
    assert_true(status_of(&r, 0).failing_since_ns > 0);
    assert_int_equal(mount("none", directory, "tmpfs", MS_REMOUNT, "size=1m"), 0);
    route_rig_settle(&r, 0);
    assert_int_equal(status_of(&r, 0).failing_since_ns, 0);
    struct span out = rig_read_file(path);
    assert_text_equal(out, buf_span(&expected));
    free((char *)out.data);
    buf_deinit(&expected);

    route_rig_close(&r, 0);
    output_registry_free(r.environment.registry);
    assert_int_equal(umount(directory), 0);
    route_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_flush_is_tried_again),
        cmocka_unit_test(failed_encode_is_tried_again),
        cmocka_unit_test(failed_bind_is_tried_again),
        cmocka_unit_test(failed_recovery_is_tried_again),
        cmocka_unit_test(failure_is_over_without_a_line),
        cmocka_unit_test(backoffs_of_many_hosts_are_spread),
        cmocka_unit_test(backoffs_of_one_moment_are_spread),
        cmocka_unit_test(backoff_doubles_up_to_its_maximum),
        cmocka_unit_test(failing_route_does_not_read),
        cmocka_unit_test(gap_alone_is_no_sign_of_health),
        cmocka_unit_test(sink_that_wants_a_commit_first_gets_it),
        cmocka_unit_test(commit_that_comes_first_may_fail),
        cmocka_unit_test(gaps_are_booked_once_through_failures),
        cmocka_unit_test(crash_reads_again_from_what_is_committed),
        cmocka_unit_test(r7_failing_route_leaves_the_other_alone),
        cmocka_unit_test(file_sink_survives_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
