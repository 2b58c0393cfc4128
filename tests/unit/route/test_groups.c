// SPDX-License-Identifier: Apache-2.0
/* Lines of several groups in one request: each body holds those of one, and what a group meets is
 * its own matter (R1, R6). Every send of the rig checks that a piece is of one group. */
#include "request_rig.h"

#include <string.h>

static void begin(struct route_rig *r, struct request_rig *rig, const char *tenants)
{
    request_rig_begin(r, rig, strlen(tenants));
    rig->tenants = tenants;
}

static void assert_each_line_once(struct request_rig *rig, size_t sources, int first, int count)
{
    for (size_t i = 0; i < sources; i++)
        for (int line = first; line < first + count; line++) {
            char text[32];
            snprintf(text, sizeof(text), "%c:%d", (int)('a' + i), line);
            assert_int_equal(request_rig_count(rig, text), 1);
        }
}

/* However the sources come: one body for each group. */
static void r6_a_request_goes_in_one_piece_for_each_group(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, "xyzx");
    for (size_t i = 0; i < 4; i++)
        request_rig_write(&r, i, 1, 10);
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_each_line_once(&rig, 4, 1, 10);
    assert_int_equal(rig.lines_taken, 40);
    assert_int_equal(rig.sent, 3);
    request_rig_end(&r, &rig);
}

/* Each group is cut by itself, and by the same limits. */
static void r6_groups_are_cut_into_ranges(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, "xyxy");
    r.options[0].batch_lines_max = 30;
    for (size_t i = 0; i < 4; i++)
        request_rig_write(&r, i, 1, 100);
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_each_line_once(&rig, 4, 1, 100);
    assert_int_equal(rig.lines_taken, 400);
    request_rig_end(&r, &rig);
}

/* The budget of bisecting is each group's own: for all of these one would not do. */
static void r1_poison_lines_of_each_group_are_found(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, "klmn");
    rig.judge = judge_poison;
    for (size_t i = 0; i < 4; i++) {
        request_rig_write(&r, i, 1, 100);
        rig_log(&r.sources[i], 1000, "poison\\n");
        request_rig_write(&r, i, 2000, 100);
        rig_log(&r.sources[i], 3000, "poison\\n");
        request_rig_write(&r, i, 4000, 100);
    }
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);
    assert_each_line_once(&rig, 4, 1, 100);
    assert_each_line_once(&rig, 4, 2000, 100);
    assert_each_line_once(&rig, 4, 4000, 100);
    assert_int_equal(rig.lines_taken, 1200);
    assert_int_equal(route_rig_total(&r, 0).lines_refused, 8);
    assert_int_equal(request_rig_status(&r).requests.letters, 8);
    request_rig_end(&r, &rig);
}

/* A tenant over its limit: its containers wait, those of others do not; then nothing is missing. */
static void r6_a_group_is_held_up_alone(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, "xyxy");
    rig.judge = judge_tenant;
    rig.judged_by = "x";
    for (size_t i = 0; i < 4; i++)
        request_rig_write(&r, i, 1, 10);
    route_rig_open(&r, 0);
    for (int round = 0; round < 20; round++) {
        request_rig_write(&r, 1, 11 + round, 1);
        request_rig_write(&r, 3, 11 + round, 1);
        for (int i = 0; i < 50; i++)
            r.now_ns += route_rig_step(&r, 0) ? 100 * NS_PER_MS : 0;
    }
    assert_int_equal(rig.lines_taken, 2 * 30);
    assert_int_equal(request_rig_status(&r).requests.aside, 1);
    assert_int_equal(request_rig_status(&r).failing_since_ns, 0);
    rig.judged_by = NULL;
    request_rig_settle(&rig, &r);
    assert_each_line_once(&rig, 4, 1, 10);
    assert_int_equal(rig.lines_taken, 2 * 30 + 2 * 10);
    assert_int_equal(request_rig_status(&r).requests.aside, 0);
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 80);
    request_rig_end(&r, &rig);
}

static void refuse_all_but_d(struct request_rig *rig, const struct flight *f,
                             struct sink_answer *ret)
{
    bool is_d = *flight_container(f, f->range.first) == 'd';
    rig->lines_max += !is_d; /* how many were refused */
    if (!is_d)
        *ret = (struct sink_answer){.verdict = VERDICT_RETRY, .of_group = true, .text = "HTTP 403"};
}

/* However few requests may be under way: more tenants than that are held up, and others go on. */
static void r6_many_groups_are_held_up_alone(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, "wxyz");
    rig.judge = refuse_all_but_d;
    rig.options.requests_max = 1;
    for (size_t i = 0; i < 4; i++)
        request_rig_write(&r, i, 1, 10);
    route_rig_open(&r, 0);
    for (int round = 0; round < 20; round++) {
        request_rig_write(&r, 3, 11 + round, 1);
        for (int i = 0; i < 50; i++)
            r.now_ns += route_rig_step(&r, 0) ? 100 * NS_PER_MS : 0;
    }
    assert_int_equal(rig.lines_taken, 30);
    assert_int_equal(request_rig_status(&r).requests.aside, 3);
    assert_int_equal(request_rig_status(&r).requests.resent, rig.lines_max - 3);
    assert_int_equal(request_rig_status(&r).failing_since_ns, 0);
    rig.judge = NULL;
    request_rig_settle(&rig, &r);
    assert_each_line_once(&rig, 4, 1, 10);
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 60);
    request_rig_end(&r, &rig);
}

/* What is aside is in memory: it comes to as much as what is under way, and no more. */
static void what_is_aside_is_bounded(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, "wxyz");
    rig.judge = refuse_all_but_d;
    rig.options.requests_max = 1;
    r.options[0].batch_bytes_max = 64;
    for (size_t i = 0; i < 4; i++)
        request_rig_write(&r, i, 1, 100);
    route_rig_open(&r, 0);
    for (int i = 0; i < 500; i++)
        r.now_ns += route_rig_step(&r, 0) ? 100 * NS_PER_MS : 0;
    assert_int_equal(request_rig_status(&r).requests.aside, 1);
    assert_true(request_rig_status(&r).failing_since_ns > 0);
    rig.judge = NULL;
    request_rig_settle(&rig, &r);
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 400);
    request_rig_end(&r, &rig);
}

/* What a refused group keeps under way is its letters, too. */
static void r1_letters_go_aside_with_their_group(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    begin(&r, &rig, "xyx");
    rig.by_hand = true;
    for (size_t i = 0; i < 3; i++)
        request_rig_write(&r, i, 1, 1);
    route_rig_open(&r, 0);
    const struct sink_answer refused = {
        .verdict = VERDICT_REFUSED, .reason = "bad", .text = "HTTP 400"};
    const struct sink_answer limit = {.verdict = VERDICT_RETRY, .of_group = true, .text = "429"};
    request_rig_step_until_sent(&r, &rig, 1);
    while (rig.flights[0].range.end - rig.flights[0].range.first > 1) {
        request_rig_answer(&rig, 0, refused);
        route_rig_step(&r, 0);
    }
    request_rig_answer(&rig, 0, refused); /* one line of the first group is a letter now */
    route_rig_step(&r, 0);
    request_rig_answer(&rig, 0, limit);
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_int_equal(rig.lines_taken, 2);
    assert_int_equal(route_rig_total(&r, 0).lines_refused, 1);
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 2);
    assert_int_equal(request_rig_status(&r).requests.letters, 1);
    request_rig_end(&r, &rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r6_a_request_goes_in_one_piece_for_each_group),
        cmocka_unit_test(r6_groups_are_cut_into_ranges),
        cmocka_unit_test(r1_poison_lines_of_each_group_are_found),
        cmocka_unit_test(r6_a_group_is_held_up_alone),
        cmocka_unit_test(r6_many_groups_are_held_up_alone),
        cmocka_unit_test(what_is_aside_is_bounded),
        cmocka_unit_test(r1_letters_go_aside_with_their_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
