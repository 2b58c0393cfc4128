// SPDX-License-Identifier: Apache-2.0
/* What the numbers of chunks tell beside their time: a head or a middle that is missing, another
 * line; and characters that were cut (D31 D27 R1). */
#include "source_rig.h"

#include "source/local_file/frame_write.h"

static void begin(struct source_rig *r)
{
    rig_format = RECORD_LOCAL;
    source_rig_init(r);
    rig_write(r, "", SPAN(""));
    rig_sync(r, 1);
}

/* What came with each run of a letter as its length. */
static void assert_came_short(struct source_rig *r, const char *expected)
{
    struct buf text = BUF_INIT(RIG_TEXT_MAX);
    for (size_t at = 0, run; at < r->came.size; at += run) {
        char c = r->came.data[at];
        for (run = 1; at + run < r->came.size && r->came.data[at + run] == c; run++)
            ;
        if (run > 100)
            buf_append_format(&text, "%zu%c", run, c);
        else
            buf_append(&text, (struct span){r->came.data + at, run});
    }
    assert_text_equal(text.size ? buf_span(&text) : SPAN(""), span_of(expected));
    buf_deinit(&text);
    buf_clear(&r->came);
}

/* The first generations are gone, with the head of the line (docker-logs 8, 21). */
static void a_missing_head_is_booked(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_drop_chunk(&r, "stdout");
    r.lines[STREAM_STDOUT].at_ns = 1;
    rig_log_chunk(&r, 1, "stdout", 'b');
    rig_log(&r, 1, "end\\n");
    rig_log(&r, 2, "next\\n");
    rig_pull_all(&r);
    assert_came_short(&r, "gap open_line ?@1:0\noc:16384bend\no:next\n");
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

static void a_last_chunk_alone_is_the_end_of_something(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log(&r, 1, "whole\\n");
    r.lines[STREAM_STDOUT] = (struct rig_line){.at_ns = 2, .chunks = 4};
    rig_log(&r, 2, "end\\n");
    rig_pull_all(&r);
    assert_came(&r, "gap open_line ?@1:33\no:whole\noc:end\n");
    source_rig_deinit(&r);
}

/* `mode=non-blocking`: what is left is not joined as if nothing was missing. */
static void a_missing_middle_cuts_the_line(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_log_chunk(&r, 1, "stdout", 'b');
    rig_drop_chunk(&r, "stdout");
    rig_log_chunk(&r, 1, "stdout", 'c');
    rig_log(&r, 1, "end\\n");
    rig_pull_all(&r);
    assert_came_short(&r, "gap dropped ?@1:32848\nop:16384a16384b\noc:16384cend\n");
    assert_int_equal(r.follow.cursor.open[STREAM_STDOUT].kind, OPEN_NONE);
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

/* Far more than a pull may book: what is missing is told once a pull. */
static void many_missing_pieces_in_one_pull(void **state)
{
    struct source_rig r;
    begin(&r);
    for (int i = 0; i < 200; i++) {
        r.lines[STREAM_STDOUT] = (struct rig_line){.at_ns = i, .chunks = 4};
        rig_log(&r, i, "end\\n");
        if (i % 2)
            rig_write_text(&r, "", "damage");
    }
    rig_log(&r, 1000, "last\\n");
    rig_pull_all(&r);
    size_t ends = 0, booked = 0;
    for (const char *p = r.came.data; (p = strstr(p, "oc:end\n")); p++)
        ends++;
    buf_append_char(&r.came, '\0');
    for (const char *p = r.came.data; (p = strstr(p, "gap open_line")); p++)
        booked++;
    assert_int_equal(ends, 200);
    assert_in_range(booked, 1, 10);
    source_rig_deinit(&r);
}

/* The first chunk of another line, though the times are equal. */
static void a_first_chunk_begins_another_line(void **state)
{
    struct source_rig r;
    begin(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    r.lines[STREAM_STDOUT].chunks = 0;
    rig_log_chunk(&r, 1, "stdout", 'b');
    rig_log(&r, 1, "end\\n");
    rig_pull_all(&r);
    assert_came_short(&r, "ou:16384a\no:16384bend\n");
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

/* awslogs' cache: chunks of another size. */
static void larger_chunks_are_joined_too(void **state)
{
    enum { SIZE = 262118 };
    struct source_rig r;
    char *text = malloc(SIZE);
    assert_non_null(text);
    memset(text, 'x', SIZE);
    begin(&r);
    struct buf file = BUF_INIT(4 * SIZE);
    for (uint32_t i = 1; i <= 3; i++) {
        struct local_partial partial = {.last = i == 3, .ordinal = i};
        assert_int_equal(local_frame_write(&file, STREAM_STDERR, RIG_EPOCH + 5,
                                           (struct span){text, i < 3 ? SIZE : 7}, &partial),
                         0);
    }
    rig_write(&r, "", buf_span(&file));
    rig_pull_all(&r);
    assert_came_short(&r, "e:524243x\n");
    rig_assert_crash_proof(&r);
    buf_deinit(&file);
    free(text);
    source_rig_deinit(&r);
}

/* D27: in either form a character that Docker cut is whole again, and what is no UTF-8 is not. */
static void d27_a_cut_character_is_whole_again(void **state)
{
    for (int form = FORM_BYTES; form <= FORM_JSON; form++) {
        struct source_rig r;
        rig_form = (enum message_form)form;
        begin(&r);
        char chunk[SOURCE_CHUNK_BYTES];
        memset(chunk, 'm', sizeof(chunk));
        chunk[sizeof(chunk) - 1] = '\xe2';
        struct local_partial first = {.ordinal = 1}, last = {.ordinal = 2, .last = true};
        struct buf file = BUF_INIT(RECORD_BYTES_MAX);
        assert_int_equal(local_frame_write(&file, STREAM_STDOUT, RIG_EPOCH,
                                           (struct span){chunk, sizeof(chunk)}, &first),
                         0);
        assert_int_equal(
            local_frame_write(&file, STREAM_STDOUT, RIG_EPOCH, SPAN("\x82\xac\"\xff"), &last), 0);
        rig_write(&r, "", buf_span(&file));
        rig_pull_all(&r);
        assert_came_short(&r, form == FORM_BYTES ? "o:16383m\xe2\x82\xac\"\xff\n"
                                                 : "o:16383m\xe2\x82\xac\\\"\xef\xbf\xbd\n");
        rig_assert_crash_proof(&r);
        buf_deinit(&file);
        source_rig_deinit(&r);
    }
    rig_form = FORM_BYTES;
}

/* Record by record (`cat --output raw`): nothing is joined, and each is in the batch's form. */
static void records_are_left_apart_where_asked(void **state)
{
    struct source_rig r;
    rig_form = FORM_JSON;
    begin(&r);
    r.tools.records = true;
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_log(&r, 1, "\\\"\\n");
    rig_pull_all(&r);
    assert_came_short(&r, "ou:16384a\no:\\\"\n");
    rig_form = FORM_BYTES;
    source_rig_deinit(&r);
}

/* A line of more than 1 MiB: as for json-file, cut and continued, however often. */
static void d31_a_giant_line_is_cut_and_continued(void **state)
{
    struct source_rig r;
    begin(&r);
    for (int i = 0; i < 64 * 4 + 3; i++)
        rig_log_chunk(&r, 1, "stdout", 'g');
    rig_log(&r, 1, "end\\n");
    rig_pull_all(&r);
    assert_came_short(&r, "op:1048576g\nopc:1048576g\nopc:1048576g\nopc:1048576g\noc:49152gend\n");
    rig_assert_crash_proof(&r);
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_head_is_booked),
        cmocka_unit_test(a_last_chunk_alone_is_the_end_of_something),
        cmocka_unit_test(a_missing_middle_cuts_the_line),
        cmocka_unit_test(many_missing_pieces_in_one_pull),
        cmocka_unit_test(a_first_chunk_begins_another_line),
        cmocka_unit_test(larger_chunks_are_joined_too),
        cmocka_unit_test(d27_a_cut_character_is_whole_again),
        cmocka_unit_test(records_are_left_apart_where_asked),
        cmocka_unit_test(d31_a_giant_line_is_cut_and_continued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
