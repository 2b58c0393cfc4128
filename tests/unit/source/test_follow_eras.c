// SPDX-License-Identifier: Apache-2.0
/* What was written before a rename bears the old name, also when it is read later or again; what a
 * route does not want it skips, and nothing else (design §6, eras; D77's neighbours). */
#include "source_rig.h"

#include <string.h>

#include "base/limits.h"

static void assert_containers(struct source_rig *r, const char *expected)
{
    assert_text_equal(buf_span(&r->containers_came), span_of(expected));
    buf_clear(&r->containers_came);
}

static void begin(struct source_rig *r)
{
    source_rig_init(r);
    rig_log(r, 1, "1\\n");
    rig_sync(r, 1);
}

/* first: 1, 2; second: 3, and 4 in the next segment; third: 5. */
static void write_three_eras(struct source_rig *r)
{
    begin(r);
    rig_log(r, 2, "2\\n");
    rig_rename_container(r, "second");
    rig_log(r, 3, "3\\n");
    rig_rotate(r, 9);
    rig_log(r, 4, "4\\n");
    rig_sync(r, 1);
    rig_rename_container(r, "third");
    rig_log(r, 5, "5\\n");
}

static void each_line_bears_the_name_of_its_era(void **state)
{
    struct source_rig r;
    write_three_eras(&r);
    rig_pull_all(&r);
    assert_came(&r, "o:1\no:2\no:3\no:4\no:5\n");
    assert_containers(&r, "first\nfirst\nsecond\nsecond\nthird\n");
    rig_crash(&r, &CURSOR_INIT); /* again */
    rig_pull_all(&r);
    assert_containers(&r, "first\nfirst\nsecond\nsecond\nthird\n");
    source_rig_deinit(&r);
}

static void pull_never_crosses_an_era(void **state)
{
    struct source_rig r;
    write_three_eras(&r);
    assert_int_equal(rig_pull(&r), FOLLOW_PROGRESS);
    assert_came(&r, "o:1\no:2\n");
    assert_true(r.follow.more);
    source_rig_deinit(&r);
}

static void unwanted_eras_are_skipped(void **state)
{
    static const struct {
        const char *unwanted, *came;
    } cases[] = {
        {"first", "o:3\no:4\no:5\n"},
        {"second", "o:1\no:2\no:5\n"},
        {"third", "o:1\no:2\no:3\no:4\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct source_rig r;
        write_three_eras(&r);
        r.unwanted = cases[i].unwanted;
        assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
        assert_came(&r, cases[i].came);
        rig_assert_crash_proof(&r);
        rig_remove_container(&r);
        rig_sync(&r, 0);
        buf_clear(&r.came);
        assert_int_equal(rig_pull_all(&r), FOLLOW_END);
        assert_true(follow_needs(&r.follow) == SLOT_NEEDS_NOTHING);
        source_rig_deinit(&r);
    }
}

/* The rename came while a record was half written: it belongs to where it begins. */
static void era_that_begins_inside_a_torn_record(void **state)
{
    static const char *const unwanted[] = {NULL, "first", "second"};
    static const char *const came[] = {"o:1\no:torn\no:2\n", "o:2\n", "o:1\no:torn\n"};
    for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++) {
        struct source_rig r;
        begin(&r);
        r.unwanted = unwanted[i];
        rig_write_text(&r, "", "{\"log\":\"tor");
        rig_rename_container(&r, "second");
        rig_pull_all(&r); /* waits for the rest of it */
        rig_write_text(&r, "", "n\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:01Z\"}\n");
        rig_log(&r, 2, "2\\n");
        rig_pull_all(&r);
        assert_came(&r, came[i]);
        source_rig_deinit(&r);
    }
}

/* Until its next era is looked at, a route still needs where that may begin. */
static void unwanted_era_needs_the_newest_segment(void **state)
{
    struct source_rig r;
    begin(&r);
    r.unwanted = "first";
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_int_equal(follow_needs(&r.follow), 1);
    rig_rotate(&r, 9);
    rig_log(&r, 2, "2\\n");
    rig_sync(&r, 1);
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_int_equal(follow_needs(&r.follow), 2);
    rig_rename_container(&r, "second");
    rig_log(&r, 3, "3\\n");
    rig_rotate(&r, 9);
    rig_sync(&r, 1);
    assert_int_equal(rig_pull(&r), FOLLOW_PROGRESS); /* into the new era */
    assert_int_equal(follow_needs(&r.follow), 2);
    rig_pull_all(&r);
    assert_came(&r, "o:3\n");
    source_rig_deinit(&r);
}

/* What a route does not want is no loss to it, and after a restart neither. */
static void unwanted_segment_that_was_let_go_is_no_gap(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_pull_all(&r);
    assert_came(&r, "o:1\n");
    rig_rename_container(&r, "unwanted");
    r.unwanted = "unwanted";
    for (int i = 2; i < 6; i++) {
        rig_log(&r, i, "x\\n");
        rig_rotate(&r, 1);
        rig_sync(&r, 1);
        rig_pull_all(&r);
        chain_release(r.chain, follow_needs(&r.follow));
        rig_publish(&r);
    }
    assert_chain(&r, "5");
    rig_restart(&r);
    rig_pull_all(&r);
    assert_came_nothing(&r);
    rig_rename_container(&r, "wanted");
    rig_log(&r, 9, "9\\n");
    rig_pull_all(&r);
    assert_came(&r, "o:9\n");
    source_rig_deinit(&r);
}

static void era_that_begins_in_a_hole_is_entered_behind_it(void **state)
{
    struct source_rig r;
    begin(&r);
    r.unwanted = "first";
    rig_rotate(&r, 1);
    rig_log(&r, 2, "2\\n");
    rig_sync(&r, 1);
    rig_rename_container(&r, "second");
    rig_log(&r, 3, "3\\n");
    rig_rotate(&r, 1);
    rig_log(&r, 4, "4\\n");
    rig_sync(&r, 1);
    chain_release(r.chain, 2);
    assert_true(chain_give_up(r.chain, GAP_PIN_QUOTA) > 0);
    rig_publish(&r);
    assert_chain(&r, "2h:pin_quota 3");
    rig_pull_all(&r);
    assert_came(&r, "gap pin_quota 144@2:0\no:4\n");
    assert_containers(&r, "second\n");
    source_rig_deinit(&r);
}

/* A line that is open when an unwanted era begins ends there, under its own name. */
static void open_line_ends_where_an_unwanted_era_begins(void **state)
{
    for (int crash = 0; crash < 2; crash++) {
        struct source_rig r;
        begin(&r);
        rig_log_chunk(&r, 2, "stdout", 'a');
        rig_pull_all(&r);
        assert_came(&r, "o:1\n");
        assert_containers(&r, "first\n");
        rig_rename_container(&r, "unwanted");
        r.unwanted = "unwanted";
        rig_log(&r, 3, "x\\n");
        if (crash)
            rig_crash(&r, &r.follow.cursor);
        assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
        assert_int_equal(r.came.size, strlen("ou:\n") + SOURCE_CHUNK_BYTES);
        assert_containers(&r, "first\n");
        assert_int_equal(follow_needs(&r.follow), 1);
        source_rig_deinit(&r);
    }
}

static int local_driver(void **state)
{
    rig_format = RECORD_LOCAL;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_bears_the_name_of_its_era),
        cmocka_unit_test(pull_never_crosses_an_era),
        cmocka_unit_test(unwanted_eras_are_skipped),
        cmocka_unit_test(era_that_begins_inside_a_torn_record),
        cmocka_unit_test(unwanted_era_needs_the_newest_segment),
        cmocka_unit_test(unwanted_segment_that_was_let_go_is_no_gap),
        cmocka_unit_test(era_that_begins_in_a_hole_is_entered_behind_it),
        cmocka_unit_test(open_line_ends_where_an_unwanted_era_begins),
    };
    /* Those that write nothing themselves in the form of a json-file. */
    const struct CMUnitTest local_tests[] = {
        cmocka_unit_test(each_line_bears_the_name_of_its_era),
        cmocka_unit_test(pull_never_crosses_an_era),
        cmocka_unit_test(unwanted_eras_are_skipped),
        cmocka_unit_test(unwanted_era_needs_the_newest_segment),
        cmocka_unit_test(unwanted_segment_that_was_let_go_is_no_gap),
        cmocka_unit_test(open_line_ends_where_an_unwanted_era_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) +
           cmocka_run_group_tests_name("local", local_tests, local_driver, NULL);
}
