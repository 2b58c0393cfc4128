// SPDX-License-Identifier: Apache-2.0
/* A source of the local driver under everything that happens to files: torn and missing ends, NULs,
 * truncation, rotation with compression; nothing lost that is there, nothing passed unbooked, and
 * the same after a crash behind any record (D22 D31 D32 R1 R5). */
#include "source_rig.h"

#include "source/local_file/frame.h"
#include "source/local_file/frame_write.h"

enum { FRAME_SIZE = 8 + 18 + 3 /* bytes of one with a line of one character */ };

static void begin(struct source_rig *r)
{
    rig_format = RECORD_LOCAL;
    source_rig_init(r);
    rig_write(r, "", SPAN(""));
    rig_sync(r, 1);
}

static void write_and_read(struct source_rig *r, int count)
{
    begin(r);
    for (int i = 1; i <= count; i++) {
        char log[16];
        snprintf(log, sizeof(log), "%d\\n", i);
        rig_log(r, i, log);
    }
    rig_pull_all(r);
    buf_clear(&r->came);
}

static struct buf frame(int64_t at_ns, const char *line)
{
    struct buf frame = BUF_INIT(RECORD_BYTES_MAX);
    assert_int_equal(
        local_frame_write(&frame, STREAM_STDOUT, RIG_EPOCH + at_ns, span_of(line), NULL), 0);
    return frame;
}

/* The first `size` bytes of a record. */
static void write_torn(struct source_rig *r, int64_t at_ns, const char *line, size_t size)
{
    struct buf torn = frame(at_ns, line);
    assert_true(size < torn.size);
    rig_write(r, "", (struct span){torn.data, size});
    buf_deinit(&torn);
}

/* Wherever a write is seen half done, what is there waits for the rest. */
static void r5_a_torn_tail_of_each_length_waits(void **state)
{
    struct source_rig r;
    struct buf record = frame(9, "torn");
    for (size_t size = 1; size < record.size; size++) {
        begin(&r);
        rig_log(&r, 1, "1\\n");
        rig_write(&r, "", (struct span){record.data, size});
        rig_pull_all(&r);
        assert_came(&r, "o:1\n");
        rig_write(&r, "", (struct span){record.data + size, record.size - size});
        rig_pull_all(&r);
        assert_came(&r, "o:torn\n");
        source_rig_deinit(&r);
    }
    buf_deinit(&record);
}

static void a_head_that_is_not_whole_is_not_entered(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log(&r, 1, "1\\n");
    rig_rotate(&r, 9);
    write_torn(&r, 2, "lost", 30);
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_came(&r, "o:1\n");
    assert_int_equal(r.follow.cursor.segment.serial, 1);
    source_rig_deinit(&r);
}

/* What a full disk leaves: a fragment, and whole records behind it. */
static void d32_a_fragment_costs_only_itself(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log(&r, 1, "1\\n");
    write_torn(&r, 2, "lost", 26);
    rig_log(&r, 3, "3\\n");
    rig_log(&r, 4, "4\\n");
    rig_pull_all(&r);
    assert_came(&r, "gap torn 26@1:29\no:1\no:3\no:4\n");
    source_rig_deinit(&r);
}

/* The fragment claims more than ever came: at the segment's end it is known for one. */
static void d32_records_behind_a_fragment_are_read_at_the_end(void **state)
{
    struct source_rig r;
    char text[1000];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    begin(&r);
    rig_log(&r, 1, "1\\n");
    write_torn(&r, 2, text, 100);
    rig_log(&r, 3, "3\\n");
    rig_pull_all(&r);
    assert_came(&r, "o:1\n"); /* it may still be being written */
    rig_rotate(&r, 9);
    rig_log(&r, 4, "4\\n");
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_came(&r, "gap torn 100@1:29\no:3\no:4\n");
    rig_assert_crash_proof(&r);

    rig_remove_container(&r);
    rig_sync(&r, 0);
    rig_crash(&r, &CURSOR_INIT);
    assert_int_equal(rig_pull_all(&r), FOLLOW_END);
    source_rig_deinit(&r);
}

static void d32_a_segment_that_begins_with_a_fragment(void **state)
{
    struct source_rig r;
    begin(&r);
    write_torn(&r, 1, "a line that claims more than its file has", 40);
    rig_log(&r, 2, "2\\n");
    rig_rotate(&r, 9);
    rig_log(&r, 3, "3\\n");
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_came(&r, "gap torn 40@1:0\no:2\no:3\n");
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

static void d32_torn_tail_is_booked_once_a_successor_is_entered(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log(&r, 1, "1\\n");
    write_torn(&r, 2, "lost", 20);
    rig_rotate(&r, 9);
    rig_log(&r, 3, "3\\n");
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_came(&r, "o:1\ngap torn 20@1:29\no:3\n");
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

/* A power cut: NULs at the end of what was written, and the next start right behind them. */
static void d32_nuls_are_passed_also_while_they_are_the_end(void **state)
{
    struct source_rig r;
    static const char nuls[567];
    begin(&r);
    rig_log(&r, 1, "1\\n");
    rig_write(&r, "", (struct span){nuls, sizeof(nuls)});
    rig_log(&r, 2, "2\\n");
    rig_pull_all(&r);
    assert_came(&r, "gap nul 567@1:29\no:1\no:2\n");

    rig_write(&r, "", (struct span){nuls, sizeof(nuls)});
    rig_pull_all(&r);
    assert_came(&r, "gap nul 564@1:625\n"); /* three may begin a record */
    rig_log(&r, 3, "3\\n");
    rig_pull_all(&r);
    assert_came(&r, "gap nul 3@1:1189\no:3\n");
    source_rig_deinit(&r);
}

/* Also where they are the end for good. */
static void d32_nuls_at_a_segment_s_end(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log(&r, 1, "1\\n");
    rig_write(&r, "", (struct span){(char[10]){0}, 10});
    rig_rotate(&r, 9);
    rig_log(&r, 2, "2\\n");
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_came(&r, "gap nul 7@1:29\no:1\ngap nul 3@1:36\no:2\n");
    source_rig_deinit(&r);
}

static void d32_a_hole_is_jumped_over_as_a_whole(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_truncate(&r, "", INT64_C(8) << 30);
    rig_log(&r, 1, "1\\n");
    size_t before = r.pulls;
    rig_pull_all(&r);
    assert_came(&r, "gap nul 8589934589@1:0\ngap nul 3@1:8589934589\no:1\n");
    assert_in_range(r.pulls - before, 1, 10);
    source_rig_deinit(&r);
}

static void d32_garbage_is_booked_by_bytes(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log(&r, 1, "1\\n");
    rig_write_text(&r, "", "what somebody typed\n");
    rig_log(&r, 2, "2\\n");
    rig_pull_all(&r);
    assert_came(&r, "gap malformed 20@1:29\no:1\no:2\n");
    source_rig_deinit(&r);
}

static void a_record_that_is_too_long_is_skipped(void **state)
{
    struct source_rig r;
    size_t size = READ_QUANTUM_BYTES + 5;
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, 'x', size);
    text[size] = '\0';
    begin(&r);
    reader_limit_record(r.tools.reader, READ_QUANTUM_BYTES);
    rig_log(&r, 1, "1\\n");
    struct buf record = frame(2, text);
    rig_write(&r, "", buf_span(&record));
    rig_log(&r, 3, "3\\n");
    rig_pull_all(&r);
    uint64_t left = record.size - READ_QUANTUM_BYTES;
    char expected[200];
    snprintf(expected, sizeof(expected),
             "o:1\ngap too_long 262144@1:29\ngap too_long %lu@1:262173\no:3\n",
             (unsigned long)left);
    assert_came(&r, expected);
    buf_deinit(&record);
    free(text);
    source_rig_deinit(&r);
}

static void file_emptied_in_place_is_cut(void **state)
{
    struct source_rig r;
    write_and_read(&r, 3);
    rig_truncate(&r, "", 0);
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    rig_handle_saw(&r);
    assert_chain(&r, "1sc 2");
    rig_log(&r, 4, "4\\n");
    rig_pull_all(&r);
    assert_came(&r, "gap truncated ?@1:87\no:4\n");
    source_rig_deinit(&r);
}

static void cut_tail_goes_on_behind_what_is_left(void **state)
{
    struct source_rig r;
    write_and_read(&r, 5);
    rig_truncate(&r, "", 3 * FRAME_SIZE + 10);
    rig_pull_all(&r);
    rig_log(&r, 6, "6\\n"); /* behind the fragment that the cut left */
    rig_log(&r, 7, "7\\n");
    rig_pull_all(&r);
    assert_came(&r, "gap tail_cut 0@1:87\ngap torn 10@1:87\no:6\no:7\n");
    source_rig_deinit(&r);
}

static void rewritten_goes_on_behind_the_last_consumed_record(void **state)
{
    enum { RECORDS = 60 /* more than a cursor remembers the bytes of */ };
    struct source_rig r;
    write_and_read(&r, RECORDS);
    uint64_t offset = r.follow.cursor.offset;
    rig_copy(&r, "", ".copy");
    struct span copy = rig_read_file(rig_file(&r, ".copy"));
    rig_truncate(&r, "", FRAME_SIZE);
    rig_log(&r, 1, "inserted\\n");
    rig_write(&r, "", (struct span){copy.data + FRAME_SIZE, copy.size - FRAME_SIZE});
    rig_log(&r, RECORDS + 1, "new\\n");
    rig_pull_all(&r);
    char expected[100];
    snprintf(expected, sizeof(expected), "gap rewritten 0@1:%lu\no:new\n",
             (unsigned long)offset + FRAME_SIZE + 7);
    assert_came(&r, expected);
    free((char *)copy.data);
    source_rig_deinit(&r);
}

/* docker-logs 3.8: after a rotation the writer has no O_APPEND. */
static void d32_truncated_under_a_writer_without_append(void **state)
{
    struct source_rig r;
    write_and_read(&r, 3);
    rig_truncate(&r, "", 0);
    rig_truncate(&r, "", 3 * FRAME_SIZE);
    rig_log(&r, 4, "4\\n");
    rig_pull_all(&r);
    rig_handle_saw(&r);
    rig_pull_all(&r);
    assert_came(&r, "gap truncated ?@1:87\ngap nul 87@2:0\no:4\n");
    source_rig_deinit(&r);
}

/* Rotation and compression while it is followed, and a crash behind any record. */
static void d31_rotated_and_compressed(void **state)
{
    struct source_rig r;
    begin(&r);
    for (int i = 1; i <= 4; i++) {
        rig_log_chunk(&r, i, "stdout", 'a');
        rig_log(&r, i, "rest\\n");
        rig_log_stream(&r, i, "stderr", "err\\n");
        rig_log_chunk(&r, 10 + i, "stdout", 'b');
        rig_rotate(&r, 9);
        rig_compress(&r);
        rig_log(&r, 10 + i, "goes on\\n");
        rig_sync(&r, 1);
    }
    rig_lose_pins(&r);
    rig_restart(&r);
    assert_chain(&r, "1sz 2sz 3sz 4sz 5");
    rig_assert_crash_proof(&r);
    rig_crash(&r, &CURSOR_INIT);
    buf_clear(&r.came);
    rig_pull_all(&r);
    assert_null(memmem(r.came.data, r.came.size, "gap", 3));
    assert_non_null(memmem(r.came.data, r.came.size, "bbbgoes on\n", 11));
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r5_a_torn_tail_of_each_length_waits),
        cmocka_unit_test(a_head_that_is_not_whole_is_not_entered),
        cmocka_unit_test(d32_a_fragment_costs_only_itself),
        cmocka_unit_test(d32_records_behind_a_fragment_are_read_at_the_end),
        cmocka_unit_test(d32_a_segment_that_begins_with_a_fragment),
        cmocka_unit_test(d32_torn_tail_is_booked_once_a_successor_is_entered),
        cmocka_unit_test(d32_nuls_are_passed_also_while_they_are_the_end),
        cmocka_unit_test(d32_nuls_at_a_segment_s_end),
        cmocka_unit_test(d32_a_hole_is_jumped_over_as_a_whole),
        cmocka_unit_test(d32_garbage_is_booked_by_bytes),
        cmocka_unit_test(a_record_that_is_too_long_is_skipped),
        cmocka_unit_test(file_emptied_in_place_is_cut),
        cmocka_unit_test(cut_tail_goes_on_behind_what_is_left),
        cmocka_unit_test(rewritten_goes_on_behind_the_last_consumed_record),
        cmocka_unit_test(d32_truncated_under_a_writer_without_append),
        cmocka_unit_test(d31_rotated_and_compressed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
