// SPDX-License-Identifier: Apache-2.0
/* What is no frame is booked, to the byte, and costs no other record: D22 D32 R1. */
#include "local_fixture.h"

static uint64_t gap_bytes(const struct local_fixture *f)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < f->batch.gap_count; i++)
        sum += (uint64_t)f->batch.gaps[i].bytes;
    return sum;
}

/* What a full disk leaves of a record, cut at every length, then whole ones. */
static void d32_a_torn_record_of_each_length(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    struct buf torn = BUF_INIT(1024);
    assert_int_equal(local_frame_write(&torn, STREAM_STDERR, TIME_NS, SPAN("lost text"), NULL), 0);
    for (size_t size = 1; size < torn.size; size++) {
        buf_clear(&f.file);
        put_line(&f, 1, "before");
        uint64_t start = f.file.size;
        buf_append(&f.file, (struct span){torn.data, size});
        put_line(&f, 2, "behind");
        put_line(&f, 3, "and more, so that the lost frame's length is there");
        decode_file(&f);
        assert_int_equal(f.result.consumed, f.file.size);
        assert_int_equal(f.batch.count, 3);
        assert_message(&f, 0, "before");
        assert_message(&f, 1, "behind");
        assert_int_equal(f.batch.gaps[0].offset, start);
        assert_int_equal(gap_bytes(&f), size);
        enum gap_reason reason = f.batch.gaps[0].reason;
        assert_true(size <= 3 ? reason == GAP_NUL : reason == GAP_TORN);
    }
    buf_deinit(&torn);
    local_fixture_deinit(&f);
}

static void d22_each_damage_has_its_own_reason(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    put_nuls(&f, 9);
    put_bytes(&f, "garbage");
    put_nuls(&f, 5);
    put_line(&f, 1, "one");
    uint64_t second = f.file.size;
    put_nuls(&f, 567);
    put_bytes(&f, "\0\0\0\x20" FRAME_STDOUT "\x10\x84");
    put_line(&f, 2, "two");
    put_line(&f, 3, "three");
    decode_file(&f);
    assert_int_equal(f.batch.count, 3);
    assert_int_equal(f.batch.gap_count, 5);
    assert_gap(&f.batch.gaps[0], GAP_NUL, 0, 9);
    assert_gap(&f.batch.gaps[1], GAP_MALFORMED, 9, 7);
    assert_gap(&f.batch.gaps[2], GAP_NUL, 16, 5);
    assert_gap(&f.batch.gaps[3], GAP_NUL, second, 567);
    assert_gap(&f.batch.gaps[4], GAP_TORN, second + 567, 14);
    assert_int_equal(f.batch.gaps[2].before_ns, TIME_NS + 1);
    assert_int_equal(f.batch.gaps[4].after_ns, TIME_NS + 1);
    assert_int_equal(f.batch.gaps[4].before_ns, TIME_NS + 2);
    local_fixture_deinit(&f);
}

/* What a container wrote decides nothing: a frame in a line is text. */
static void a_frame_inside_a_line_is_text(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    struct buf inner = BUF_INIT(1024);
    assert_int_equal(local_frame_write(&inner, STREAM_STDERR, 1, SPAN("forged"), NULL), 0);
    assert_int_equal(local_frame_write(&f.file, STREAM_STDOUT, TIME_NS, buf_span(&inner), NULL), 0);
    /* Also while its own frame is being written. */
    for (size_t size = 0; size < f.file.size; size++)
        assert_int_equal(frames_whole((struct span){f.file.data, size}), 0);
    decode_file(&f);
    assert_int_equal(f.batch.count, 1);
    assert_span(f.batch.entries[0].message, buf_span(&inner));
    buf_deinit(&inner);
    local_fixture_deinit(&f);
}

static void a_byte_changed_anywhere_costs_its_record_at_most(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    put_line(&f, 1, "one");
    size_t from = f.file.size;
    put_line(&f, 2, "two");
    size_t to = f.file.size;
    put_line(&f, 3, "three");
    put_line(&f, 4, "a line that is long enough for any length that the second one may claim");
    for (size_t at = from; at < to; at++) {
        char is = f.file.data[at];
        f.file.data[at] = (char)(is ^ 0x15);
        decode_file(&f);
        if (f.result.consumed == f.file.size) { /* else it waits for what the mark claims */
            assert_in_range(f.batch.count, 3, 4);
            assert_message(&f, 0, "one");
            assert_message(&f, f.batch.count - 2, "three");
            uint64_t passed = gap_bytes(&f);
            assert_true(passed == 0 ? f.batch.count == 4 : passed == to - from);
        } else {
            assert_true(at < from + FRAME_MARK_SIZE && f.result.consumed == from);
        }
        f.file.data[at] = is;
    }
    local_fixture_deinit(&f);
}

/* The batch's room: the decode stops before what has none, and goes on from there. */
static void it_stops_where_the_batch_is_full(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    for (int i = 0; i < BATCH_GAPS_MAX; i++) {
        put_line(&f, i, "x");
        put_bytes(&f, "damage");
    }
    put_line(&f, 0, "x");
    size_t lines = 0;
    for (size_t at = 0; at < f.file.size; at += f.result.consumed) {
        decode_span(&f, (struct span){f.file.data + at, f.file.size - at});
        assert_true(f.result.consumed > 0);
        assert_true(f.batch.gap_count <= BATCH_GAPS_MAX - LOCAL_FILE_GAPS_LEFT);
        lines += f.batch.count;
    }
    assert_int_equal(lines, BATCH_GAPS_MAX + 1);

    buf_clear(&f.file);
    for (int i = 0; i < BATCH_ENTRIES_MAX + 5; i++)
        put_line(&f, i, "x");
    decode_file(&f);
    assert_int_equal(f.batch.count, BATCH_ENTRIES_MAX);
    assert_int_equal(f.result.consumed, f.file.size / (BATCH_ENTRIES_MAX + 5) * BATCH_ENTRIES_MAX);
    local_fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d32_a_torn_record_of_each_length),
        cmocka_unit_test(d22_each_damage_has_its_own_reason),
        cmocka_unit_test(a_frame_inside_a_line_is_text),
        cmocka_unit_test(a_byte_changed_anywhere_costs_its_record_at_most),
        cmocka_unit_test(it_stops_where_the_batch_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
