// SPDX-License-Identifier: Apache-2.0
/* What stands before the cursor is not what was read there (design §6, truncation): the segment is
 * over, its tail was cut, or it was rewritten; each booked under its own reason. */
#include "source_rig.h"

#include <string.h>

enum { RECORD_SIZE = 72 /* bytes of one with a digit */ };

static void write_and_read(struct source_rig *r, int count)
{
    source_rig_init(r);
    for (int i = 1; i <= count; i++) {
        char log[16];
        snprintf(log, sizeof(log), "%d\\n", i);
        rig_log(r, i, log);
    }
    rig_sync(r, 1);
    rig_pull_all(r);
    buf_clear(&r->came);
}

static void file_emptied_in_place_is_cut(void **state)
{
    struct source_rig r;
    write_and_read(&r, 3);
    rig_truncate(&r, "", 0);
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_int_equal(r.monitor_woken, 1); /* once per segment */
    rig_handle_saw(&r);
    assert_chain(&r, "1sc 2");
    rig_pull_all(&r);
    assert_came_nothing(&r); /* until there is a record to go on with */
    rig_log(&r, 4, "4\\n");
    rig_pull_all(&r);
    assert_came(&r, "gap truncated ?@1:216\no:4\n");
    source_rig_deinit(&r);
}

static void other_head_is_cut_though_the_file_is_longer(void **state)
{
    struct source_rig r;
    write_and_read(&r, 2);
    rig_truncate(&r, "", 0);
    for (int i = 5; i <= 9; i++)
        rig_log(&r, i, "new\\n");
    rig_pull_all(&r);
    rig_handle_saw(&r);
    rig_pull_all(&r);
    assert_came(&r, "gap truncated ?@1:144\no:new\no:new\no:new\no:new\no:new\n");
    source_rig_deinit(&r);
}

/* A cut route that has read nothing of the segment books the hole when it comes there. */
static void cut_is_a_hole_to_who_has_not_read_it(void **state)
{
    struct source_rig r;
    write_and_read(&r, 2);
    rig_truncate(&r, "", 0);
    rig_log(&r, 9, "new\\n");
    rig_pull_all(&r);
    rig_handle_saw(&r);
    rig_crash(&r, &CURSOR_INIT);
    rig_pull_all(&r);
    assert_came(&r, "gap truncated ?@1:0\no:new\n");
    source_rig_deinit(&r);
}

static void cut_tail_goes_on_behind_what_is_left(void **state)
{
    struct source_rig r;
    write_and_read(&r, 4);
    rig_truncate(&r, "", 2 * RECORD_SIZE + 20); /* two records and a torn one */
    rig_pull_all(&r);
    assert_came(&r, "gap tail_cut 0@1:144\n");
    source_rig_deinit(&r);
}

/* After a power cut Docker has written on before we look: none of that is lost. */
static void cut_tail_with_new_records_goes_on_before_them(void **state)
{
    struct source_rig r;
    write_and_read(&r, 9);
    rig_truncate(&r, "", 2 * RECORD_SIZE);
    rig_log(&r, 20, "new\\n");
    rig_log(&r, 21, "newer\\n");
    rig_pull_all(&r);
    assert_came(&r, "gap tail_cut 0@1:144\no:new\no:newer\n");
    source_rig_deinit(&r);
}

static void rewritten_goes_on_behind_the_last_consumed_record(void **state)
{
    struct source_rig r;
    write_and_read(&r, 40);
    CLEANUP_FREE char *text = (char *)rig_read_file(rig_file(&r, "")).data;
    rig_truncate(&r, "", RECORD_SIZE);
    rig_write(&r, "", SPAN("inserted by somebody\n"));
    rig_write(&r, "", (struct span){text + RECORD_SIZE, 8 * RECORD_SIZE + 31 * (RECORD_SIZE + 1)});
    rig_log(&r, 50, "new\\n");
    rig_pull_all(&r);
    assert_came(&r, "gap rewritten 0@1:2932\no:new\n");
    source_rig_deinit(&r);
}

static void rewritten_without_it_goes_on_before_the_first_later(void **state)
{
    struct source_rig r;
    write_and_read(&r, 4);
    rig_truncate(&r, "", RECORD_SIZE);
    rig_log(&r, 2, "edited by somebody\\n");
    rig_log(&r, 3, "edited by somebody\\n");
    rig_log(&r, 5, "new\\n");
    rig_pull_all(&r);
    struct span came = buf_span(&r.came);
    assert_non_null(memmem(came.data, came.size, "gap rewritten ?@1:", 18));
    assert_non_null(memmem(came.data, came.size, "\no:new\n", 7));
    assert_null(memmem(came.data, came.size, "edited", 6));
    source_rig_deinit(&r);
}

/* The cursor remembers nothing to check, as behind a gap or where a route began at the end. */
static void shorter_file_is_noticed_without_a_record_to_check(void **state)
{
    struct source_rig r;
    write_and_read(&r, 3);
    struct cursor cursor = r.follow.cursor;
    cursor.last_size = 0;
    rig_crash(&r, &cursor);
    rig_pull_all(&r);
    assert_came_nothing(&r);
    rig_truncate(&r, "", 0);
    rig_pull_all(&r);
    assert_int_equal(r.monitor_woken, 1);
    rig_handle_saw(&r);
    rig_log(&r, 4, "4\\n");
    rig_pull_all(&r);
    assert_came(&r, "gap truncated ?@1:216\no:4\n");
    source_rig_deinit(&r);
}

/* After the first rotation Docker writes on at its old offset: a hole of NULs (docker-logs §3.8).
 */
static void d32_truncated_under_a_writer_without_append(void **state)
{
    struct source_rig r;
    write_and_read(&r, 3);
    rig_truncate(&r, "", 0);
    rig_truncate(&r, "", 3 * RECORD_SIZE);
    rig_log(&r, 4, "4\\n");
    rig_pull_all(&r);
    rig_handle_saw(&r);
    rig_pull_all(&r);
    assert_came(&r, "gap truncated ?@1:216\ngap nul 216@2:0\no:4\n");
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_emptied_in_place_is_cut),
        cmocka_unit_test(other_head_is_cut_though_the_file_is_longer),
        cmocka_unit_test(cut_is_a_hole_to_who_has_not_read_it),
        cmocka_unit_test(cut_tail_goes_on_behind_what_is_left),
        cmocka_unit_test(cut_tail_with_new_records_goes_on_before_them),
        cmocka_unit_test(rewritten_goes_on_behind_the_last_consumed_record),
        cmocka_unit_test(rewritten_without_it_goes_on_before_the_first_later),
        cmocka_unit_test(shorter_file_is_noticed_without_a_record_to_check),
        cmocka_unit_test(d32_truncated_under_a_writer_without_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
