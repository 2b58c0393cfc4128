// SPDX-License-Identifier: Apache-2.0
/* D76: where a route begins in a source that is older than itself. */
#include "source_rig.h"

#include "base/clock.h"
#include "route/start.h"

enum { HOUR = 3600, ATTACHED = 10 * HOUR /* seconds after RIG_EPOCH */ };

static int64_t at(int64_t seconds)
{
    return RIG_EPOCH + seconds * NS_PER_SECOND;
}

/* A source of a container created at this second, with a line an hour in two segments. */
static void begin(struct source_rig *r, int64_t created_s)
{
    source_rig_init(r);
    struct container_fields fields = {
        .id = RIG_ID, .name = "first", .state = "running", .created_ns = at(created_s)};
    container_unref(r->eras[0].container);
    assert_int_equal(container_new(&r->eras[0].container, &fields), 0);
    for (int64_t hour = 1; hour <= 9; hour++) {
        char log[16];
        snprintf(log, sizeof(log), "%d\\n", (int)hour);
        if (hour == 5)
            rig_rotate(r, 3);
        rig_log(r, hour * HOUR * NS_PER_SECOND, log);
    }
    rig_sync(r, 1);
}

/* Begins; what comes from there, and what was skipped. */
static void assert_starts(struct source_rig *r, struct start start, const char *expected,
                          uint64_t skipped)
{
    struct cursor cursor;
    uint64_t ret_skipped;
    assert_int_equal(
        start_place(&start, at(ATTACHED), r->slot, &r->tools, &r->batch, &cursor, &ret_skipped), 0);
    rig_crash(r, &cursor);
    rig_pull_all(r);
    assert_came(r, expected);
    assert_int_equal(ret_skipped, skipped);
}

static void d76_beginning_is_the_default(void **state)
{
    struct source_rig r;
    begin(&r, 0);
    assert_starts(&r, (struct start){0}, "o:1\no:2\no:3\no:4\no:5\no:6\no:7\no:8\no:9\n", 0);
    source_rig_deinit(&r);
}

static void d76_end_skips_what_is_there(void **state)
{
    struct source_rig r;
    begin(&r, 0);
    rig_write_text(&r, "", "{\"log\":\"to");
    assert_starts(&r, (struct start){START_END, 0}, "", 9 * 72);
    rig_write_text(&r, "", "rn\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-02T00:00:00Z\"}\n");
    rig_pull_all(&r);
    assert_came(&r, "o:torn\n");
    source_rig_deinit(&r);
}

/* What stands before the end is remembered: a truncation before the first line is noticed. */
static void d76_end_notices_a_truncation(void **state)
{
    struct source_rig r;
    begin(&r, 0);
    assert_starts(&r, (struct start){START_END, 0}, "", 9 * 72);
    rig_truncate(&r, "", 0);
    for (int i = 0; i < 9; i++)
        rig_log(&r, ATTACHED * NS_PER_SECOND + i, "new\\n");
    rig_pull_all(&r);
    rig_handle_saw(&r);
    rig_pull_all(&r);
    assert_came(&r, "gap truncated ?@2:360\no:new\no:new\no:new\no:new\no:new\no:new\no:new\n"
                    "o:new\no:new\n");
    source_rig_deinit(&r);
}

static void d76_end_of_an_empty_source_is_its_beginning(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    assert_starts(&r, (struct start){START_END, 0}, "", 0);
    rig_log(&r, 1, "1\\n");
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_came(&r, "o:1\n");
    source_rig_deinit(&r);
}

static void d76_since_begins_at_the_time(void **state)
{
    struct source_rig r;
    begin(&r, 0);
    assert_starts(&r, (struct start){START_SINCE, 3 * HOUR * NS_PER_SECOND}, "o:7\no:8\no:9\n",
                  6 * 72);
    assert_starts(&r, (struct start){START_SINCE, 7 * HOUR * NS_PER_SECOND + 1},
                  "o:3\no:4\no:5\no:6\no:7\no:8\no:9\n", 2 * 72);
    assert_starts(&r, (struct start){START_SINCE, 1}, "", 9 * 72);
    assert_starts(&r, (struct start){START_SINCE, 90 * HOUR * NS_PER_SECOND},
                  "o:1\no:2\no:3\no:4\no:5\no:6\no:7\no:8\no:9\n", 0);
    source_rig_deinit(&r);
}

static void d76_newer_containers_begin_at_their_beginning(void **state)
{
    static const struct start starts[] = {{START_END, 0}, {START_SINCE, 1}};
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        struct source_rig r;
        begin(&r, ATTACHED);
        assert_starts(&r, starts[i], "o:1\no:2\no:3\no:4\no:5\no:6\no:7\no:8\no:9\n", 0);
        source_rig_deinit(&r);
    }
}

/* Also in compressed rotations, whose plain text is what counts. */
static void d76_since_within_a_gz(void **state)
{
    struct source_rig r;
    begin(&r, 0);
    rig_compress(&r);
    rig_lose_pins(&r);
    rig_restart(&r);
    assert_chain(&r, "1sz 2");
    assert_starts(&r, (struct start){START_SINCE, 7 * HOUR * NS_PER_SECOND},
                  "o:3\no:4\no:5\no:6\no:7\no:8\no:9\n", 2 * 72);
    source_rig_deinit(&r);
}

/* R1: gone, and nothing of it left: the route that is older misses it, the new one does not. */
static void r1_what_was_lost_before_the_route_is_not_missed(void **state)
{
    const struct {
        int64_t created_s;
        const char *expected;
    } cases[] = {{ATTACHED - 1, ""}, {ATTACHED + 1, "gap removed ?@1:0\ngap removed ?@2:0\n"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct source_rig r;
        begin(&r, cases[i].created_s);
        rig_lose_pins(&r);
        rig_remove_container(&r);
        rig_restart(&r);
        assert_starts(&r, (struct start){0}, cases[i].expected, 0);
        source_rig_deinit(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d76_beginning_is_the_default),
        cmocka_unit_test(d76_end_skips_what_is_there),
        cmocka_unit_test(d76_end_notices_a_truncation),
        cmocka_unit_test(d76_end_of_an_empty_source_is_its_beginning),
        cmocka_unit_test(d76_since_begins_at_the_time),
        cmocka_unit_test(d76_newer_containers_begin_at_their_beginning),
        cmocka_unit_test(d76_since_within_a_gz),
        cmocka_unit_test(r1_what_was_lost_before_the_route_is_not_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
