// SPDX-License-Identifier: Apache-2.0
/* How it ends with requests under way: stopped, done with `once`, a ledger that fails, containers
 * that are renamed or leave, one that the server holds up alone (design §7; R1, R6, R7). */
#include "request_rig.h"

#include <string.h>

#include "../ledger/failing_vfs.h"

/* A limited stream waits alone; the others of its request are delivered and go on. */
static void r7_container_that_is_held_up_holds_up_nobody(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 3);
    rig.judge = judge_container;
    rig.judged_by = "b";
    rig.options.requests_max = 1;
    r.options[0].batch_age_ns = NS_PER_SECOND;
    for (size_t i = 0; i < 3; i++)
        request_rig_write(&r, i, 1, 2);
    route_rig_open(&r, 0);
    int64_t from_ns = r.now_ns;
    for (int i = 0; r.now_ns < from_ns + 60 * NS_PER_SECOND; i++) {
        if (i % 4 == 0 && i < 20)
            request_rig_write(&r, 0, 3 + i / 4, 1);
        int64_t timeout_ns = route_rig_step(&r, 0);
        r.now_ns += timeout_ns == INT64_MAX ? 0 : timeout_ns;
    }
    assert_int_equal(request_rig_count(&rig, "c:2"), 1);
    assert_int_equal(request_rig_count(&rig, "a:7"), 1);
    assert_int_equal(rig.lines_taken, 9);
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 9);
    struct route_status status = request_rig_status(&r);
    assert_int_equal(status.failing_since_ns, 0);
    assert_int_equal(status.requests.aside, 1);
    assert_in_range(rig.sent, 8, 20); /* it backs off */

    buf_clear(&rig.delivered);
    rig.judged_by = NULL;
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "b:1\nb:2\n");
    assert_int_equal(request_rig_status(&r).requests.aside, 0);
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 11);
    request_rig_end(&r, &rig);
}

static void step_to(struct route_rig *r, struct request_rig *rig, size_t flying)
{
    for (int i = 0; i < 100 && request_rig_flying(rig) < flying; i++)
        route_rig_go_on(r, 0);
    assert_int_equal(request_rig_flying(rig), flying);
}

static struct sink_answer limited(const struct request_rig *rig, int64_t retry_after_ns)
{
    const struct request_part *part = rig->flights[0].request->parts;
    return (struct sink_answer){
        .verdict = VERDICT_RETRY, .target = part->target, .retry_after_ns = retry_after_ns};
}

/* How long a container waits is as the sink asks; and what is delivered of it ends its backoff. */
static void a_container_aside_waits_as_it_is_told(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    rig.by_hand = true;
    request_rig_write(&r, 0, 1, 2);
    route_rig_open(&r, 0);
    step_to(&r, &rig, 1);
    request_rig_answer(&rig, 0, (struct sink_answer){.verdict = VERDICT_TOO_LARGE});
    route_rig_step(&r, 0); /* one line after the other now */
    for (int i = 0; i < 6; i++) {
        step_to(&r, &rig, 1);
        request_rig_answer(&rig, 0, limited(&rig, 60 * NS_PER_SECOND));
        int64_t before_ns = r.now_ns;
        route_rig_step(&r, 0);
        step_to(&r, &rig, 1);
        assert_true(r.now_ns - before_ns >= 60 * NS_PER_SECOND);
    }
    request_rig_answer(&rig, 0, (struct sink_answer){.verdict = VERDICT_DELIVERED});
    route_rig_step(&r, 0);
    step_to(&r, &rig, 1);
    request_rig_answer(&rig, 0, limited(&rig, 0));
    int64_t before_ns = r.now_ns;
    route_rig_step(&r, 0);
    step_to(&r, &rig, 1);
    assert_true(r.now_ns - before_ns <= 2 * ROUTE_BACKOFF_MIN_NS);
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_int_equal(rig.lines_taken, 2);
    request_rig_end(&r, &rig);
}

/* Of several that were under way, the one that asks for the longest wait is heard. */
static void the_longest_wait_counts(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    rig.by_hand = true;
    r.options[0].batch_lines_max = 1;
    request_rig_write(&r, 0, 1, 1);
    request_rig_write(&r, 1, 1, 1);
    route_rig_open(&r, 0);
    request_rig_step_until_sent(&r, &rig, 2);
    request_rig_answer(&rig, 0, (struct sink_answer){.verdict = VERDICT_RETRY});
    request_rig_answer(
        &rig, 1,
        (struct sink_answer){.verdict = VERDICT_RETRY, .retry_after_ns = 60 * NS_PER_SECOND});
    int64_t before_ns = r.now_ns;
    route_rig_step(&r, 0);
    step_to(&r, &rig, 1);
    assert_true(r.now_ns - before_ns >= 60 * NS_PER_SECOND);
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_int_equal(rig.lines_taken, 2);
    request_rig_end(&r, &rig);
}

/* More of them than may be under way: they share the slots, and nothing is lost or doubled. */
static void r1_many_held_up_containers_are_delivered_in_the_end(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 4);
    rig.judge = judge_container;
    rig.options.requests_max = 1;
    for (size_t i = 0; i < 4; i++)
        request_rig_write(&r, i, 1, 3);
    route_rig_open(&r, 0);
    for (int i = 0; i < 400; i++) {
        rig.judged_by = names[i / 7 % 4];
        route_rig_go_on(&r, 0);
    }
    rig.judged_by = NULL;
    request_rig_settle(&rig, &r);
    assert_int_equal(rig.lines_taken, 12);
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 12);
    request_rig_end(&r, &rig);
}

/* Refused lines and gaps of a request go with their source when that is put aside. */
static void r1_letters_and_gaps_go_aside_with_their_source(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    rig.by_hand = true;
    r.options[0].batch_age_ns = NS_PER_SECOND;
    for (size_t i = 0; i < 2; i++) {
        rig_write_text(&r.sources[i], "", "garbage\n");
        request_rig_write(&r, i, 1, 2);
    }
    route_rig_open(&r, 0);
    while (request_rig_flying(&rig) == 0)
        r.now_ns += route_rig_step(&r, 0) ? NS_PER_MS : 0;
    const struct sink_answer refused = {
        .verdict = VERDICT_REFUSED, .reason = "bad", .text = "HTTP 400"};
    for (int i = 0; i < 3; i++) { /* four lines, two, the first alone */
        request_rig_answer(&rig, 0, refused);
        route_rig_step(&r, 0);
    }
    assert_string_equal(flight_container(&rig.flights[0], rig.flights[0].range.first), "a");
    request_rig_answer(
        &rig, 0,
        (struct sink_answer){.verdict = VERDICT_RETRY,
                             .text = "HTTP 429",
                             .target = request_part_at(rig.flights[0].request, 1)->target});
    route_rig_step(&r, 0);
    rig.by_hand = false;
    for (int i = 0; i < 5; i++)
        route_rig_step(&r, 0);
    assert_requested(&rig, "b:1\nb:2\n");
    assert_letters(&r, "");
    assert_booked(&r, 0, "malformed 8\n");
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "a:2\n");
    assert_letters(&r, "a:1 bad\n");
    assert_booked(&r, 0, "malformed 8\nmalformed 8\n");
    struct tally t = route_rig_total(&r, 0);
    assert_int_equal(t.lines_delivered, 3);
    assert_int_equal(t.lines_refused, 1);
    assert_int_equal(t.gaps, 2);
    request_rig_end(&r, &rig);
}

/* Its earlier lines are under way with the old name when it is renamed. */
static void renamed_container_keeps_the_target_of_what_is_under_way(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    rig.by_hand = true;
    request_rig_write(&r, 0, 1, 1);
    route_rig_open(&r, 0);
    request_rig_step_until_sent(&r, &rig, 1);
    rig_rename_container(&r.sources[0], "new");
    request_rig_write(&r, 0, 2, 1);
    for (int i = 0; i < 5; i++)
        route_rig_step(&r, 0);
    assert_int_equal(rig.unbinds, 0);
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "a:1\nnew:2\n");
    assert_int_equal(rig.unbinds, 1);
    request_rig_end(&r, &rig);
}

/* One that leaves the roster with lines under way is committed all the same. */
static void r1_source_that_left_is_committed(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    rig.by_hand = true;
    request_rig_write(&r, 1, 1, 2);
    route_rig_open(&r, 0);
    request_rig_step_until_sent(&r, &rig, 1);
    route_rig_publish(&r, 1);
    route_rig_step(&r, 0);
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "b:1\nb:2\n");
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 2);
    request_rig_end(&r, &rig);
}

static void once_sends_everything_and_waits_for_every_answer(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 3);
    r.options[0].once = true;
    r.options[0].batch_age_ns = 3600 * NS_PER_SECOND;
    r.options[0].batch_lines_max = 5;
    rig.options.requests_max = 1;
    rig.retries = 2;
    for (size_t i = 0; i < 3; i++) {
        request_rig_write(&r, i, 1, 20);
        rig_log_chunk(&r.sources[i], 21, "stdout", 'x'); /* a line that is open */
        rig_sync(&r.sources[i], 0);
        uint64_t serial = r.sources[i].slot->view->segments[0]->serial;
        atomic_store(&r.sources[i].slot->once_serial, serial);
        atomic_store(&r.sources[i].slot->once_offset, UINT32_MAX);
    }
    route_rig_open(&r, 0);
    for (int i = 0; i < 1000 && !route_is_done(r.routes[0]); i++) {
        int64_t timeout_ns = route_rig_step(&r, 0);
        r.now_ns += timeout_ns == INT64_MAX ? 0 : timeout_ns;
    }
    assert_true(route_is_done(r.routes[0]));
    assert_int_equal(request_rig_flying(&rig), 0);
    assert_int_equal(rig.lines_taken, 63);
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 63);
    assert_true(r.now_ns < 3600 * NS_PER_SECOND);
    request_rig_end(&r, &rig);
}

/* SIGTERM: what was read is sent, and its answer waited for. */
static void stop_waits_for_answers(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    struct error error;
    request_rig_begin(&r, &rig, 1);
    r.options[0].batch_age_ns = 3600 * NS_PER_SECOND;
    request_rig_write(&r, 0, 1, 3);
    route_rig_open(&r, 0);
    for (int i = 0; i < 3; i++)
        route_rig_step(&r, 0);
    assert_int_equal(rig.sent, 0);
    assert_int_equal(route_start(r.routes[0], &error), 0);
    route_stop(r.routes[0]);
    route_join(r.routes[0]);
    assert_requested(&rig, "a:1\na:2\na:3\n");
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 3);
    assert_false(request_rig_status(&r).undelivered);
    request_rig_end(&r, &rig);
}

/* A sink that is not reached is not waited for; nothing is lost, it is sent again. */
static void r1_stop_while_it_fails_gives_up_what_is_under_way(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    struct error error;
    request_rig_begin(&r, &rig, 1);
    rig.retries = UINT32_MAX;
    request_rig_write(&r, 0, 1, 3);
    route_rig_open(&r, 0);
    for (int i = 0; i < 10; i++)
        route_rig_step(&r, 0);
    assert_true(request_rig_status(&r).failing_since_ns > 0);
    assert_int_equal(route_start(r.routes[0], &error), 0);
    route_stop(r.routes[0]);
    route_join(r.routes[0]);
    assert_true(request_rig_status(&r).undelivered);
    assert_int_equal(route_rig_total(&r, 0).lines_read, 0);
    route_rig_close(&r, 0);
    rig.retries = 0;
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "a:1\na:2\na:3\n");
    request_rig_end(&r, &rig);
}

/* Nor is one that holds up a single container: the others' answers are all that counts. */
static void stop_does_not_wait_for_what_is_aside(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    struct error error;
    request_rig_begin(&r, &rig, 2);
    rig.judge = judge_container;
    rig.judged_by = "b";
    for (size_t i = 0; i < 2; i++)
        request_rig_write(&r, i, 1, 2);
    route_rig_open(&r, 0);
    r.now_ns = clock_monotonic_ns(); /* from here on the route's time runs ahead */
    int64_t until_ns = r.now_ns + 600 * NS_PER_SECOND;
    for (int i = 0; i < 1000 && r.now_ns < until_ns; i++) {
        int64_t timeout_ns = route_rig_step(&r, 0);
        r.now_ns += timeout_ns == INT64_MAX ? 0 : timeout_ns;
    }
    int64_t from_ns = clock_monotonic_ns();
    assert_int_equal(route_start(r.routes[0], &error), 0);
    route_stop(r.routes[0]);
    route_join(r.routes[0]);
    assert_true(clock_monotonic_ns() - from_ns < ROUTE_STOP_NS);
    assert_requested(&rig, "a:1\na:2\n");
    assert_true(request_rig_status(&r).undelivered);
    request_rig_end(&r, &rig);
}

/* What the book did not take counts for nothing: all is given up, and read again. */
static void r1_failed_commit_voids_everything_under_way(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    struct failing_vfs disk = {0};
    failing_vfs_register(&disk);
    request_rig_begin(&r, &rig, 2);
    r.options[0].ledger_vfs = FAILING_VFS;
    rig.by_hand = true;
    route_rig_open(&r, 0);
    for (size_t i = 0; i < 2; i++) {
        request_rig_write(&r, i, 1, 2);
        request_rig_step_until_sent(&r, &rig, i + 1);
    }
    disk.failing = FAIL_WRITE;
    disk.code = SQLITE_FULL;
    request_rig_answer(&rig, 0, (struct sink_answer){.verdict = VERDICT_DELIVERED});
    int64_t timeout_ns = route_rig_step(&r, 0);
    assert_true(timeout_ns >= ROUTE_BACKOFF_MIN_NS * 3 / 4 && timeout_ns < NS_PER_SECOND);
    assert_true(request_rig_status(&r).failing_since_ns > 0);
    assert_int_equal(rig.abandoned, 1);
    assert_int_equal(request_rig_status(&r).sums.tally.lines_read, 0);
    disk.failing = FAIL_NOTHING;
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_int_equal(request_rig_status(&r).failing_since_ns, 0);
    struct tally t = route_rig_total(&r, 0);
    assert_int_equal(t.lines_delivered, 4);
    struct route_status status = request_rig_status(&r);
    assert_memory_equal(&status.sums.tally, &t, sizeof(t));
    assert_int_equal(request_rig_count(&rig, "a:1"), 2);
    assert_int_equal(request_rig_count(&rig, "b:1"), 1);
    request_rig_end(&r, &rig);
    failing_vfs_unregister(&disk);
}

/* While the route waits to begin anew, nobody lets the sink go on: its wishes would be a busy loop.
 */
static void failing_route_does_not_wait_for_its_sink(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    struct failing_vfs disk = {0};
    struct error error;
    failing_vfs_register(&disk);
    request_rig_begin(&r, &rig, 1);
    r.options[0].ledger_vfs = FAILING_VFS;
    r.now_ns = clock_monotonic_ns();
    request_rig_write(&r, 0, 1, 1);
    route_rig_open(&r, 0);
    request_rig_step_until_sent(&r, &rig, 1);
    disk.failing = FAIL_WRITE;
    disk.code = SQLITE_FULL;
    rig.restless = true;
    assert_int_equal(route_start(r.routes[0], &error), 0);
    while (request_rig_status(&r).sums.failures < 3)
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    route_stop(r.routes[0]);
    route_join(r.routes[0]);
    assert_true(rig.waits < 100);
    disk.failing = FAIL_NOTHING;
    request_rig_end(&r, &rig);
    failing_vfs_unregister(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r7_container_that_is_held_up_holds_up_nobody),
        cmocka_unit_test(r1_many_held_up_containers_are_delivered_in_the_end),
        cmocka_unit_test(a_container_aside_waits_as_it_is_told),
        cmocka_unit_test(the_longest_wait_counts),
        cmocka_unit_test(r1_letters_and_gaps_go_aside_with_their_source),
        cmocka_unit_test(failing_route_does_not_wait_for_its_sink),
        cmocka_unit_test(renamed_container_keeps_the_target_of_what_is_under_way),
        cmocka_unit_test(r1_source_that_left_is_committed),
        cmocka_unit_test(once_sends_everything_and_waits_for_every_answer),
        cmocka_unit_test(stop_waits_for_answers),
        cmocka_unit_test(r1_stop_while_it_fails_gives_up_what_is_under_way),
        cmocka_unit_test(stop_does_not_wait_for_what_is_aside),
        cmocka_unit_test(r1_failed_commit_voids_everything_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
