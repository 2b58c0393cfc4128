// SPDX-License-Identifier: Apache-2.0
/* A sink that refuses everything since the start, without a word that shows why: the configuration
 * may be wrong, and no line goes to the dead letters for that (design §7; R1, R13). */
#include "request_rig.h"

#include <string.h>

#include "base/limits.h"

enum {
    FEW_TRIES = 8,
    TRIES = 40,
    SPARING_MAX = 7, /* requests of a try, but for the thorough ones */
};

static void refuse_all(struct request_rig *rig, const struct flight *f, struct sink_answer *ret)
{
    *ret = (struct sink_answer){.verdict = VERDICT_REFUSED,
                                .unexplained = true,
                                .reason = "http_400",
                                .text = "HTTP 400: no such path"};
}

static void refuse_poison(struct request_rig *rig, const struct flight *f, struct sink_answer *ret)
{
    if (flight_has(f, "poison"))
        refuse_all(rig, f, ret);
}

/* In words of the sink's own. */
static void explain_poison(struct request_rig *rig, const struct flight *f, struct sink_answer *ret)
{
    refuse_poison(rig, f, ret);
    ret->unexplained = false;
}

static void begin(struct route_rig *r, struct request_rig *rig, size_t count)
{
    request_rig_begin(r, rig, count);
    rig->judge = refuse_all;
}

static void write_line(struct route_rig *r, int64_t at_ns, const char *log)
{
    rig_log(&r->sources[0], at_ns, log);
    slot_mark_ready(r->sources[0].slot);
}

/* Until so many tries more were void. */
static void step_until_void(struct route_rig *r, uint64_t tries)
{
    uint64_t until = request_rig_status(r).requests.voided + tries;
    for (int i = 0; i < ROUTE_RIG_STEPS_MAX; i++) {
        int64_t timeout_ns = route_rig_step(r, 0);
        if (request_rig_status(r).requests.voided >= until)
            return;
        r->now_ns += timeout_ns == INT64_MAX ? NS_PER_SECOND : timeout_ns;
    }
    fail_msg("it does not try");
}

static void assert_void(struct route_rig *r)
{
    struct route_status status = request_rig_status(r);
    assert_letters(r, "");
    assert_int_equal(status.requests.letters, 0);
    assert_int_equal(route_rig_total(r, 0).lines_read, 0);
    assert_true(status.failing_since_ns > 0);
    assert_string_equal(status.reason,
                        "everything is refused since the start, and nothing becomes a dead letter "
                        "until a line is taken; check url and headers, else the lines: HTTP 400: "
                        "no such path");
}

/* R1, R13: nothing is consumed, however often it is tried; put right, each line comes once. */
static void r1_a_wrong_configuration_costs_no_line(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, 3);
    for (size_t i = 0; i < 3; i++)
        request_rig_write(&r, i, 0, 1000);
    route_rig_open(&r, 0);
    step_until_void(&r, TRIES);
    assert_void(&r);
    rig.judge = NULL;
    request_rig_settle(&rig, &r);
    assert_letters(&r, "");
    assert_int_equal(rig.lines_taken, 3000);
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 3000);
    assert_int_equal(request_rig_status(&r).failing_since_ns, 0);
    assert_int_equal(request_rig_status(&r).requests.voided, 0);
    request_rig_end(&r, &rig);
}

/* A search for the culprit comes at first and then seldom; in between a try costs little, however
 * many sources wait, and the tries come ever more seldom. */
static void tries_are_cheap(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, ROUTE_RIG_SOURCES_MAX);
    r.options[0].batch_lines_max = 100;
    for (size_t i = 0; i < ROUTE_RIG_SOURCES_MAX; i++)
        request_rig_write(&r, i, 0, 100);
    route_rig_open(&r, 0);
    step_until_void(&r, 1);
    assert_true(rig.sent <= rig.options.requests_max * PIECES_SENT_MAX);
    for (int i = 1; i < TRIES; i++) {
        unsigned sent = rig.sent;
        step_until_void(&r, 1);
        assert_true(rig.sent - sent <= (i % 16 ? SPARING_MAX : PIECES_SENT_MAX));
    }
    int64_t before_ns = r.now_ns;
    step_until_void(&r, 1);
    assert_true(r.now_ns - before_ns >= ROUTE_BACKOFF_MAX_NS / 2);
    request_rig_end(&r, &rig);
}

/* What is refused before anything is taken is doubted, but no longer than that. */
static void r1_a_culprit_that_comes_first_is_found(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, 1);
    rig.judge = refuse_poison;
    write_line(&r, 0, "poison\\n");
    request_rig_write(&r, 0, 1, 999);
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_letters(&r, "a:poison http_400\n");
    assert_int_equal(rig.lines_taken, 999);
    assert_int_equal(route_rig_total(&r, 0).lines_refused, 1);
    request_rig_end(&r, &rig);
}

/* Another request is taken: those that were refused to their end before are settled, too. */
static void one_that_is_taken_clears_the_others(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    r.options[0].batch_lines_max = 1;
    rig.by_hand = true;
    rig_log(&r.sources[0], 0, "poison\\n");
    rig_log(&r.sources[1], 0, "good\\n");
    route_rig_open(&r, 0);
    request_rig_step_until_sent(&r, &rig, 2);
    struct sink_answer refusal;
    refuse_all(&rig, NULL, &refusal);
    request_rig_answer(&rig, flight_has(&rig.flights[0], "poison") ? 0 : 1, refusal);
    route_rig_step(&r, 0);
    assert_letters(&r, "");
    assert_int_equal(request_rig_status(&r).failing_since_ns, 0);
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_letters(&r, "a:poison http_400\n");
    assert_requested(&rig, "b:good\n");
    request_rig_end(&r, &rig);
}

/* R13: the only line of a route is one that the sink will never take: that is said, and over with
 * the next line that it takes. */
static void r13_a_lonely_culprit_waits_for_a_line_that_is_taken(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, 1);
    rig.judge = refuse_poison;
    write_line(&r, 0, "poison\\n");
    route_rig_open(&r, 0);
    step_until_void(&r, FEW_TRIES);
    assert_void(&r);
    write_line(&r, 1, "good\\n");
    request_rig_settle(&rig, &r);
    assert_letters(&r, "a:poison http_400\n");
    assert_requested(&rig, "a:good\n");
    assert_int_equal(request_rig_status(&r).failing_since_ns, 0);
    request_rig_end(&r, &rig);
}

/* Whoever says of a line what is wrong with it has looked at it. */
static void r1_a_refusal_that_is_explained_is_none_of_the_configuration(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, 1);
    rig.judge = explain_poison;
    write_line(&r, 0, "poison a\\n");
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_letters(&r, "a:poison a http_400\n");
    rig.judge = refuse_poison;
    write_line(&r, 1, "poison b\\n");
    request_rig_settle(&rig, &r);
    assert_letters(&r, "a:poison a http_400\na:poison b http_400\n");
    request_rig_end(&r, &rig);
}

/* That a body is too large may be said by who has not looked into it. */
static void too_large_shows_nothing(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, 1);
    rig.judge = judge_lines;
    rig.lines_max = 1;
    request_rig_write(&r, 0, 0, 2);
    rig.by_hand = true;
    route_rig_open(&r, 0);
    request_rig_step_until_sent(&r, &rig, 1);
    request_rig_answer(&rig, 0, (struct sink_answer){.verdict = VERDICT_TOO_LARGE});
    rig.by_hand = false;
    rig.judge = refuse_all;
    step_until_void(&r, 1);
    assert_void(&r);
    request_rig_end(&r, &rig);
}

/* Once it has taken a line, what it refuses is refused. */
static void r1_after_the_first_line_refusals_count(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    write_line(&r, 0, "good\\n");
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    rig.judge = refuse_all;
    write_line(&r, 1, "bad\\n");
    request_rig_settle(&rig, &r);
    assert_letters(&r, "a:bad http_400\n");
    request_rig_end(&r, &rig);
}

/* A trouble of the network in between neither ends it nor counts as an answer. */
static void an_outage_changes_nothing(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, 1);
    request_rig_write(&r, 0, 0, 10);
    route_rig_open(&r, 0);
    step_until_void(&r, FEW_TRIES);
    int64_t since_ns = request_rig_status(&r).failing_since_ns;
    rig.retries = 3;
    step_until_void(&r, 1);
    assert_void(&r);
    assert_int_equal(request_rig_status(&r).failing_since_ns, since_ns);
    request_rig_end(&r, &rig);
}

static const struct sink_answer refusal = {
    .verdict = VERDICT_REFUSED, .unexplained = true, .reason = "http_400", .text = "HTTP 400"};

/* Answers what is under way alone, once it is. */
static void answer_next(struct route_rig *r, struct request_rig *rig, struct sink_answer answer)
{
    unsigned slot = 0;
    request_rig_step_until_sent(r, rig, 1);
    while (!rig->flights[slot].used)
        slot++;
    request_rig_answer(rig, slot, answer);
    route_rig_step(r, 0);
}

/* A tenant that waits aside says nothing of the configuration: it is judged by the others. */
static void what_is_aside_is_not_waited_for(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    rig.tenants = "xy";
    rig.by_hand = true;
    request_rig_write(&r, 0, 0, 1);
    request_rig_write(&r, 1, 0, 1);
    route_rig_open(&r, 0);
    answer_next(&r, &rig,
                (struct sink_answer){.verdict = VERDICT_RETRY,
                                     .of_group = true,
                                     .retry_after_ns = 60 * NS_PER_SECOND});
    answer_next(&r, &rig, refusal);
    assert_int_equal(request_rig_status(&r).requests.voided, 1);
    assert_letters(&r, "");
    request_rig_end(&r, &rig);
}

/* What was refused of a source goes aside with it, and is doubted there, too. */
static void doubt_goes_aside_with_its_source(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 2);
    rig.by_hand = true;
    rig.options.requests_max = 1;
    request_rig_write(&r, 0, 0, 1);
    request_rig_write(&r, 1, 0, 2);
    rig_log(&r.sources[0], 5, "1\\n");
    route_rig_open(&r, 0);
    answer_next(&r, &rig, refusal); /* a:0 a:1 b:0 b:1 */
    answer_next(&r, &rig, refusal); /* a:0 a:1 */
    answer_next(&r, &rig, refusal); /* a:0 */
    request_rig_step_until_sent(&r, &rig, 1);
    unsigned slot = 0;
    while (!rig.flights[slot].used)
        slot++;
    const struct flight *f = &rig.flights[slot];
    struct sink_target *a = request_part_at(f->request, f->range.first)->target;
    answer_next(&r, &rig, (struct sink_answer){.verdict = VERDICT_RETRY, .target = a});
    answer_next(&r, &rig, (struct sink_answer){.verdict = VERDICT_RETRY}); /* the others */
    r.now_ns += 2 * ROUTE_BACKOFF_MIN_NS;
    answer_next(&r, &rig, (struct sink_answer){.verdict = VERDICT_TOO_LARGE}); /* a:1 */
    route_rig_step(&r, 0);
    assert_letters(&r, "");
    assert_int_equal(request_rig_status(&r).requests.letters, 0);
    request_rig_end(&r, &rig);
}

/* Dead letters that have no room for what was doubted hold up the route as ever. */
static void full_dead_letters_hold_up_what_was_doubted(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, 1);
    rig.judge = refuse_poison;
    r.options[0].dead_letters_bytes_max = 10;
    write_line(&r, 0, "poison\\n");
    write_line(&r, 1, "good\\n");
    route_rig_open(&r, 0);
    for (int i = 0; i < 100; i++) {
        int64_t timeout_ns = route_rig_step(&r, 0);
        r.now_ns += timeout_ns == INT64_MAX ? NS_PER_MS : timeout_ns;
    }
    struct route_status status = request_rig_status(&r);
    assert_memory_equal(status.reason, "the dead letters are full", 25);
    assert_int_equal(status.requests.voided, 0);
    assert_int_equal(route_rig_total(&r, 0).lines_read, 0);
    assert_letters(&r, "");
    request_rig_end(&r, &rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_a_wrong_configuration_costs_no_line),
        cmocka_unit_test(tries_are_cheap),
        cmocka_unit_test(r1_a_culprit_that_comes_first_is_found),
        cmocka_unit_test(one_that_is_taken_clears_the_others),
        cmocka_unit_test(r13_a_lonely_culprit_waits_for_a_line_that_is_taken),
        cmocka_unit_test(r1_a_refusal_that_is_explained_is_none_of_the_configuration),
        cmocka_unit_test(too_large_shows_nothing),
        cmocka_unit_test(r1_after_the_first_line_refusals_count),
        cmocka_unit_test(an_outage_changes_nothing),
        cmocka_unit_test(what_is_aside_is_not_waited_for),
        cmocka_unit_test(doubt_goes_aside_with_its_source),
        cmocka_unit_test(full_dead_letters_hold_up_what_was_doubted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
