// SPDX-License-Identifier: Apache-2.0
/* A route whose sink sends requests: order, independence, at least once, never in silence (design
 * §7; R1, R6, R7, S76). */
#include "request_rig.h"

#include <string.h>

#include "route/route_private.h"

static void assert_lines(struct request_rig *rig, const char *name, int count)
{
    struct buf expected = BUF_INIT(RIG_TEXT_MAX);
    for (int i = 1; i <= count; i++)
        buf_append_format(&expected, "%s:%d\n", name, i);
    assert_requested(rig, buf_string(&expected));
    buf_deinit(&expected);
}

/* As request_rig_step_until_sent, with as much time as each step allows. */
static void wait_until_sent(struct route_rig *r, struct request_rig *rig, size_t flying)
{
    for (;;) {
        int64_t timeout_ns = route_rig_step(r, 0);
        if (request_rig_flying(rig) == flying)
            return;
        assert_true(timeout_ns < INT64_MAX);
        r->now_ns += timeout_ns;
    }
}

/* A request of each of the first two sources. */
static void open_and_send_two(struct route_rig *r, struct request_rig *rig)
{
    route_rig_open(r, 0);
    for (size_t i = 0; i < 2; i++) {
        request_rig_write(r, i, 1, 1);
        request_rig_step_until_sent(r, rig, i + 1);
    }
}

static const struct sink_answer delivered = {.verdict = VERDICT_DELIVERED};
static const struct sink_answer later = {.verdict = VERDICT_RETRY, .text = "HTTP 503"};

static void r1_all_is_sent_and_the_sums_add_up(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    route_rig_open(&r, 0);
    request_rig_write(&r, 0, 1, 2);
    rig_write_text(&r.sources[0], "", "garbage\n\n");
    request_rig_write(&r, 0, 3, 1);
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "a:1\na:2\na:3\n");
    assert_booked(&r, 0, "malformed 8\n");
    struct tally t = route_rig_total(&r, 0);
    assert_int_equal(t.lines_delivered, 3);
    struct route_status status = request_rig_status(&r);
    assert_memory_equal(&status.sums.tally, &t, sizeof(t));
    assert_int_equal(status.sums.gaps[GAP_MALFORMED], 1);
    assert_int_equal(status.requests.sent, 1);
    assert_int_equal(status.requests.answered[VERDICT_DELIVERED], 1);
    assert_int_equal(status.requests.in_flight, 0);
    request_rig_end(&r, &rig);
}

static void r6_order_holds_over_many_requests_and_retries(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    r.options[0].batch_lines_max = 10;
    request_rig_write(&r, 0, 1, 1000);
    route_rig_open(&r, 0);
    for (int i = 0; i < 60; i++) {
        rig.retries = i % 3 == 0;
        route_rig_step(&r, 0);
        r.now_ns += NS_PER_SECOND;
    }
    rig.retries = 0;
    request_rig_settle(&rig, &r);
    assert_true(request_rig_status(&r).requests.resent > 5);
    assert_true(rig.sent >= 100);
    assert_lines(&rig, "a", 1000);
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 1000);
    request_rig_end(&r, &rig);
}

/* One is tried again, the other is committed; nobody waits for anybody. */
static void r7_requests_commit_each_for_itself_in_any_order(void **state)
{
    static const unsigned order[] = {2, 0, 1};
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 3);
    rig.by_hand = true;
    route_rig_open(&r, 0);
    for (size_t i = 0; i < 3; i++) {
        request_rig_write(&r, i, 1, 2);
        request_rig_step_until_sent(&r, &rig, i + 1);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(route_rig_total(&r, 0).lines_delivered, 2 * i);
        request_rig_answer(&rig, order[i], delivered);
        route_rig_step(&r, 0);
    }
    assert_requested(&rig, "c:1\nc:2\na:1\na:2\nb:1\nb:2\n");

    request_rig_write(&r, 0, 3, 1);
    request_rig_step_until_sent(&r, &rig, 1);
    request_rig_write(&r, 1, 3, 1);
    request_rig_step_until_sent(&r, &rig, 2);
    request_rig_answer(&rig, 0, later);
    request_rig_answer(&rig, 1, delivered);
    route_rig_step(&r, 0);
    assert_requested(&rig, "b:3\n");
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 7);
    assert_string_equal(request_rig_status(&r).reason, "HTTP 503");
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "a:3\n");
    assert_int_equal(request_rig_status(&r).failing_since_ns, 0);
    request_rig_end(&r, &rig);
}

/* Answers that come in one turn are one transaction. */
static void answers_of_one_turn_share_a_commit(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    rig.by_hand = true;
    open_and_send_two(&r, &rig);
    uint64_t commits = request_rig_status(&r).sums.commits;
    for (unsigned i = 0; i < 2; i++)
        request_rig_answer(&rig, i, delivered);
    route_rig_step(&r, 0);
    assert_int_equal(request_rig_status(&r).sums.commits, commits + 1);
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 2);
    request_rig_end(&r, &rig);
}

/* Its lines are under way: it is not pulled, and costs no wake-up, whatever it writes. */
static void r6_source_is_held_while_its_lines_are_under_way(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    rig.by_hand = true;
    r.options[0].batch_age_ns = NS_PER_SECOND;
    route_rig_open(&r, 0);
    request_rig_write(&r, 0, 1, 1);
    wait_until_sent(&r, &rig, 1);
    for (int i = 0; i < 5; i++, r.now_ns += NS_PER_SECOND)
        route_rig_step(&r, 0);
    request_rig_write(&r, 0, 2, 1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(route_rig_step(&r, 0), INT64_MAX);
        r.now_ns += 10 * NS_PER_SECOND;
    }
    assert_int_equal(rig.sent, 1);
    request_rig_answer(&rig, 0, delivered);
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "a:1\na:2\n");
    request_rig_end(&r, &rig);
}

/* A tick that passed while it was held: what it wrote has waited long enough. Else it waits for the
 * next one, however soon the answer came. */
static void let_go_source_is_due_if_there_was_a_tick(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    rig.by_hand = true;
    r.options[0].batch_age_ns = NS_PER_SECOND;
    route_rig_open(&r, 0);
    request_rig_write(&r, 0, 1, 1);
    route_rig_step(&r, 0);
    rig_log(&r.sources[0], 2, "2\\n");
    wait_until_sent(&r, &rig, 1); /* with a tick */

    rig_log(&r.sources[0], 3, "3\\n");
    request_rig_answer(&rig, 0, delivered);
    int64_t due_ns = r.now_ns + NS_PER_SECOND;
    route_rig_step(&r, 0);
    assert_int_equal(request_rig_flying(&rig), 0);
    wait_until_sent(&r, &rig, 1);
    assert_int_equal(r.now_ns, due_ns);

    rig_log(&r.sources[0], 4, "4\\n");
    r.now_ns += 3 * NS_PER_SECOND / 2;
    route_rig_step(&r, 0);
    request_rig_answer(&rig, 0, delivered);
    route_rig_step(&r, 0);
    assert_int_equal(request_rig_flying(&rig), 1);
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "a:1\na:2\na:3\na:4\n");
    request_rig_end(&r, &rig);
}

/* With every slot in use nothing is read, and the route sleeps. */
static void no_free_slot_means_no_pull_and_no_wakeup(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 3);
    rig.by_hand = true;
    rig.options.requests_max = 2;
    open_and_send_two(&r, &rig);
    request_rig_write(&r, 2, 1, 1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(route_rig_step(&r, 0), INT64_MAX);
        r.now_ns += 10 * NS_PER_SECOND;
    }
    assert_int_equal(rig.sent, 2);
    request_rig_answer(&rig, 1, delivered);
    route_rig_step(&r, 0);
    request_rig_step_until_sent(&r, &rig, 2);
    assert_requested(&rig, "b:1\n");
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "a:1\nc:1\n");
    request_rig_end(&r, &rig);
}

/* A request is sent when it is full, however long a line may wait; and else when its time has come.
 */
static void full_request_is_sent_at_once_and_others_at_their_age(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    rig.by_hand = true;
    r.options[0].batch_age_ns = NS_PER_SECOND;
    r.options[0].batch_lines_max = 100;
    request_rig_write(&r, 0, 1, 100);
    route_rig_open(&r, 0);
    int64_t from_ns = r.now_ns;
    request_rig_step_until_sent(&r, &rig, 1);
    assert_true(r.now_ns < from_ns + NS_PER_MS);
    assert_int_equal(request_rig_lines(&rig), 100);
    request_rig_write(&r, 1, 1, 99);
    wait_until_sent(&r, &rig, 2);
    assert_in_range(r.now_ns - from_ns, NS_PER_SECOND - NS_PER_MS, NS_PER_SECOND + NS_PER_MS);
    assert_int_equal(request_rig_lines(&rig), 199);
    request_rig_end(&r, &rig);
}

/* What is far behind fills a request of its own: so several are under way. */
static void sources_that_are_behind_do_not_share_a_request(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    rig.by_hand = true;
    r.options[0].batch_lines_max = 6000; /* about two pulls */
    request_rig_write(&r, 0, 1, 8000);
    request_rig_write(&r, 1, 1, 8000);
    route_rig_open(&r, 0);
    wait_until_sent(&r, &rig, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct flight *f = &rig.flights[i];
        assert_true(f->used && f->request->count > 6000);
        for (size_t at = f->range.first; at < f->range.end; at++)
            assert_string_equal(flight_container(f, at), i == 0 ? "a" : "b");
    }
    rig.by_hand = false;
    request_rig_end(&r, &rig);
}

/* A pull may be larger than a request: it goes in ranges, in order. */
static void large_pull_is_sent_in_ranges(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    r.options[0].batch_bytes_max = 1000;
    request_rig_write(&r, 0, 1, 1000);
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_lines(&rig, "a", 1000);
    assert_in_range(rig.sent, 3, 4); /* 2,893 bytes */
    request_rig_end(&r, &rig);
}

/* Nothing is pulled beyond what is under way; one probe at a time, ever later; then all go on. */
static void network_failure_backs_off_with_one_probe(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 3);
    rig.by_hand = true;
    open_and_send_two(&r, &rig);
    request_rig_answer(&rig, 0, later);
    request_rig_answer(&rig, 1, later);
    request_rig_write(&r, 2, 1, 1);
    int64_t wanted_ns = ROUTE_BACKOFF_MIN_NS;
    for (int i = 0; i < 5; i++) {
        int64_t timeout_ns = route_rig_step(&r, 0);
        assert_int_equal(request_rig_flying(&rig), 0);
        assert_true(timeout_ns >= wanted_ns * 3 / 4 && timeout_ns <= wanted_ns * 5 / 4);
        r.now_ns += timeout_ns;
        assert_int_equal(route_rig_step(&r, 0), INT64_MAX); /* the answer is waited for */
        assert_int_equal(request_rig_flying(&rig), 1);
        request_rig_answer(&rig, 0, later);
        wanted_ns *= 2;
    }
    route_rig_step(&r, 0);
    r.now_ns += 2 * wanted_ns;
    route_rig_step(&r, 0);
    request_rig_answer(&rig, 0, delivered);
    route_rig_step(&r, 0);
    assert_int_equal(request_rig_status(&r).failing_since_ns, 0);
    assert_requested(&rig, "b:1\n"); /* the probes took turns */
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "a:1\nc:1\n");
    request_rig_end(&r, &rig);
}

static void server_may_ask_for_a_longer_wait(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    rig.by_hand = true;
    route_rig_open(&r, 0);
    request_rig_write(&r, 0, 1, 1);
    request_rig_step_until_sent(&r, &rig, 1);
    request_rig_answer(&rig, 0,
                       (struct sink_answer){.verdict = VERDICT_RETRY,
                                            .retry_after_ns = 7 * NS_PER_SECOND,
                                            .text = "HTTP 429"});
    assert_int_equal(route_rig_step(&r, 0), 7 * NS_PER_SECOND);
    assert_int_equal(request_rig_status(&r).next_try_ns, r.now_ns + 7 * NS_PER_SECOND);
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "a:1\n");
    assert_int_equal(request_rig_status(&r).next_try_ns, 0);
    request_rig_end(&r, &rig);
}

/* R9: of several that were under way; and the status says when the next try is due. */
static void the_longest_wait_that_is_asked_for_counts(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    rig.by_hand = true;
    route_rig_open(&r, 0);
    request_rig_write(&r, 0, 1, 1);
    request_rig_step_until_sent(&r, &rig, 1);
    request_rig_write(&r, 1, 1, 1);
    request_rig_step_until_sent(&r, &rig, 2);
    for (unsigned slot = 0; slot < 2; slot++) {
        const int64_t wait_ns = slot ? 3600 * NS_PER_SECOND : 7 * NS_PER_SECOND;
        request_rig_answer(&rig, slot,
                           (struct sink_answer){
                               .slot = slot, .verdict = VERDICT_RETRY, .retry_after_ns = wait_ns});
        route_rig_step(&r, 0);
        assert_int_equal(request_rig_status(&r).next_try_ns, r.now_ns + wait_ns);
    }
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    request_rig_end(&r, &rig);
}

static void failed_send_is_tried_again(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    rig.fail_sends = 3;
    request_rig_write(&r, 0, 1, 5);
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_lines(&rig, "a", 5);
    assert_int_equal(request_rig_status(&r).sums.failures, 3);
    request_rig_end(&r, &rig);
}

/* What comes twice after a kill is no more than what was under way. */
static void r1_kill_at_every_step_repeats_what_was_in_flight_at_most(void **state)
{
    enum { LINES = 40 };
    bool rested = false;
    int steps = 0;
    while (!rested) {
        steps++;
        struct route_rig r;
        struct request_rig rig;
        request_rig_begin(&r, &rig, 2);
        r.options[0].batch_lines_max = 7;
        rig.options.requests_max = 2;
        for (size_t i = 0; i < 2; i++)
            request_rig_write(&r, i, 1, LINES);
        rig.judge = judge_poison;
        rig_log(&r.sources[0], LINES + 1, "poison\\n");
        route_rig_open(&r, 0);
        for (int i = 0; i < steps; i++) {
            int64_t timeout_ns = route_rig_step(&r, 0);
            bool idle = request_rig_flying(&rig) == 0;
            rested = idle && timeout_ns == INT64_MAX;
            r.now_ns += idle && !rested ? timeout_ns : 0;
        }
        size_t under_way = request_rig_under_way(&rig);
        route_rig_close(&r, 0);
        route_rig_open(&r, 0);
        request_rig_settle(&rig, &r);
        for (int i = 1; i <= LINES; i++) {
            char line[32];
            snprintf(line, sizeof(line), "%c:%d", 'a' + i % 2, i);
            assert_true(request_rig_count(&rig, line) >= 1);
        }
        struct tally t = route_rig_total(&r, 0);
        assert_int_equal(t.lines_delivered, 2 * LINES);
        assert_int_equal(t.lines_refused, 1);
        assert_letters(&r, "a:poison poison\n");
        assert_true(rig.lines_taken <= 2 * LINES + under_way);
        request_rig_end(&r, &rig);
    }
    assert_true(steps > 10);
}

/* Design §4: what requests took is there for the next while lines stream, and is given back with
 * the route's rest. */
static void memory_of_requests_is_given_back_at_rest(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    rig.by_hand = true;
    r.options[0].batch_lines_max = 1;
    route_rig_open(&r, 0);
    request_rig_write(&r, 0, 1, 1);
    request_rig_write(&r, 1, 1, 1);
    request_rig_step_until_sent(&r, &rig, 2);
    request_rig_answer(&rig, 0, delivered);
    request_rig_answer(&rig, 1, delivered);
    route_rig_step(&r, 0);
    const struct requests *requests = &r.routes[0]->requests;
    assert_true(requests->spare_count >= 1);
    request_rig_settle(&rig, &r);
    assert_int_equal(requests->spare_count, 0);
    assert_null(requests->filling);
    request_rig_end(&r, &rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_all_is_sent_and_the_sums_add_up),
        cmocka_unit_test(r6_order_holds_over_many_requests_and_retries),
        cmocka_unit_test(r7_requests_commit_each_for_itself_in_any_order),
        cmocka_unit_test(answers_of_one_turn_share_a_commit),
        cmocka_unit_test(r6_source_is_held_while_its_lines_are_under_way),
        cmocka_unit_test(let_go_source_is_due_if_there_was_a_tick),
        cmocka_unit_test(no_free_slot_means_no_pull_and_no_wakeup),
        cmocka_unit_test(full_request_is_sent_at_once_and_others_at_their_age),
        cmocka_unit_test(sources_that_are_behind_do_not_share_a_request),
        cmocka_unit_test(large_pull_is_sent_in_ranges),
        cmocka_unit_test(network_failure_backs_off_with_one_probe),
        cmocka_unit_test(server_may_ask_for_a_longer_wait),
        cmocka_unit_test(the_longest_wait_that_is_asked_for_counts),
        cmocka_unit_test(failed_send_is_tried_again),
        cmocka_unit_test(memory_of_requests_is_given_back_at_rest),
        cmocka_unit_test(r1_kill_at_every_step_repeats_what_was_in_flight_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
