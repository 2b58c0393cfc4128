// SPDX-License-Identifier: Apache-2.0
/* What a server refuses: the culprit alone goes to the dead letters, every other line is delivered
 * (design §7; R1). */
#include "request_rig.h"

#include <string.h>

#include "base/limits.h"

/* Lines "0" to `count` into the first source; those that are named are poison. */
static void write_poisoned(struct route_rig *r, int count, const int *poison, size_t poison_count)
{
    for (int i = 0; i < count; i++) {
        char log[32];
        bool poisoned = false;
        for (size_t j = 0; j < poison_count; j++)
            poisoned |= poison[j] == i;
        snprintf(log, sizeof(log), "%s%d\\n", poisoned ? "poison" : "", i);
        rig_log(&r->sources[0], i, log);
    }
    slot_mark_ready(r->sources[0].slot);
}

static void assert_thousand(struct route_rig *r, struct request_rig *rig, uint64_t refused)
{
    struct tally t = route_rig_total(r, 0);
    assert_int_equal(t.lines_read, 1000);
    assert_int_equal(t.lines_refused, refused);
    assert_int_equal(t.lines_delivered, 1000 - refused);
    struct route_status status = request_rig_status(r);
    assert_memory_equal(&status.sums.tally, &t, sizeof(t));
    assert_int_equal(status.requests.letters, refused);
    assert_true(status.requests.letter_bytes > 0);
    assert_int_equal(status.requests.sent, rig->sent);
    assert_int_equal(status.failing_since_ns, 0);
    assert_true(rig->sent <= PIECES_SENT_MAX);
}

static void r1_one_poison_line_among_a_thousand_is_found(void **state)
{
    static const int places[] = {0, 499, 500, 999};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct route_rig r;
        struct request_rig rig;
        char letter[64];
        request_rig_begin(&r, &rig, 1);
        rig.judge = judge_poison;
        write_poisoned(&r, 1000, &places[i], 1);
        route_rig_open(&r, 0);
        request_rig_settle(&rig, &r);
        snprintf(letter, sizeof(letter), "a:poison%d poison\n", places[i]);
        assert_letters(&r, letter);
        assert_thousand(&r, &rig, 1);
        assert_int_equal(rig.lines_taken, 999); /* each once */
        request_rig_end(&r, &rig);
    }
}

static void r1_two_poison_lines_are_found(void **state)
{
    static const int places[] = {3, 700};
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    rig.judge = judge_poison;
    write_poisoned(&r, 1000, places, 2);
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_letters(&r, "a:poison3 poison\na:poison700 poison\n");
    assert_thousand(&r, &rig, 2);
    assert_int_equal(rig.lines_taken, 998);
    request_rig_end(&r, &rig);
}

/* A server that takes what is good of a request that it refuses gets it more than once. */
static void r1_half_taken_request_is_delivered_at_least_once(void **state)
{
    static const int places[] = {3, 700};
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    rig.judge = judge_poison_alone;
    write_poisoned(&r, 1000, places, 2);
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_letters(&r, "a:poison3 poison\na:poison700 poison\n");
    assert_thousand(&r, &rig, 2);
    for (int i = 0; i < 1000; i++) {
        char line[32];
        snprintf(line, sizeof(line), "a:%d", i);
        assert_true(i == 3 || i == 700 || request_rig_count(&rig, line) >= 1);
    }
    request_rig_end(&r, &rig);
}

/* A retry within the search repeats one piece, and the search goes on. */
static void retries_do_not_disturb_the_search(void **state)
{
    static const int places[] = {123};
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    rig.judge = judge_poison;
    write_poisoned(&r, 1000, places, 1);
    route_rig_open(&r, 0);
    for (int i = 0; i < 200; i++) {
        rig.retries = i % 3 != 0;
        r.now_ns += NS_PER_SECOND * 40;
        route_rig_step(&r, 0);
    }
    rig.retries = 0;
    request_rig_settle(&rig, &r);
    assert_letters(&r, "a:poison123 poison\n");
    assert_int_equal(rig.lines_taken, 999);
    assert_true(rig.sent - request_rig_status(&r).requests.resent <= PIECES_SENT_MAX);
    request_rig_end(&r, &rig);
}

/* A refusal of one source's lines costs those of others nothing. */
static void refusals_are_booked_with_their_source(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 3);
    rig.judge = judge_poison;
    r.options[0].batch_age_ns = NS_PER_SECOND;
    for (size_t i = 0; i < 3; i++)
        for (int j = 0; j < 10; j++)
            rig_log(&r.sources[i], j, i == 1 && j == 4 ? "poison\\n" : "good\\n");
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_letters(&r, "b:poison poison\n");
    assert_int_equal(rig.lines_taken, 29);
    assert_int_equal(route_rig_total(&r, 0).lines_refused, 1);
    request_rig_end(&r, &rig);
}

static void too_large_is_halved_and_a_giant_is_refused(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    rig.judge = judge_lines;
    rig.lines_max = 3;
    write_poisoned(&r, 100, NULL, 0);
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_int_equal(rig.lines_taken, 100);
    assert_int_equal(request_rig_status(&r).requests.letters, 0);
    assert_true(request_rig_status(&r).requests.answered[VERDICT_TOO_LARGE] > 10);

    buf_clear(&rig.delivered);
    rig.lines_max = 0;
    rig_log(&r.sources[0], 200, "giant\\n");
    route_rig_mark_ready(&r);
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "");
    assert_letters(&r, "a:giant too_large\n");
    request_rig_end(&r, &rig);
}

/* As a sink that has delivered what is refused now. */
static void mark_and_refuse(struct request_rig *rig, const struct flight *f,
                            struct sink_answer *ret)
{
    for (size_t at = f->range.first; at < f->range.end; at++)
        f->request->entries[at].flags |= ENTRY_DELIVERED;
    *ret = (struct sink_answer){.verdict = VERDICT_REFUSED, .reason = "poison"};
}

/* R1: a sink's mark holds in its request alone: a dead letter is sent when it is replayed. */
static void a_dead_letter_does_not_count_as_delivered(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    rig.judge = mark_and_refuse;
    write_poisoned(&r, 1, NULL, 0);
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_letters(&r, "a:0 poison\n");
    request_rig_end(&r, &rig);
}

/* A route that has tried for a while to find room for one line of twenty. */
static void begin_full(struct route_rig *r, struct request_rig *rig)
{
    static const int places[] = {5};
    request_rig_begin(r, rig, 1);
    rig->judge = judge_poison;
    r->options[0].dead_letters_bytes_max = 10;
    write_poisoned(r, 20, places, 1);
    route_rig_open(r, 0);
    for (int i = 0; i < 100; i++)
        route_rig_go_on(r, 0);
    assert_true(request_rig_status(r).failing_since_ns > 0);
}

/* Full, they hold the route up, with words that say what to do; with room again it goes on. */
static void full_dead_letters_stop_the_route(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin_full(&r, &rig);
    struct route_status status = request_rig_status(&r);
    assert_string_equal(status.reason, "the dead letters are full (0KiB); look at them with "
                                       "`tallyman dead`, or raise dead_letters_max");
    assert_true(rig.sent < 60); /* it backs off */
    assert_true(status.requests.resent > 0);
    assert_letters(&r, "");
    assert_int_equal(route_rig_total(&r, 0).lines_read, 0);

    route_rig_close(&r, 0);
    r.options[0].dead_letters_bytes_max = 1024 * 1024;
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_letters(&r, "a:poison5 poison\n");
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 19);
    assert_int_equal(request_rig_status(&r).failing_since_ns, 0);
    request_rig_end(&r, &rig);
}

static void refuse_at_length(struct request_rig *rig, const struct flight *f,
                             struct sink_answer *ret)
{
    *ret = (struct sink_answer){.verdict = VERDICT_REFUSED, .reason = "poison"};
    memset(ret->text, 'x', sizeof(ret->text) - 1);
}

/* What a server says with each letter takes room as well as the line. */
static void answers_count_towards_the_maximum(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    rig.judge = refuse_at_length;
    r.options[0].dead_letters_bytes_max = 3 * ANSWER_TEXT_MAX;
    write_poisoned(&r, 4, NULL, 0);
    route_rig_open(&r, 0);
    for (int i = 0; i < 100; i++) {
        int64_t timeout_ns = route_rig_step(&r, 0);
        r.now_ns += timeout_ns == INT64_MAX ? NS_PER_MS : timeout_ns;
    }
    assert_true(request_rig_status(&r).failing_since_ns > 0);
    assert_letters(&r, "");
    request_rig_end(&r, &rig);
}

/* The server has changed its mind: what was held up by full dead letters is delivered. */
static void full_dead_letters_are_left_by_a_server_that_takes_it(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin_full(&r, &rig);
    rig.judge = NULL;
    request_rig_settle(&rig, &r);
    assert_int_equal(request_rig_status(&r).failing_since_ns, 0);
    assert_int_equal(rig.lines_taken, 20);
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 20);
    request_rig_end(&r, &rig);
}

/* A first start over months of history is no storm of refusals: it sends nothing of that. */
static void old_lines_are_booked_and_not_sent(void **state)
{
    enum { OLD = 100000 };
    struct route_rig r;
    struct request_rig rig;
    request_rig_begin(&r, &rig, 1);
    rig.options.max_age_ns = 7 * 24 * 3600 * NS_PER_SECOND;
    struct buf lines = BUF_INIT(RIG_TEXT_MAX);
    for (int i = 0; i < OLD; i++)
        buf_append(&lines, SPAN("{\"log\":\"old\\n\",\"stream\":\"stdout\","
                                "\"time\":\"2026-01-01T00:00:00Z\"}\n"));
    rig_write_text(&r.sources[0], "", "garbage\n");
    rig_write(&r.sources[0], "", buf_span(&lines));
    buf_deinit(&lines);
    rig_log(&r.sources[0], clock_now_ns() - RIG_EPOCH, "new\\n");
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "a:new\n");
    assert_int_equal(rig.sent, 1);
    assert_booked(&r, 0, "malformed 8\n");
    struct tally t = route_rig_total(&r, 0);
    assert_int_equal(t.lines_filtered, OLD);
    assert_int_equal(t.lines_delivered, 1);
    struct route_status status = request_rig_status(&r);
    assert_int_equal(status.sums.lines_too_old, OLD);
    assert_memory_equal(&status.sums.tally, &t, sizeof(t));
    request_rig_end(&r, &rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_one_poison_line_among_a_thousand_is_found),
        cmocka_unit_test(r1_two_poison_lines_are_found),
        cmocka_unit_test(r1_half_taken_request_is_delivered_at_least_once),
        cmocka_unit_test(retries_do_not_disturb_the_search),
        cmocka_unit_test(refusals_are_booked_with_their_source),
        cmocka_unit_test(too_large_is_halved_and_a_giant_is_refused),
        cmocka_unit_test(a_dead_letter_does_not_count_as_delivered),
        cmocka_unit_test(full_dead_letters_stop_the_route),
        cmocka_unit_test(answers_count_towards_the_maximum),
        cmocka_unit_test(full_dead_letters_are_left_by_a_server_that_takes_it),
        cmocka_unit_test(old_lines_are_booked_and_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
