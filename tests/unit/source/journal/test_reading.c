// SPDX-License-Identifier: Apache-2.0
/* One reader for all containers, over genuine files (design 5): each line once, to its own source;
 * what is gone is booked. */
#include "journal_rig.h"

#include "base/resource.h"
#include "scratch.h"

#define A_FIRST                                                                                    \
    "a o:line 0\na e:line 1\na o:line 2\na e:line 3\na o:line 4\na e:line 5\na o:line 6\n"         \
    "a e:line 7\na o:line 8\na e:line 9\n"
#define A_SECOND                                                                                   \
    "a o:line 10\na e:line 11\na o:line 12\na e:line 13\na o:line 14\na e:line 15\n"               \
    "a o:line 16\na e:line 17\na o:line 18\na e:line 19\n"
#define C_FIRST   "c e:numbered 1\nc e:numbered 2\nc e:numbered 3\n"
#define C_SECOND  "c e:numbered 4\nc e:numbered 6\n"
#define LINE_OF_B "b o:33001 bytes x\xc3..\xc3\xa9\n"

/* Of c nothing is missing: its numbers tell. Of b's line the beginning is. */
#define AFTER_VACUUM                                                                               \
    "a gap rotated ?\n" A_SECOND "b gap open_line ?\nb gap rotated ?\n"                            \
    "b oc:233 bytes \xa9\xc3..\xc3\xa9\n" C_SECOND

/* A route that has read the first file. */
static void begin(struct journal_rig *r, void **state)
{
    journal_rig_init(r, state, FORM_BYTES);
    journal_rig_add_file(r, "first");
    journal_rig_settle(r);
    assert_came(r, A_FIRST C_FIRST);
}

static void first_each_alone_then_all_together(void **state)
{
    struct journal_rig r;
    begin(&r, state);
    assert_int_equal(resource_open(RESOURCE_JOURNAL), 1);

    journal_rig_add_file(&r, "second");
    memset(r.activated, 0, sizeof(r.activated));
    assert_int_equal(journal_look(r.journal, 0), JOURNAL_SOME);
    assert_true(journal_is_staged(r.journal));
    for (size_t i = 0; i < RIG_SOURCES; i++) {
        assert_int_equal(r.activated[i], 1);
        assert_false(r.sources[i].behind);
    }
    journal_rig_pull(&r, 2);
    journal_rig_pull(&r, 0);
    assert_true(journal_is_staged(r.journal));
    journal_rig_pull(&r, 1);
    assert_false(journal_is_staged(r.journal));
    assert_came(&r, C_SECOND A_SECOND LINE_OF_B);
    assert_int_equal(journal_look(r.journal, 0), JOURNAL_NOTHING);
    journal_rig_deinit(&r);
    assert_int_equal(resource_open(RESOURCE_JOURNAL), 0);
}

/* S23: in JSON as well, where Docker's cuts go through characters. */
static void a_line_is_whole_before_it_is_escaped(void **state)
{
    struct journal_rig r;
    journal_rig_init(&r, state, FORM_JSON);
    journal_rig_add_file(&r, "first");
    journal_rig_add_file(&r, "second");
    journal_rig_pull(&r, 1);
    assert_came(&r, LINE_OF_B);
    journal_rig_deinit(&r);
}

/* S53: after a restart, in the middle of a line. */
static void a_restart_goes_on_from_the_cursors(void **state)
{
    struct journal_rig r;
    begin(&r, state);
    journal_rig_restart(&r, false);
    journal_rig_settle(&r);
    assert_came(&r, "");
    journal_rig_restart(&r, false);
    journal_rig_add_file(&r, "second");
    journal_rig_settle(&r);
    assert_came(&r, A_SECOND LINE_OF_B C_SECOND);
    journal_rig_deinit(&r);
}

/* R2: what was read and not delivered is read again, and only that. */
static void a_source_goes_back_alone(void **state)
{
    struct journal_rig r;
    begin(&r, state);
    struct cursor before = r.follows[0].cursor;
    journal_rig_add_file(&r, "second");
    journal_rig_settle(&r);
    assert_came(&r, A_SECOND LINE_OF_B C_SECOND);
    follow_reset(&r.follows[0], &r.tools, &before);
    journal_reset(r.journal, &r.sources[0]);
    journal_rig_settle(&r);
    assert_came(&r, A_SECOND);
    journal_rig_deinit(&r);
}

static void what_was_staged_is_dropped_with_a_reset(void **state)
{
    struct journal_rig r;
    begin(&r, state);
    journal_rig_add_file(&r, "second");
    assert_int_equal(journal_look(r.journal, 0), JOURNAL_SOME);
    for (size_t i = 0; i < RIG_SOURCES; i++) {
        struct cursor cursor = r.follows[i].cursor;
        follow_reset(&r.follows[i], &r.tools, &cursor);
        journal_reset(r.journal, &r.sources[i]);
    }
    assert_false(journal_is_staged(r.journal));
    journal_rig_settle(&r);
    assert_came(&r, A_SECOND LINE_OF_B C_SECOND);
    journal_rig_deinit(&r);
}

/* S54 */
static void what_was_vacuumed_is_booked(void **state)
{
    struct journal_rig r;
    begin(&r, state);
    journal_rig_restart(&r, false);
    journal_rig_remove_file(&r, "first");
    journal_rig_add_file(&r, "second");
    journal_rig_settle(&r);
    assert_came(&r, AFTER_VACUUM);
    journal_rig_deinit(&r);
}

/* As above, while the route could not read on for long. */
static void what_is_vacuumed_meanwhile_is_booked(void **state)
{
    struct journal_rig r;
    begin(&r, state);
    journal_rig_remove_file(&r, "first");
    journal_rig_add_file(&r, "second");
    journal_rig_settle(&r);
    assert_came(&r, AFTER_VACUUM);
    journal_rig_deinit(&r);
}

static void an_unwanted_container_opens_nothing(void **state)
{
    struct journal_rig r;
    journal_rig_init(&r, state, FORM_BYTES);
    journal_rig_add_file(&r, "first");
    r.unwanted = "a";
    journal_rig_pull(&r, 0);
    assert_int_equal(journal_fd(r.journal), -1);
    assert_null(journal_missing(r.journal));
    journal_rig_settle(&r);
    assert_came(&r, C_FIRST);
    journal_rig_deinit(&r);
}

/* Design 6: eras of the journal are times. */
static void an_era_begins_at_a_time(void **state)
{
    struct journal_rig r;
    journal_rig_init(&r, state, FORM_BYTES);
    journal_rig_add_file(&r, "first");
    journal_rig_pull(&r, 0);
    assert_came(&r, A_FIRST);
    uint64_t read_until_us = (uint64_t)r.follows[0].cursor.last_ns / 1000;
    journal_rig_add_file(&r, "second");
    journal_rig_add_era(&r, 0, read_until_us + 1, "renamed");
    r.unwanted = "a";
    journal_rig_restart(&r, false);
    r.follows[0].cursor = CURSOR_INIT;
    journal_rig_pull(&r, 0);
    assert_true(strncmp(buf_string(&r.came), "renamed o:line 10\n", 18) == 0);
    buf_clear(&r.came);
    r.unwanted = NULL;
    journal_rig_restart(&r, false);
    r.follows[0].cursor = CURSOR_INIT;
    journal_rig_pull(&r, 0);
    assert_non_null(strstr(buf_string(&r.came), "a e:line 9\nrenamed o:line 10\n"));
    journal_rig_deinit(&r);
}

static void a_start_by_time_skips_what_is_older(void **state)
{
    struct journal_rig r;
    journal_rig_init(&r, state, FORM_BYTES);
    journal_rig_add_file(&r, "first");
    journal_rig_pull(&r, 0);
    assert_came(&r, A_FIRST);
    r.follows[0].cursor =
        (struct cursor){.kind = CURSOR_AT, .last_ns = r.follows[0].cursor.last_ns};
    journal_rig_restart(&r, false);
    journal_rig_pull(&r, 0);
    assert_came(&r, "a e:line 9\n"); /* received right then */
    journal_rig_deinit(&r);
}

/* S60: `--once` ends, and with it the lines that are open. */
static void once_ends_what_is_open(void **state)
{
    struct journal_rig r;
    journal_rig_init(&r, state, FORM_BYTES);
    journal_rig_restart(&r, true);
    journal_rig_add_file(&r, "first");
    journal_rig_pull(&r, 1);
    assert_came(&r, "");
    CLEANUP(view_unref) struct view *view = journal_rig_view(&r, 1);
    assert_int_equal(journal_finish(r.journal, &r.sources[1], &r.tools, view, &r.batch),
                     FOLLOW_PROGRESS);
    journal_rig_print(&r, &r.batch);
    assert_came(&r, "b ou:32768 bytes x\xc3..\xa9\xc3\n");
    journal_rig_deinit(&r);
}

static void a_journal_that_is_not_there_is_tried_again(void **state)
{
    struct journal_rig r;
    journal_rig_init(&r, state, FORM_BYTES);
    assert_int_equal(journal_rig_pull_once(&r, 0), FOLLOW_IDLE);
    assert_non_null(strstr(journal_missing(r.journal), "systemd-journal"));
    int64_t due_ns = journal_due_ns(r.journal);
    assert_true(due_ns > clock_monotonic_ns());
    journal_rig_add_file(&r, "first");
    assert_int_equal(journal_look(r.journal, due_ns - 1), JOURNAL_NOTHING);
    assert_int_equal(journal_look(r.journal, due_ns), JOURNAL_SOME);
    assert_int_equal(r.activated[0], 1);
    journal_rig_pull(&r, 0);
    assert_came(&r, A_FIRST);
    journal_rig_deinit(&r);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(first_each_alone_then_all_together),
        IN_SCRATCH(a_line_is_whole_before_it_is_escaped),
        IN_SCRATCH(a_restart_goes_on_from_the_cursors),
        IN_SCRATCH(a_source_goes_back_alone),
        IN_SCRATCH(what_was_staged_is_dropped_with_a_reset),
        IN_SCRATCH(what_was_vacuumed_is_booked),
        IN_SCRATCH(what_is_vacuumed_meanwhile_is_booked),
        IN_SCRATCH(an_unwanted_container_opens_nothing),
        IN_SCRATCH(an_era_begins_at_a_time),
        IN_SCRATCH(a_start_by_time_skips_what_is_older),
        IN_SCRATCH(once_ends_what_is_open),
        IN_SCRATCH(a_journal_that_is_not_there_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
