// SPDX-License-Identifier: Apache-2.0
/* What Docker cut at 16,384 source bytes comes back as one line (D31; the rows are docker-logs
 * §2.5's): per stream, by equal times, never by a timer, bounded; and the same after a crash behind
 * any record. */
#include "source_rig.h"

#include <string.h>

#include "base/limits.h"

/* `count` chunks' text. */
static void append_fill(struct buf *to, char fill, size_t size)
{
    char *at = buf_reserve(to, size);
    assert_non_null(at);
    memset(at, fill, size);
    to->size += size;
}

/* Compares what came with parts: each a head, a fill of so many bytes, a tail. */
struct part {
    const char *head;
    char fill;
    size_t size;
    const char *tail;
};

static void assert_parts(struct source_rig *r, const struct part *parts, size_t count)
{
    struct buf expected = BUF_INIT(RIG_TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_append(&expected, span_of(parts[i].head));
        append_fill(&expected, parts[i].fill, parts[i].size);
        buf_append(&expected, span_of(parts[i].tail));
    }
    assert_text_equal(buf_span(&r->came), buf_span(&expected));
    buf_clear(&r->came);
    buf_deinit(&expected);
}
#define ASSERT_PARTS(r, ...)                                                                       \
    assert_parts((r), (const struct part[]){__VA_ARGS__},                                          \
                 sizeof((const struct part[]){__VA_ARGS__}) / sizeof(struct part))

enum { CHUNK = SOURCE_CHUNK_BYTES };

static void begin(struct source_rig *r)
{
    source_rig_init(r);
    rig_write(r, "", SPAN(""));
    rig_sync(r, 1);
}

static void d31_line_of_16384_and_a_newline_alone(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_log(&r, 1, "\\n");
    rig_pull_all(&r);
    ASSERT_PARTS(&r, {"o:", 'a', CHUNK, "\n"});
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

static void d31_several_chunks_and_a_rest(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log(&r, 1, "before\\n");
    rig_log_chunk(&r, 2, "stdout", 'a');
    rig_log_chunk(&r, 2, "stdout", 'a');
    rig_log(&r, 2, "rest\\n");
    rig_log(&r, 3, "\\n");
    rig_pull_all(&r);
    ASSERT_PARTS(&r, {"o:before\n", 0, 0, ""}, {"o:", 'a', 2 * CHUNK, "rest\n"},
                 {"o:\n", 0, 0, ""});
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

/* An unterminated piece shorter than 16,384 is its stream's end: at once, never glued. */
static void d31_short_unterminated_piece_is_emitted_at_once(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log(&r, 1, "tail");
    rig_pull_all(&r);
    assert_came(&r, "ou:tail\n");
    rig_log(&r, 1, "next run\\n");
    rig_pull_all(&r);
    assert_came(&r, "o:next run\n");
    source_rig_deinit(&r);
}

static void d31_chunks_and_a_short_end(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_log(&r, 1, "end");
    rig_log(&r, 2, "other\\n");
    rig_pull_all(&r);
    ASSERT_PARTS(&r, {"ou:", 'a', CHUNK, "end\n"}, {"o:other\n", 0, 0, ""});
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

static void d31_other_time_ends_a_whole_chunk(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_pull_all(&r);
    assert_came_nothing(&r); /* there is no timer */
    rig_log_chunk(&r, 2, "stdout", 'b');
    rig_pull_all(&r);
    ASSERT_PARTS(&r, {"ou:", 'a', CHUNK, "\n"});
    rig_log(&r, 3, "c\\n");
    rig_pull_all(&r);
    ASSERT_PARTS(&r, {"ou:", 'b', CHUNK, "\n"}, {"o:c\n", 0, 0, ""});
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

static void d31_streams_interleave(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'o');
    rig_log_stream(&r, 2, "stderr", "err1\\n");
    rig_log_chunk(&r, 3, "stderr", 'e');
    rig_log_chunk(&r, 1, "stdout", 'o');
    rig_log(&r, 1, "p\\n");
    rig_log(&r, 4, "ok\\n");
    rig_log_stream(&r, 3, "stderr", "q\\n");
    rig_pull_all(&r);
    ASSERT_PARTS(&r, {"e:err1\n", 0, 0, ""}, {"o:", 'o', 2 * CHUNK, "p\n"}, {"o:ok\n", 0, 0, ""},
                 {"e:", 'e', CHUNK, "q\n"});
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

/* Each bad byte is one `\ufffd`: six characters in the file, one source byte. */
static void d31_bad_bytes_count_one_each(void **state)
{
    struct source_rig r;
    begin(&r);
    struct buf log = BUF_INIT(1024 * 1024);
    for (int i = 0; i < CHUNK; i++)
        buf_append(&log, SPAN("\\ufffd"));
    rig_log(&r, 1, buf_string(&log));
    rig_log(&r, 1, "end\\n");
    rig_pull_all(&r);
    assert_int_equal(r.came.size, strlen("o:") + 3 * CHUNK + strlen("end\n"));
    log.size = (CHUNK - 1) * strlen("\\ufffd");
    buf_clear(&r.came);
    rig_log(&r, 2, buf_string(&log)); /* one byte less: an end */
    rig_pull_all(&r);
    assert_int_equal(r.came.size, strlen("ou:\n") + 3 * (CHUNK - 1));
    buf_deinit(&log);
    source_rig_deinit(&r);
}

static void d31_line_goes_on_in_the_next_segments(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_rotate(&r, 5);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_sync(&r, 1);
    rig_rotate(&r, 5);
    rig_log_stream(&r, 2, "stderr", "between\\n");
    rig_log(&r, 1, "end\\n");
    rig_sync(&r, 1);
    rig_pull_all(&r);
    ASSERT_PARTS(&r, {"e:between\n", 0, 0, ""}, {"o:", 'a', 2 * CHUNK, "end\n"});
    assert_chain(&r, "1s 2s 3");
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

/* The cursor names the place of the first chunk: what it lies in is still needed. */
static void open_line_keeps_its_segment(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_rotate(&r, 5);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_int_equal(r.follow.cursor.segment.serial, 2);
    assert_int_equal(follow_needs(&r.follow), 1);
    rig_log(&r, 1, "end\\n");
    rig_pull_all(&r);
    assert_int_equal(follow_needs(&r.follow), 2);
    source_rig_deinit(&r);
}

static void d31_source_s_end_flushes(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_log_chunk(&r, 2, "stderr", 'b');
    rig_pull_all(&r);
    assert_came_nothing(&r);
    rig_remove_container(&r);
    rig_sync(&r, 0);
    rig_assert_crash_proof(&r);
    rig_crash(&r, &CURSOR_INIT);
    buf_clear(&r.came);
    assert_int_equal(rig_pull_all(&r), FOLLOW_END);
    ASSERT_PARTS(&r, {"ou:", 'a', CHUNK, "\n"}, {"eu:", 'b', CHUNK, "\n"});
    assert_true(follow_needs(&r.follow) == SLOT_NEEDS_NOTHING);
    source_rig_deinit(&r);
}

/* `--once`: what is open is flushed; chunks of it may still come. */
static void d31_finish_flushes_and_the_rest_continues(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_pull_all(&r);
    CLEANUP(view_unref) struct view *view = slot_view(r.slot);
    assert_int_equal(follow_finish(&r.follow, &r.tools, view, &r.batch), FOLLOW_PROGRESS);
    assert_int_equal(r.batch.count, 1);
    assert_int_equal(r.batch.entries[0].message.size, CHUNK);
    assert_int_equal(follow_finish(&r.follow, &r.tools, view, &r.batch), FOLLOW_IDLE);
    rig_log(&r, 1, "rest\\n");
    rig_log(&r, 2, "other\\n");
    rig_crash(&r, &r.follow.cursor);
    rig_pull_all(&r);
    assert_came(&r, "oc:rest\no:other\n");
    source_rig_deinit(&r);
}

static void d31_line_is_cut_at_its_cap(void **state)
{
    struct source_rig r;
    const int chunks = LINE_BYTES_MAX / CHUNK;
    begin(&r);
    for (int i = 0; i < 2 * chunks + 1; i++)
        rig_log_chunk(&r, 1, "stdout", 'a');
    rig_log(&r, 1, "end\\n");
    rig_log(&r, 2, "next\\n");
    rig_pull_all(&r);
    ASSERT_PARTS(&r, {"op:", 'a', LINE_BYTES_MAX, "\n"}, {"opc:", 'a', LINE_BYTES_MAX, "\n"},
                 {"oc:", 'a', CHUNK, "end\n"}, {"o:next\n", 0, 0, ""});
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

static void d31_line_is_cut_when_it_spreads_too_far(void **state)
{
    struct source_rig r;
    struct buf torn = BUF_INIT(CHUNK);
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    for (int i = 0; i < LINE_SPREAD_MAX / CHUNK; i++) {
        rig_log_chunk(&r, 2 + i, "stderr", 'b');
        rig_log_stream(&r, 2 + i, "stderr", "\\n");
        if (i == 100) { /* a torn tail counts too */
            append_fill(&torn, 'x', CHUNK);
            rig_write(&r, "", buf_span(&torn));
            rig_rotate(&r, 5);
            rig_sync(&r, 1);
        }
    }
    rig_log(&r, 1, "late\\n");
    rig_pull_all(&r);
    struct span came = buf_span(&r.came);
    const char *partial = memmem(came.data, came.size, "op:aaa", 6);
    assert_non_null(partial);
    assert_non_null(memmem(partial, came.size - (size_t)(partial - came.data), "oc:late\n", 8));
    rig_assert_crash_proof(&r);
    buf_deinit(&torn);
    source_rig_deinit(&r);
}

/* Without a time there is no sign of what belongs together: each is a line of its own. */
static void s23_chunks_without_a_time_are_not_joined(void **state)
{
    struct source_rig r;
    begin(&r);
    struct buf record = BUF_INIT(64 * 1024);
    for (int i = 0; i < 2; i++) {
        buf_clear(&record);
        buf_append(&record, SPAN("{\"log\":\""));
        append_fill(&record, 'a', CHUNK);
        buf_append(&record, SPAN("\",\"stream\":\"stdout\"}\n"));
        rig_write(&r, "", buf_span(&record));
    }
    rig_log(&r, 1, "next\\n");
    rig_pull_all(&r);
    ASSERT_PARTS(&r, {"out:", 'a', CHUNK, "\n"}, {"out:", 'a', CHUNK, "\n"},
                 {"o:next\n", 0, 0, ""});
    rig_assert_crash_proof(&r);
    buf_deinit(&record);
    source_rig_deinit(&r);
}

/* Booked in the pull that finds it out, and what comes of it later continues what nobody has. */
static void open_line_whose_head_is_gone_is_booked(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_rotate(&r, 5);
    rig_log_stream(&r, 2, "stderr", "x\\n");
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_came(&r, "e:x\n");
    rig_unlink(&r, ".1");
    rig_lose_pins(&r);
    rig_restart(&r);
    assert_int_equal(rig_pull(&r), FOLLOW_PROGRESS); /* with nothing else new */
    assert_came(&r, "gap open_line ?@1:0\n");
    rig_log(&r, 1, "rest\\n");
    rig_pull_all(&r);
    assert_came(&r, "oc:rest\n");
    source_rig_deinit(&r);
}

/* Its head went while another source had its turn, and nothing else is new. */
static void lost_head_is_booked_though_nothing_else_came(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_rotate(&r, 5);
    rig_log_stream(&r, 2, "stderr", "x\\n");
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_came(&r, "e:x\n");
    segment_give_up(r.slot->view->segments[0]);
    r.tools.join_owner = NULL;
    assert_int_equal(rig_pull(&r), FOLLOW_PROGRESS);
    assert_came(&r, "gap open_line ?@1:0\n");
    assert_int_equal(rig_pull(&r), FOLLOW_IDLE);
    source_rig_deinit(&r);
}

/* Another source has its turn: the text of what is open is read again. */
static void lose_text(struct source_rig *r)
{
    r->tools.join_owner = NULL;
    join_drop(&r->tools.join);
}

/* Its middle went while another source had its turn: its two ends do not meet. */
static void r1_lost_middle_is_booked_and_cuts_the_line(void **state)
{
    struct source_rig r;
    begin(&r);
    for (char fill = 'a'; fill <= 'c'; fill++) {
        if (fill > 'a')
            rig_rotate(&r, 5);
        rig_log_chunk(&r, 1, "stdout", fill);
        rig_sync(&r, 1);
    }
    rig_pull_all(&r);
    assert_came_nothing(&r);
    segment_give_up(r.slot->view->segments[1]);
    lose_text(&r);
    assert_int_equal(rig_pull(&r), FOLLOW_PROGRESS); /* with nothing else new */
    ASSERT_PARTS(&r, {"gap open_line ?@1:0\nop:", 'a', CHUNK, "\n"});
    lose_text(&r);
    assert_int_equal(rig_pull(&r), FOLLOW_IDLE); /* booked once */
    rig_log(&r, 1, "end\\n");
    rig_pull_all(&r);
    ASSERT_PARTS(&r, {"oc:", 'c', CHUNK, "end\n"});
    source_rig_deinit(&r);
}

/* Its end went: what was read of it is a part. */
static void r1_lost_end_is_booked_and_cuts_the_line(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_rotate(&r, 5);
    rig_log_chunk(&r, 1, "stdout", 'b');
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_came_nothing(&r);
    segment_give_up(r.slot->view->segments[1]);
    lose_text(&r);
    assert_int_equal(rig_pull(&r), FOLLOW_PROGRESS);
    ASSERT_PARTS(&r, {"gap open_line ?@1:0\nop:", 'a', CHUNK, "\n"});
    assert_int_equal(r.follow.cursor.open[STREAM_STDOUT].kind, OPEN_CUT);
    source_rig_deinit(&r);
}

/* The file in which a chunk stood was emptied, and written on: what stands there now is another. */
static void r1_chunk_in_an_emptied_file_is_booked(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_rotate(&r, 5);
    rig_log_chunk(&r, 1, "stdout", 'b');
    rig_sync(&r, 1);
    rig_pull_all(&r);
    rig_truncate(&r, "", 0);
    rig_log_chunk(&r, 1, "stdout", 'c');
    lose_text(&r);
    rig_pull_all(&r);
    ASSERT_PARTS(&r, {"gap open_line ?@1:0\nop:", 'a', CHUNK, "\n"});
    rig_handle_saw(&r);
    rig_log(&r, 1, "end\\n");
    rig_pull_all(&r);
    const char *gap = memmem(r.came.data, r.came.size, "gap truncated ?@2:", 18);
    assert_ptr_equal(gap, r.came.data);
    const char *rest = memmem(r.came.data, r.came.size, "\noc:ccc", 7);
    assert_non_null(rest);
    assert_int_equal(r.came.data + r.came.size - rest, 4 + CHUNK + 4);
    source_rig_deinit(&r);
}

/* As where nobody has told of the truncation, and the writer goes on at its old offset. */
static void r1_chunk_in_a_file_that_was_cut_short_is_booked(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_sync(&r, 1);
    rig_pull_all(&r);
    uint64_t first = r.follow.cursor.offset;
    rig_log_chunk(&r, 1, "stdout", 'b');
    rig_pull_all(&r);
    uint64_t both = r.follow.cursor.offset;
    rig_truncate(&r, "", first);
    rig_truncate(&r, "", both);
    lose_text(&r);
    rig_pull(&r);
    ASSERT_PARTS(&r, {"gap open_line ?@1:0\nop:", 'a', CHUNK, "\n"});
    source_rig_deinit(&r);
}

/* Two sources take turns in one route: the join holds the text of one at a time. */
static void open_lines_survive_another_source_s_turn(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_pull_all(&r);
    lose_text(&r);
    rig_log(&r, 1, "end\\n");
    rig_pull_all(&r);
    ASSERT_PARTS(&r, {"o:", 'a', CHUNK, "end\n"});
    source_rig_deinit(&r);
}

static int local_driver(void **state)
{
    rig_format = RECORD_LOCAL;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d31_line_of_16384_and_a_newline_alone),
        cmocka_unit_test(d31_several_chunks_and_a_rest),
        cmocka_unit_test(d31_short_unterminated_piece_is_emitted_at_once),
        cmocka_unit_test(d31_chunks_and_a_short_end),
        cmocka_unit_test(d31_other_time_ends_a_whole_chunk),
        cmocka_unit_test(d31_streams_interleave),
        cmocka_unit_test(d31_bad_bytes_count_one_each),
        cmocka_unit_test(d31_line_goes_on_in_the_next_segments),
        cmocka_unit_test(open_line_keeps_its_segment),
        cmocka_unit_test(d31_source_s_end_flushes),
        cmocka_unit_test(d31_finish_flushes_and_the_rest_continues),
        cmocka_unit_test(d31_line_is_cut_at_its_cap),
        cmocka_unit_test(d31_line_is_cut_when_it_spreads_too_far),
        cmocka_unit_test(s23_chunks_without_a_time_are_not_joined),
        cmocka_unit_test(open_line_whose_head_is_gone_is_booked),
        cmocka_unit_test(lost_head_is_booked_though_nothing_else_came),
        cmocka_unit_test(r1_lost_middle_is_booked_and_cuts_the_line),
        cmocka_unit_test(r1_lost_end_is_booked_and_cuts_the_line),
        cmocka_unit_test(r1_chunk_in_an_emptied_file_is_booked),
        cmocka_unit_test(r1_chunk_in_a_file_that_was_cut_short_is_booked),
        cmocka_unit_test(open_lines_survive_another_source_s_turn),
    };
    /* Those that write nothing themselves in the form of a json-file. */
    const struct CMUnitTest local_tests[] = {
        cmocka_unit_test(d31_line_of_16384_and_a_newline_alone),
        cmocka_unit_test(d31_several_chunks_and_a_rest),
        cmocka_unit_test(d31_short_unterminated_piece_is_emitted_at_once),
        cmocka_unit_test(d31_chunks_and_a_short_end),
        cmocka_unit_test(d31_other_time_ends_a_whole_chunk),
        cmocka_unit_test(d31_streams_interleave),
        cmocka_unit_test(d31_line_goes_on_in_the_next_segments),
        cmocka_unit_test(open_line_keeps_its_segment),
        cmocka_unit_test(d31_source_s_end_flushes),
        cmocka_unit_test(d31_finish_flushes_and_the_rest_continues),
        cmocka_unit_test(d31_line_is_cut_at_its_cap),
        cmocka_unit_test(open_line_whose_head_is_gone_is_booked),
        cmocka_unit_test(lost_head_is_booked_though_nothing_else_came),
        cmocka_unit_test(r1_lost_middle_is_booked_and_cuts_the_line),
        cmocka_unit_test(r1_lost_end_is_booked_and_cuts_the_line),
        cmocka_unit_test(r1_chunk_in_an_emptied_file_is_booked),
        cmocka_unit_test(r1_chunk_in_a_file_that_was_cut_short_is_booked),
        cmocka_unit_test(open_lines_survive_another_source_s_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) +
           cmocka_run_group_tests_name("local", local_tests, local_driver, NULL);
}
