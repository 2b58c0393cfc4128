// SPDX-License-Identifier: Apache-2.0
/* A route that sends its dead letters once more, beside its lines (R1, R13). */
#include "request_rig.h"

#include <errno.h>

enum { POISONS = 5 };

/* A route with so many dead letters of its source, and nothing else to do. */
static void begin(struct route_rig *r, struct request_rig *rig, int poisons)
{
    request_rig_begin(r, rig, 1);
    rig->judge = judge_poison;
    for (int i = 1; i <= poisons; i++) {
        char log[32];
        snprintf(log, sizeof(log), "poison %d\\n", i);
        rig_log(&r->sources[0], i, log);
    }
    slot_mark_ready(r->sources[0].slot);
    route_rig_open(r, 0);
    request_rig_settle(rig, r);
    assert_requested(rig, "");
    rig->judge = NULL;
}

/* For all letters. Its number, or -errno. */
static int ask(struct route_rig *r, enum errand_kind kind)
{
    uint64_t number = 0;
    struct error error = {""};
    int code =
        route_ask_errand(r->routes[0], kind, &(struct ledger_letter_filter){0}, &number, &error);
    return code < 0 ? code : (int)number;
}

static int replay(struct route_rig *r)
{
    int number = ask(r, ERRAND_REPLAY);
    assert_true(number > 0);
    return number;
}

static void assert_replay(struct route_rig *r, enum letters_state state, uint64_t delivered,
                          uint64_t refused, uint64_t left)
{
    struct route_errand replay;
    route_errand_status(r->routes[0], ERRAND_REPLAY, &replay);
    assert_int_equal(replay.progress.state, state);
    assert_int_equal(replay.progress.delivered, delivered);
    assert_int_equal(replay.progress.refused, refused);
    assert_int_equal(replay.progress.left, left);
}

/* R1: the book says so, and the status how many letters there are. */
static void assert_book(struct route_rig *r, uint64_t delivered, uint64_t refused, uint64_t letters)
{
    struct tally t = route_rig_total(r, 0);
    struct route_status status;
    assert_true(tally_adds_up(&t));
    assert_int_equal(t.lines_delivered, delivered);
    assert_int_equal(t.lines_refused, refused);
    route_status(r->routes[0], &status);
    assert_int_equal(status.requests.letters, letters);
    assert_int_equal(status.requests.in_flight, 0);
}

static void write_line(struct route_rig *r, const char *log)
{
    rig_log(&r->sources[0], 100, log);
    slot_mark_ready(r->sources[0].slot);
}

static void r13_letters_are_delivered_and_lines_go_on(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, 2);
    assert_book(&r, 0, 2, 2);
    assert_int_equal(replay(&r), 1);
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "a:poison 1\na:poison 2\n");
    assert_replay(&r, LETTERS_DONE, 2, 0, 0);
    assert_book(&r, 2, 0, 0);
    assert_letters(&r, "");

    write_line(&r, "line\\n");
    request_rig_settle(&rig, &r);
    assert_requested(&rig, "a:line\n");
    assert_book(&r, 3, 0, 0);
    request_rig_end(&r, &rig);
}

static void r13_what_is_refused_again_stays(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, POISONS);
    rig.judge = judge_poison;
    replay(&r);
    request_rig_settle(&rig, &r);
    assert_replay(&r, LETTERS_DONE, 0, POISONS, 0);
    assert_book(&r, 0, POISONS, POISONS);
    assert_int_equal(replay(&r), 2);
    request_rig_settle(&rig, &r);
    assert_replay(&r, LETTERS_DONE, 0, POISONS, 0);
    request_rig_end(&r, &rig);
}

/* What was read before, and is committed behind the replay, knows nothing of it. */
static void r1_the_tally_of_lines_under_way_is_not_lost(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, POISONS);
    route_rig_close(&r, 0);
    r.options[0].batch_age_ns = 10 * NS_PER_SECOND;
    route_rig_open(&r, 0);
    write_line(&r, "line\\n");
    route_rig_step(&r, 0); /* read, and waits for its batch to be old enough */
    replay(&r);
    for (int i = 0; i < 3; i++)
        route_rig_step(&r, 0);
    assert_replay(&r, LETTERS_DONE, POISONS, 0, 0);
    assert_book(&r, POISONS, 0, 0);
    request_rig_settle(&rig, &r);
    assert_book(&r, POISONS + 1, 0, 0);
    request_rig_end(&r, &rig);
}

static void one_slot_is_enough_for_both(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, POISONS);
    route_rig_close(&r, 0);
    rig.options.requests_max = 1;
    route_rig_open(&r, 0);
    rig.by_hand = true;
    write_line(&r, "line\\n");
    while (request_rig_flying(&rig) == 0) {
        route_rig_step(&r, 0);
        r.now_ns += NS_PER_MS;
    }
    replay(&r);
    assert_int_equal(route_rig_step(&r, 0), INT64_MAX);
    assert_replay(&r, LETTERS_ON_THEIR_WAY, 0, 0, POISONS);
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_replay(&r, LETTERS_DONE, POISONS, 0, 0);
    assert_book(&r, POISONS + 1, 0, 0);
    request_rig_end(&r, &rig);
}

/* Each letter is a request of its own in the end, since the sink wants them so. No line waits for
 * more than one of these hundreds, nor they for more than one of the lines, which never end. */
static void r13_letters_and_lines_take_turns(void **state)
{
    enum { MANY = 300, AHEAD_MAX = 2 };
    struct route_rig r;
    struct request_rig rig;
    struct route_errand replayed;
    begin(&r, &rig, MANY);
    route_rig_close(&r, 0);
    rig.options.requests_max = 1;
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    rig.judge = judge_lines;
    rig.lines_max = 1;
    unsigned sent_before = rig.sent;
    replay(&r);
    for (int line = 0; line < 10 * MANY; line++) {
        rig_log(&r.sources[0], MANY + 1 + line, "line\\n");
        slot_mark_ready(r.sources[0].slot);
        route_rig_step(&r, 0);
        r.now_ns += ROUTE_TICK_MIN_NS;
        route_errand_status(r.routes[0], ERRAND_REPLAY, &replayed);
        if (replayed.progress.state != LETTERS_ON_THEIR_WAY)
            break;
        int lines = (int)request_rig_status(&r).requests.sent;
        int letters = (int)(rig.sent - sent_before) - lines;
        assert_in_range(lines - letters + AHEAD_MAX, 0, 2 * AHEAD_MAX);
    }
    assert_replay(&r, LETTERS_DONE, MANY, 0, 0);
    assert_true(rig.sent - sent_before > 2 * MANY);
    request_rig_settle(&rig, &r);
    request_rig_end(&r, &rig);
}

static void one_replay_at_a_time(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, POISONS);
    rig.by_hand = true;
    replay(&r);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&r, ERRAND_REPLAY), -EBUSY);
        route_rig_step(&r, 0);
    }
    assert_int_equal(request_rig_flying(&rig), 1);
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_int_equal(replay(&r), 2);
    request_rig_end(&r, &rig);
}

static void r1_an_outage_ends_the_replay_and_not_the_route(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, POISONS);
    rig.retries = 1;
    replay(&r);
    request_rig_settle(&rig, &r);
    assert_replay(&r, LETTERS_FAILED, 0, 0, POISONS);
    struct route_status status;
    route_status(r.routes[0], &status);
    assert_int_equal(status.failing_since_ns, 0);
    write_line(&r, "line\\n");
    request_rig_settle(&rig, &r);
    assert_book(&r, 1, POISONS, POISONS);
    request_rig_end(&r, &rig);
}

/* Also where it ends: a letter whose answer was not waited for is there still. */
static void r1_a_route_that_ends_keeps_what_was_not_answered(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, POISONS);
    rig.by_hand = true;
    replay(&r);
    route_rig_step(&r, 0);
    assert_int_equal(request_rig_flying(&rig), 1);
    route_rig_close(&r, 0);
    assert_int_equal(rig.abandoned, 1);
    rig.by_hand = false;
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_book(&r, 0, POISONS, POISONS);
    assert_requested(&rig, "");
    request_rig_end(&r, &rig);
}

static uint64_t drop(struct route_rig *r, struct ledger_letter_filter filter)
{
    struct route_errand drop;
    uint64_t number = 0;
    struct error error = {""};
    if (route_ask_errand(r->routes[0], ERRAND_DROP, &filter, &number, &error) < 0)
        fail_msg("%s", error.text);
    route_errand_status(r->routes[0], ERRAND_DROP, &drop);
    assert_int_equal(drop.progress.state, LETTERS_ON_THEIR_WAY);
    route_rig_step(r, 0);
    route_errand_status(r->routes[0], ERRAND_DROP, &drop);
    assert_int_equal(drop.number, number);
    assert_int_equal(drop.progress.state, LETTERS_DONE);
    return drop.progress.dropped;
}

/* Also while it waits for its sink. */
static void r1_what_is_dropped_stays_refused(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, POISONS);
    assert_int_equal(drop(&r, (struct ledger_letter_filter){.key = POISONS + 1}), 0);
    assert_book(&r, 0, POISONS, POISONS);
    assert_int_equal(drop(&r, (struct ledger_letter_filter){.key = 2}), 1);
    assert_int_equal(drop(&r, (struct ledger_letter_filter){.key = 2}), 0);
    assert_book(&r, 0, POISONS, POISONS - 1);
    rig.retries = 1;
    write_line(&r, "line\\n");
    while (request_rig_status(&r).failing_since_ns == 0)
        route_rig_step(&r, 0);
    assert_int_equal(drop(&r, (struct ledger_letter_filter){0}), POISONS - 1);
    assert_book(&r, 0, POISONS, 0);
    request_rig_settle(&rig, &r);
    assert_book(&r, 1, POISONS, 0);
    request_rig_end(&r, &rig);
}

/* A replay has copies of its letters in hand. */
static void r1_a_replay_and_a_drop_wait_for_each_other(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, POISONS);
    replay(&r);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&r, ERRAND_DROP), -EBUSY);
        rig.by_hand = true;
        route_rig_step(&r, 0);
    }
    rig.by_hand = false;
    rig.judge = judge_poison;
    request_rig_settle(&rig, &r);
    assert_int_equal(ask(&r, ERRAND_DROP), 1);
    assert_int_equal(ask(&r, ERRAND_REPLAY), -EBUSY);
    assert_int_equal(ask(&r, ERRAND_DROP), -EBUSY);
    request_rig_settle(&rig, &r);
    assert_letters(&r, "");
    assert_book(&r, 0, POISONS, 0);
    request_rig_end(&r, &rig);
}

static void a_sink_that_is_written_through_has_none(void **state)
{
    struct route_rig r;
    route_rig_init(&r, 1);
    route_rig_publish(&r, 1);
    route_rig_open(&r, 0);
    assert_int_equal(ask(&r, ERRAND_REPLAY), -ENOTSUP);
    route_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r13_letters_are_delivered_and_lines_go_on),
        cmocka_unit_test(r13_what_is_refused_again_stays),
        cmocka_unit_test(r1_the_tally_of_lines_under_way_is_not_lost),
        cmocka_unit_test(one_slot_is_enough_for_both),
        cmocka_unit_test(r13_letters_and_lines_take_turns),
        cmocka_unit_test(one_replay_at_a_time),
        cmocka_unit_test(r1_an_outage_ends_the_replay_and_not_the_route),
        cmocka_unit_test(r1_a_route_that_ends_keeps_what_was_not_answered),
        cmocka_unit_test(r1_what_is_dropped_stays_refused),
        cmocka_unit_test(r1_a_replay_and_a_drop_wait_for_each_other),
        cmocka_unit_test(a_sink_that_is_written_through_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
