// SPDX-License-Identifier: Apache-2.0
/* Where a cursor stands and how it comes from segment to segment (design §6: the cursor, the end of
 * a segment, holes, corruption). */
#include "source_rig.h"

#include <fcntl.h>
#include <string.h>

#include "base/limits.h"

static void beginning_is_the_oldest_there_is(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 3);
    assert_int_equal(follow_needs(&r.follow), 0);
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:1\no:2\no:3\n");
    assert_int_equal(r.follow.cursor.kind, CURSOR_AT);
    assert_int_equal(r.follow.cursor.segment.serial, 3);
    assert_true(fingerprint_known(r.follow.cursor.segment.fingerprint));
    assert_int_equal(r.follow.cursor.last_ns, RIG_EPOCH + 3);
    assert_int_equal(follow_needs(&r.follow), 3);
    source_rig_deinit(&r);
}

/* At a start with a directory that cannot be read yet nothing is missing, only unknown. */
static void nothing_is_given_up_before_the_first_look(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 2);
    rig_lose_pins(&r);
    rig_restart(&r);
    rig_pull(&r);
    r.slot->view->unlooked = true;
    buf_clear(&r.came);
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came_nothing(&r);
    source_rig_deinit(&r);
}

static void at_goes_on_at_its_offset(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 3);
    rig_pull_all(&r);
    struct cursor cursor = r.follow.cursor;
    buf_clear(&r.came);
    rig_log(&r, 4, "4\\n");
    rig_crash(&r, &cursor);
    rig_pull_all(&r);
    assert_came(&r, "o:4\n");
    source_rig_deinit(&r);
}

static void done_goes_on_with_the_next_segment(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 3);
    struct cursor cursor = CURSOR_INIT;
    cursor.kind = CURSOR_DONE;
    cursor.segment.serial = 2;
    rig_crash(&r, &cursor);
    assert_int_equal(follow_needs(&r.follow), 3);
    rig_pull_all(&r);
    assert_came(&r, "o:3\n");
    source_rig_deinit(&r);
}

/* Reading again from the same cursor gives the same. */
static void pull_is_a_function_of_its_cursor(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 3);
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

static void cursor_enters_no_segment_without_a_whole_record(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 1);
    rig_rotate(&r, 9);
    rig_write_text(&r, "", "{\"log\":\"tor");
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_came(&r, "o:1\n");
    assert_int_equal(r.follow.cursor.segment.serial, 1);
    rig_write_text(&r, "", "n\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:09Z\"}\n");
    rig_pull_all(&r);
    assert_came(&r, "o:torn\n");
    assert_int_equal(r.follow.cursor.segment.serial, 2);
    source_rig_deinit(&r);
}

/* Torn tails are just unfinished: not consumed, not booked while they may grow. */
static void torn_tail_waits(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 1);
    rig_write_text(&r, "", "{\"log\":\"tor");
    rig_pull_all(&r);
    assert_came(&r, "o:1\n");
    rig_write_text(&r, "", "n\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:09Z\"}\n");
    rig_pull_all(&r);
    assert_came(&r, "o:torn\n");
    source_rig_deinit(&r);
}

static void torn_tail_is_booked_once_a_successor_is_entered(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 1);
    rig_write_text(&r, "", "{\"log\":\"tor");
    rig_rotate(&r, 9);
    rig_log(&r, 2, "2\\n");
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_came(&r, "o:1\ngap torn 11@1:72\no:2\n");
    source_rig_deinit(&r);
}

/* Docker writes on into a file that somebody unlinked. */
static void unlinked_file_without_a_successor_is_read_on(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 1);
    CLEANUP(close_fd) int writer = open(rig_file(&r, ""), O_WRONLY | O_APPEND | O_CLOEXEC);
    rig_unlink(&r, "");
    rig_sync(&r, 0);
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    static const char late[] =
        "{\"log\":\"late\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:09Z\"}\n";
    assert_int_equal(write(writer, late, sizeof(late) - 1), sizeof(late) - 1);
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:1\no:late\n");
    rig_log(&r, 10, "new\\n");
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_came(&r, "o:new\n");
    source_rig_deinit(&r);
}

static void d75_removed_container_is_read_to_its_end(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 2);
    rig_pull(&r);
    rig_remove_container(&r);
    rig_sync(&r, 0);
    assert_int_equal(rig_pull_all(&r), FOLLOW_END);
    assert_came(&r, "o:1\no:2\n");
    assert_int_equal(rig_pull(&r), FOLLOW_END);
    assert_true(follow_needs(&r.follow) == SLOT_NEEDS_NOTHING);
    source_rig_deinit(&r);
}

static void container_that_never_wrote_leaves_no_gap(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write(&r, "", SPAN(""));
    rig_sync(&r, 1);
    rig_pull_all(&r);
    rig_remove_container(&r);
    rig_sync(&r, 0);
    assert_int_equal(rig_pull_all(&r), FOLLOW_END);
    assert_came_nothing(&r);
    source_rig_deinit(&r);
}

static void container_without_any_file_ends(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    rig_remove_container(&r);
    rig_sync(&r, 0);
    assert_int_equal(rig_pull_all(&r), FOLLOW_END);
    assert_came_nothing(&r);
    source_rig_deinit(&r);
}

static void d32_empty_rotation_is_booked_in_the_crossing_pull(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 1);
    rig_rotate(&r, 9); /* empty, and rotated empty */
    rig_sync(&r, 1);
    rig_rotate(&r, 9);
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_came(&r, "o:1\n"); /* nothing is passed before there is something to go on with */
    rig_log(&r, 3, "3\\n");
    assert_int_equal(rig_pull(&r), FOLLOW_PROGRESS);
    assert_came(&r, "gap empty_rotation ?@2:0\n");
    assert_int_equal(r.follow.cursor.segment.serial, 3);
    rig_pull_all(&r);
    assert_came(&r, "o:3\n");
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

static void hole_is_booked_once_by_each_route(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_around_hole(&r);
    rig_pull_all(&r);
    assert_came(&r, "o:1\ngap rotated ?@2:0\no:3\n");
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came_nothing(&r);
    rig_crash(&r, &CURSOR_INIT); /* another route */
    rig_pull_all(&r);
    assert_came(&r, "o:1\ngap rotated ?@2:0\no:3\n");
    source_rig_deinit(&r);
}

static void gap_says_after_which_record(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_around_hole(&r);
    rig_pull(&r);
    while (r.batch.gap_count == 0)
        assert_int_equal(rig_pull(&r), FOLLOW_PROGRESS);
    assert_int_equal(r.batch.gaps[0].after_ns, RIG_EPOCH + 1);
    source_rig_deinit(&r);
}

static void many_holes_take_several_pulls(void **state)
{
    struct source_rig r;
    const size_t holes = 2 * BATCH_GAPS_MAX + 3;
    source_rig_init(&r);
    struct segment *segments[2 * BATCH_GAPS_MAX + 4];
    for (size_t i = 0; i < holes; i++) {
        struct segment_options options = {
            .ref.serial = i + 1, .hole = true, .reason = GAP_ROTATED, .bytes = 1, .fd = -1};
        assert_int_equal(segment_new(&segments[i], &options), 0);
    }
    rig_log(&r, 1, "end\\n");
    struct segment_options options = {.ref.serial = holes + 1};
    options.fd = open(rig_file(&r, ""), O_RDONLY | O_CLOEXEC);
    assert_int_equal(segment_new(&segments[holes], &options), 0);
    struct view *view;
    assert_int_equal(view_new(&view, 9, false, segments, holes + 1, r.eras, 1), 0);
    slot_publish(r.slot, view);
    rig_pull_all(&r);
    size_t gaps = 0;
    for (size_t i = 0; i + 3 < r.came.size; i++)
        gaps += memcmp(r.came.data + i, "gap", 3) == 0;
    assert_int_equal(gaps, holes);
    for (size_t i = 0; i <= holes; i++)
        segment_unref(segments[i]);
    source_rig_deinit(&r);
}

static void segment_that_was_let_go_under_the_cursor_is_booked(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 3);
    struct cursor cursor = CURSOR_INIT;
    cursor.kind = CURSOR_AT;
    cursor.segment = segment_name(r.slot->view->segments[0]);
    cursor.offset = 10;
    for (int i = 0; i < 7; i++)
        rig_rotate(&r, 4);
    rig_log(&r, 9, "9\\n");
    chain_release(r.chain, 2);
    rig_sync(&r, 7);
    chain_release(r.chain, 3);
    rig_publish(&r);
    rig_crash(&r, &cursor);
    assert_int_equal(rig_pull(&r), FOLLOW_PROGRESS);
    assert_came(&r, "gap rotated ?@1:10\n");
    rig_pull_all(&r);
    assert_came(&r, "o:3\ngap rotated ?@4:0\ngap empty_rotation ?@5:0\n"
                    "gap empty_rotation ?@6:0\ngap empty_rotation ?@7:0\no:9\n");
    source_rig_deinit(&r);
}

static void unreadable_segment_is_booked_as_removed_or_rotated(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 2);
    rig_lose_pins(&r);
    segment_close_idle(r.slot->view->segments[0]);
    rig_unlink(&r, ".1");
    rig_sync(&r, 0);
    rig_pull_all(&r);
    assert_came(&r, "gap rotated ?@1:0\no:2\n");
    rig_log(&r, 3, "unread\\n");
    rig_remove_container(&r);
    segment_close_idle(r.slot->view->segments[1]);
    rig_sync(&r, 0);
    assert_int_equal(rig_pull_all(&r), FOLLOW_END);
    assert_came(&r, "gap removed ?@2:72\n");
    source_rig_deinit(&r);
}

static void d32_damaged_gz_gives_its_whole_lines(void **state)
{
    struct source_rig r;
    struct buf plain = BUF_INIT(1024 * 1024);
    for (int i = 0; i < 3000; i++)
        buf_append_format(&plain,
                          "{\"log\":\"%u\\n\",\"stream\":\"stdout\","
                          "\"time\":\"2026-01-01T00:00:00.%09dZ\"}\n",
                          (unsigned)i * 2654435761u, i);
    source_rig_init(&r);
    rig_write_gzip(&r, ".1.gz", buf_span(&plain), 12000);
    rig_log(&r, 9, "after\\n");
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    rig_pull_all(&r);
    struct span came = buf_span(&r.came);
    assert_true(memcmp(came.data, "o:0\no:2654435761\n", 17) == 0);
    const char *gap = memmem(came.data, came.size, "gap gzip ?@1:", 13);
    assert_non_null(gap);
    assert_non_null(memmem(gap, came.size - (size_t)(gap - came.data), "\no:after\n", 9));
    buf_deinit(&plain);
    source_rig_deinit(&r);
}

/* R13, D32: a raw record over the maximum costs no other line, and every byte of it is booked. */
static void d32_record_that_is_too_long_is_skipped(void **state)
{
    struct source_rig r;
    const size_t size = 3 * RECORD_BYTES_MAX;
    source_rig_init(&r);
    rig_write_generations(&r, 1);
    char *junk = malloc(size);
    assert_non_null(junk);
    memset(junk, 'x', size);
    junk[size - 1] = '\n';
    rig_write(&r, "", (struct span){junk, size});
    free(junk);
    rig_log(&r, 2, "2\\n");
    uint64_t bytes = 0;
    for (int outcome = 0; outcome == FOLLOW_PROGRESS;) {
        outcome = rig_pull(&r);
        for (size_t i = 0; outcome == FOLLOW_PROGRESS && i < r.batch.gap_count; i++) {
            assert_int_equal(r.batch.gaps[i].reason, GAP_TOO_LONG);
            bytes += (uint64_t)r.batch.gaps[i].bytes;
        }
        rig_crash(&r, &r.follow.cursor); /* also in the middle of it */
    }
    assert_int_equal(bytes, size);
    struct span came = buf_span(&r.came);
    assert_true(memcmp(came.data + came.size - 5, "\no:2\n", 5) == 0);
    source_rig_deinit(&r);
}

static void d32_nul_hole_and_garbage_are_booked_by_bytes(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 1);
    rig_write(&r, "", SPAN("garbage\n\n"));
    rig_truncate(&r, "", 10 * 1024 * 1024);
    rig_log(&r, 2, "2\\n");
    rig_pull_all(&r);
    char expected[128];
    snprintf(expected, sizeof(expected), "gap malformed 8@1:72\no:1\ngap nul %d@1:81\no:2\n",
             10 * 1024 * 1024 - 81);
    assert_came(&r, expected);
    source_rig_deinit(&r);
}

static void once_reads_up_to_what_was_there(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 2);
    rig_limit(&r, (struct rig_place){2, chain_live_size(r.chain)});
    rig_log(&r, 3, "later\\n");
    rig_pull_up_to(&r, (struct rig_place){2, 72});
    assert_came(&r, "o:1\no:2\n");
    assert_true(follow_once_done(&r.follow));
    rig_pull_all(&r);
    assert_came(&r, "o:later\n");
    rig_crash(&r, &CURSOR_INIT);
    rig_limit(&r, (struct rig_place){2, 30}); /* within a record: it began before */
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:1\no:2\n");
    rig_crash(&r, &CURSOR_INIT);
    rig_limit(&r, (struct rig_place){0, 0}); /* nothing was there */
    assert_true(follow_once_done(&r.follow));
    source_rig_deinit(&r);
}

/* What is held is not read, in whatever segment it stands. */
static void nothing_is_read_past_a_hold(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 1);
    rig_log(&r, 2, "2\\n");
    r.tools.hold = (struct slot_hold){.serial = 1, .offset = 72};
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:1\n");
    rig_rotate(&r, 3);
    rig_log(&r, 3, "3\\n");
    rig_sync(&r, 1);
    r.tools.hold.offset = 144;
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:2\n");
    r.tools.hold = (struct slot_hold){.serial = SLOT_NO_HOLD};
    rig_pull_all(&r);
    assert_came(&r, "o:3\n");
    source_rig_deinit(&r);
}

static void reset_goes_back(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 2);
    rig_pull_all(&r);
    assert_came(&r, "o:1\no:2\n");
    follow_reset(&r.follow, &r.tools, &CURSOR_INIT);
    rig_pull_all(&r);
    assert_came(&r, "o:1\no:2\n");
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beginning_is_the_oldest_there_is),
        cmocka_unit_test(nothing_is_given_up_before_the_first_look),
        cmocka_unit_test(at_goes_on_at_its_offset),
        cmocka_unit_test(done_goes_on_with_the_next_segment),
        cmocka_unit_test(pull_is_a_function_of_its_cursor),
        cmocka_unit_test(cursor_enters_no_segment_without_a_whole_record),
        cmocka_unit_test(torn_tail_waits),
        cmocka_unit_test(torn_tail_is_booked_once_a_successor_is_entered),
        cmocka_unit_test(unlinked_file_without_a_successor_is_read_on),
        cmocka_unit_test(d75_removed_container_is_read_to_its_end),
        cmocka_unit_test(container_that_never_wrote_leaves_no_gap),
        cmocka_unit_test(container_without_any_file_ends),
        cmocka_unit_test(d32_empty_rotation_is_booked_in_the_crossing_pull),
        cmocka_unit_test(hole_is_booked_once_by_each_route),
        cmocka_unit_test(gap_says_after_which_record),
        cmocka_unit_test(many_holes_take_several_pulls),
        cmocka_unit_test(segment_that_was_let_go_under_the_cursor_is_booked),
        cmocka_unit_test(unreadable_segment_is_booked_as_removed_or_rotated),
        cmocka_unit_test(d32_damaged_gz_gives_its_whole_lines),
        cmocka_unit_test(d32_record_that_is_too_long_is_skipped),
        cmocka_unit_test(d32_nul_hole_and_garbage_are_booked_by_bytes),
        cmocka_unit_test(once_reads_up_to_what_was_there),
        cmocka_unit_test(nothing_is_read_past_a_hold),
        cmocka_unit_test(reset_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
