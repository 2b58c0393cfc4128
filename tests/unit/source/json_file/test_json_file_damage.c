// SPDX-License-Identifier: Apache-2.0
/* What is no record is booked, to the byte, and costs no other line: S21 S22 D22 D32. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_AT(second)                                                                          \
    "{\"log\":\"m" #second "\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:" #second "Z"  \
    "\""                                                                                           \
    "}"
#define NS_AT(second) (INT64_C(1795449660000000000) + (second)*INT64_C(1000000000))

enum { RECORD_SIZE = sizeof(RECORD_AT(10)) - 1 };

static void check_blank(struct fixture *f)
{
    fixture_decode(f, SPAN("\n\r\n  \n" RECORD_AT(10) "\n \r\n"));
    assert_int_equal(f->batch.count, 1);
    assert_int_equal(f->batch.gap_count, 0);
    assert_int_equal(f->batch.blank_lines, 4);
    assert_int_equal(f->batch.bytes_blank, 1 + 2 + 3 + 3);
    assert_int_equal(f->batch.entries[0].offset, 6);
    assert_accounted(f, RECORD_SIZE + 1);

    fixture_decode(f, SPAN(""));
    assert_int_equal(f->result.consumed, 0);
    assert_int_equal(f->batch.count, 0);
    assert_int_equal(f->result.last_record.size, 0);
}

static void s21_blank_lines_are_no_entries_and_no_errors(void **state)
{
    for_each_isa(check_blank);
}

static void check_garbage(struct fixture *f)
{
    fixture_decode(f, SPAN(RECORD_AT(10) "\ngarbage\n[1]\n" RECORD_AT(11) "\n{\"log\":\n"));
    assert_int_equal(f->batch.count, 2);
    assert_int_equal(f->batch.gap_count, 2);
    assert_gap(&f->batch.gaps[0], GAP_MALFORMED, RECORD_SIZE + 1, 8 + 4); /* neighbours are one */
    assert_int_equal(f->batch.gaps[0].after_ns, NS_AT(10));
    assert_int_equal(f->batch.gaps[0].before_ns, NS_AT(11));
    assert_gap(&f->batch.gaps[1], GAP_MALFORMED, 2 * (RECORD_SIZE + 1) + 12, 8);
    assert_int_equal(f->batch.gaps[1].after_ns, NS_AT(11));
    assert_int_equal(f->batch.gaps[1].before_ns, GAP_TIME_UNKNOWN);
    assert_int_equal(f->result.last_ns, NS_AT(11));
    assert_span(f->result.last_record, SPAN(RECORD_AT(11)));
    assert_accounted(f, 2 * (RECORD_SIZE + 1));
}

static void check_reasons(struct fixture *f)
{
    fixture_decode(f, SPAN("garbage\n\0\0\0\nmore\n"));
    assert_int_equal(f->batch.gap_count, 3);
    assert_gap(&f->batch.gaps[0], GAP_MALFORMED, 0, 8);
    assert_gap(&f->batch.gaps[1], GAP_NUL, 8, 4);
    assert_gap(&f->batch.gaps[2], GAP_MALFORMED, 12, 5);
    assert_accounted(f, 0);
}

static void d22_each_gap_has_its_own_reason(void **state)
{
    for_each_isa(check_reasons);
}

static void d22_garbage_is_booked_and_skipped(void **state)
{
    for_each_isa(check_garbage);
}

static void check_no_records(struct fixture *f)
{
    static const char *const lines[] = {
        "{}\n",
        "null\n",
        "\"log\"\n",
        "{\"log\":1}\n",
        "{\"log\":null,\"stream\":\"stdout\"}\n",
        "{\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:10Z\"}\n",
        "{\"log\":\"a\"\n",
        "{\"log\":\"a\",}\n",
        "{\"log\":\"a\" \"stream\":\"stdout\"}\n",
        "{\"log\":\"a\"}}\n",
        "{\"log\":\"a\"} x\n",
        "{\"log\":\"a\",\"x\":01}\n",
        "{\"log\":\"a\",\"x\":1.}\n",
        "{\"log\":\"a\",\"x\":-}\n",
        "{\"log\":\"a\",\"x\":1e}\n",
        "{\"log\":\"a\",\"x\":tru}\n",
        "{\"log\":\"a\",\"x\":[1,]}\n",
        "{\"log\":\"a\",\"x\":{\"b\"}}\n",
        "{log:\"a\"}\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        fixture_decode(f, span_of(lines[i]));
        assert_int_equal(f->batch.count, 0);
        assert_int_equal(f->batch.gap_count, 1);
        assert_gap(&f->batch.gaps[0], GAP_MALFORMED, 0, (int64_t)strlen(lines[i]));
    }
}

static void s22_other_json_is_no_record(void **state)
{
    for_each_isa(check_no_records);
}

static void check_nuls(struct fixture *f)
{
    fixture_decode(f, SPAN("\0\0\0" RECORD_AT(10) "\n" RECORD_AT(11) "\0\0\n\0\0\0\0\n\0 \r\n"));
    assert_int_equal(f->batch.count, 2);
    assert_int_equal(f->batch.entries[0].offset, 3);
    assert_int_equal(f->batch.gap_count, 3);
    assert_gap(&f->batch.gaps[0], GAP_NUL, 0, 3);
    assert_int_equal(f->batch.gaps[0].after_ns, GAP_TIME_UNKNOWN);
    assert_int_equal(f->batch.gaps[0].before_ns, NS_AT(10));
    assert_gap(&f->batch.gaps[1], GAP_NUL, 3 + 2 * RECORD_SIZE + 1, 2);
    assert_int_equal(f->batch.gaps[1].after_ns, NS_AT(11));
    assert_gap(&f->batch.gaps[2], GAP_NUL, 3 + 2 * RECORD_SIZE + 1 + 3, 5 + 4);
    assert_span(f->result.last_record, SPAN(RECORD_AT(11)));
    assert_accounted(f, 2 * (RECORD_SIZE + 1));

    /* Bytes that were lost inside a text are not papered over. */
    fixture_decode(
        f,
        SPAN("{\"log\":\"a\0\0b\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:10Z\"}\n"));
    assert_int_equal(f->batch.count, 0);
    assert_int_equal(f->batch.gaps[0].reason, GAP_MALFORMED);
}

static void d32_nul_runs_are_dropped_and_booked(void **state)
{
    for_each_isa(check_nuls);
}

/* In the first line of all, where no time before it could have been remembered. */
static void check_nul_time(struct fixture *f)
{
    fixture_decode(f, SPAN("{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\""
                           "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0.5Z\"}\n"));
    assert_int_equal(f->batch.count, 0);
    assert_int_equal(f->batch.gaps[0].reason, GAP_MALFORMED);
}

static void d32_nuls_are_no_time(void **state)
{
    for_each_isa(check_nul_time);
}

/* `fragment` in front of a record, in its line. */
static void check_fragment(struct fixture *f, struct span fragment, enum gap_reason reason)
{
    struct buf line = BUF_INIT(4096);
    buf_append(&line, SPAN(RECORD_AT(10) "\n"));
    buf_append(&line, fragment);
    buf_append(&line, SPAN(RECORD_AT(11) "\n" RECORD_AT(12) "\n"));
    fixture_decode(f, buf_span(&line));
    buf_deinit(&line);

    assert_int_equal(f->batch.count, 3);
    assert_span(f->batch.entries[1].message, SPAN("m11"));
    assert_int_equal(f->batch.entries[1].offset, RECORD_SIZE + 1 + fragment.size);
    assert_int_equal(f->batch.entries[2].offset, 2 * (RECORD_SIZE + 1) + fragment.size);
    assert_int_equal(f->batch.gap_count, 1);
    assert_gap(&f->batch.gaps[0], reason, RECORD_SIZE + 1, (int64_t)fragment.size);
    assert_int_equal(f->batch.gaps[0].after_ns, NS_AT(10));
    assert_int_equal(f->batch.gaps[0].before_ns, NS_AT(11));
    assert_accounted(f, 3 * (RECORD_SIZE + 1));
}

static void check_fragments(struct fixture *f)
{
    check_fragment(f, SPAN("\0\0\0\0"), GAP_NUL);
    check_fragment(f, SPAN("x"), GAP_TORN);
    check_fragment(f, SPAN("\0{\"lo"), GAP_TORN);
    check_fragment(f, SPAN("{\"l\0\0\0"), GAP_TORN);
    check_fragment(f, SPAN(RECORD_AT(13)), GAP_TORN); /* its newline is lost, so what is it? */
    check_fragment(f, SPAN("{\"log\":\"{\"log\":\"{\"log\":\""), GAP_TORN);

    /* A record cut after each of its bytes. */
    static const char record[] =
        "{\"log\":\"text \\\"of\\\" a line\\u001b\\\\\\n\",\"stream\":\"stdout\","
        "\"attrs\":{\"log\":\"x\"},\"time\":\"2026-11-23T16:01:09.5Z\"}";
    for (size_t size = 1; size < sizeof(record) - 1; size++)
        check_fragment(f, (struct span){record, size}, GAP_TORN);
}

static void d32_a_fragment_before_a_record_is_torn_off(void **state)
{
    for_each_isa(check_fragments);
}

static void check_attrs_after_fragment(struct fixture *f)
{
    fixture_decode(
        f, SPAN("{\"log\":\"tor{\"log\":\"m\\n\",\"stream\":\"stderr\",\"attrs\":{\"log\":\"x\"},"
                "\"time\":\"2026-11-23T16:01:10Z\"}\n"));
    assert_message(f, "m");
    assert_gap(&f->batch.gaps[0], GAP_TORN, 0, 11);
    assert_span(f->batch.entries[0].attrs, SPAN("{\"log\":\"x\"}"));

    /* Without its time it is not known for a whole record. */
    fixture_decode(f, SPAN("{\"log\":\"tor{\"log\":\"m\\n\",\"stream\":\"stderr\"}\n"));
    assert_int_equal(f->batch.count, 0);
    assert_gap(&f->batch.gaps[0], GAP_MALFORMED, 0, (int64_t)f->input.size);
}

static void d32_resync_is_not_fooled_by_attrs(void **state)
{
    for_each_isa(check_attrs_after_fragment);
}

/* Objects within objects, each of which might be the start of a record: the search must not look
 * at all the rest for each of them. */
static void check_nesting(struct fixture *f)
{
    struct buf line = BUF_INIT(1 << 20);
    for (int i = 0; i < 50000; i++)
        buf_append(&line, SPAN("{\"log\":\"a\",\"x\":"));
    buf_append_char(&line, '\n');
    fixture_decode(f, buf_span(&line));
    assert_int_equal(f->batch.count, 0);
    assert_gap(&f->batch.gaps[0], GAP_MALFORMED, 0, (int64_t)line.size);
    buf_deinit(&line);
}

static void d32_the_search_for_a_record_is_bounded(void **state)
{
    for_each_isa(check_nesting);
}

static void check_no_room_for_entries(struct fixture *f)
{
    struct buf lines = BUF_INIT(4 << 20);
    for (int i = 0; i < BATCH_ENTRIES_MAX + 5; i++)
        buf_append(&lines, SPAN(RECORD_AT(10) "\n"));
    fixture_decode(f, buf_span(&lines));
    assert_int_equal(f->batch.count, BATCH_ENTRIES_MAX);
    assert_int_equal(f->result.consumed, BATCH_ENTRIES_MAX * (RECORD_SIZE + 1));
    assert_accounted(f, f->result.consumed);

    /* The next line is one for the tokenizer. */
    lines.data[BATCH_ENTRIES_MAX * (RECORD_SIZE + 1) + RECORD_SIZE] = ' ';
    fixture_decode(f, buf_span(&lines));
    assert_int_equal(f->result.consumed, BATCH_ENTRIES_MAX * (RECORD_SIZE + 1));
    buf_deinit(&lines);
}

static void s29_a_full_batch_ends_the_call(void **state)
{
    for_each_isa(check_no_room_for_entries);
}

static void check_no_room_for_gaps(struct fixture *f)
{
    struct buf lines = BUF_INIT(1 << 20);
    for (int i = 0; i < BATCH_GAPS_MAX + 5; i++)
        buf_append(&lines, SPAN("{\"l" RECORD_AT(10) "\n"));
    size_t line_size = RECORD_SIZE + 4;
    fixture_decode(f, buf_span(&lines));
    assert_in_range(f->batch.gap_count, BATCH_GAPS_MAX - 1, BATCH_GAPS_MAX);
    assert_int_equal(f->batch.count, f->batch.gap_count);
    assert_int_equal(f->result.consumed, f->batch.gap_count * line_size);
    assert_accounted(f, f->batch.count * (RECORD_SIZE + 1));
    buf_deinit(&lines);
}

static void d22_a_batch_full_of_gaps_ends_the_call(void **state)
{
    for_each_isa(check_no_room_for_gaps);
}

static void check_no_room_in_arena(struct fixture *f)
{
    static const char line[] =
        "{\"log\":\"\\ud800 to be written "
        "anew\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:10Z\"}\n"
        "{\"log\":\"an \\\"escaped\\\" "
        "line\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:10Z\"}\n";
    struct buf lines = BUF_INIT(1 << 20);
    for (int i = 0; i < 100; i++)
        buf_append(&lines, (struct span){line, sizeof(line) - 1});
    size_t capacity = f->batch.arena.capacity;
    f->batch.arena.capacity = 600;
    fixture_decode(f, buf_span(&lines));
    f->batch.arena.capacity = capacity;

    assert_true(f->result.consumed > 0 && f->result.consumed < lines.size);
    assert_int_equal(f->input.data[f->result.consumed - 1], '\n');
    assert_true(f->batch.arena.used <= 600);
    assert_accounted(f, f->result.consumed);
    buf_deinit(&lines);
}

static void s29_a_full_arena_ends_the_call(void **state)
{
    for_each_isa(check_no_room_in_arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s21_blank_lines_are_no_entries_and_no_errors),
        cmocka_unit_test(d22_garbage_is_booked_and_skipped),
        cmocka_unit_test(d22_each_gap_has_its_own_reason),
        cmocka_unit_test(s22_other_json_is_no_record),
        cmocka_unit_test(d32_nul_runs_are_dropped_and_booked),
        cmocka_unit_test(d32_nuls_are_no_time),
        cmocka_unit_test(d32_a_fragment_before_a_record_is_torn_off),
        cmocka_unit_test(d32_resync_is_not_fooled_by_attrs),
        cmocka_unit_test(d32_the_search_for_a_record_is_bounded),
        cmocka_unit_test(s29_a_full_batch_ends_the_call),
        cmocka_unit_test(d22_a_batch_full_of_gaps_ends_the_call),
        cmocka_unit_test(s29_a_full_arena_ends_the_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
