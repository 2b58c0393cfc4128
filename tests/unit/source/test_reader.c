// SPDX-License-Identifier: Apache-2.0
/* Whole records from any offset of a plain or compressed segment; what is no record is told by
 * bytes (design §6, R5, D32). */
#include "source_rig.h"

#include <string.h>

#include "base/limits.h"

#define RECORD "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:00Z\"}\n"

static const struct reader_before nothing = {0};

static struct segment *only_segment(struct source_rig *r)
{
    assert_int_equal(r->slot->view->segment_count, 1);
    return r->slot->view->segments[0];
}

static int read_at(struct source_rig *r, uint64_t offset, struct reader_result *ret)
{
    return reader_read(r->reader, only_segment(r), offset, &nothing, ret);
}

static void write_fill(struct source_rig *r, char byte, size_t size)
{
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, byte, size);
    rig_write(r, "", (struct span){bytes, size});
    free(bytes);
}

static void open_with(struct source_rig *r, const char *text)
{
    source_rig_init(r);
    rig_write_text(r, "", text);
    rig_sync(r, 1);
}

static void r5_whole_lines_from_the_offset_on(void **state)
{
    struct source_rig r;
    struct reader_result result;
    open_with(&r, "one\ntwo\nthr");
    assert_int_equal(read_at(&r, 0, &result), 0);
    assert_text_equal(result.records, SPAN("one\ntwo\n"));
    assert_false(result.more);
    assert_int_equal(read_at(&r, 4, &result), 0);
    assert_text_equal(result.records, SPAN("two\n"));
    source_rig_deinit(&r);
}

/* A torn tail is just unfinished: not consumed. */
static void torn_tail_is_no_line(void **state)
{
    struct source_rig r;
    struct reader_result result;
    open_with(&r, "one\ntwo\nthr");
    assert_int_equal(read_at(&r, 8, &result), READER_END);
    assert_int_equal(result.tail, 3);
    assert_int_equal(read_at(&r, 11, &result), READER_END);
    assert_int_equal(result.tail, 0);
    rig_write_text(&r, "", "ee\n");
    assert_int_equal(read_at(&r, 8, &result), 0);
    assert_text_equal(result.records, SPAN("three\n"));
    source_rig_deinit(&r);
}

static void a_quantum_is_read_at_once_and_no_more(void **state)
{
    struct source_rig r;
    struct reader_result result;
    source_rig_init(&r);
    struct buf lines = BUF_INIT(1024 * 1024);
    while (lines.size < 2 * READ_QUANTUM_BYTES)
        buf_append(&lines, SPAN("twenty bytes a line\n"));
    rig_write(&r, "", buf_span(&lines));
    rig_sync(&r, 1);
    assert_int_equal(read_at(&r, 0, &result), 0);
    assert_int_equal(result.records.size, READ_QUANTUM_BYTES / 20 * 20);
    assert_true(result.more);
    buf_deinit(&lines);
    source_rig_deinit(&r);
}

static void record_as_long_as_allowed_comes_whole(void **state)
{
    struct source_rig r;
    struct reader_result result;
    source_rig_init(&r);
    write_fill(&r, 'x', RECORD_BYTES_MAX - 1);
    rig_write_text(&r, "", "\nnext\n");
    rig_sync(&r, 1);
    assert_int_equal(read_at(&r, 0, &result), 0);
    assert_int_equal(result.records.size, RECORD_BYTES_MAX);
    assert_int_equal(read_at(&r, RECORD_BYTES_MAX, &result), 0);
    assert_text_equal(result.records, SPAN("next\n"));
    source_rig_deinit(&r);
}

/* Wherever the read begins. */
static void longer_record_is_too_long(void **state)
{
    struct source_rig r;
    struct reader_result result;
    source_rig_init(&r);
    rig_write_text(&r, "", "first\n");
    write_fill(&r, 'x', RECORD_BYTES_MAX);
    rig_write_text(&r, "", "\nnext\n");
    rig_sync(&r, 1);
    assert_int_equal(read_at(&r, 0, &result), 0);
    assert_text_equal(result.records, SPAN("first\n"));
    assert_int_equal(read_at(&r, 6, &result), READER_TOO_LONG);
    assert_int_equal(result.bytes, RECORD_BYTES_MAX);
    uint64_t bytes;
    bool found;
    assert_int_equal(reader_search(r.reader, only_segment(&r), 6 + result.bytes, &bytes, &found),
                     0);
    assert_true(found);
    assert_int_equal(bytes, 1);
    assert_int_equal(reader_search(r.reader, only_segment(&r), 6 + 100, &bytes, &found), 0);
    assert_false(found);
    assert_int_equal(bytes, READ_QUANTUM_BYTES);
    assert_int_equal(
        reader_search(r.reader, only_segment(&r), 6 + RECORD_BYTES_MAX + 6, &bytes, &found),
        READER_END);
    source_rig_deinit(&r);
}

static void smaller_limit_holds(void **state)
{
    struct source_rig r;
    struct reader_result result;
    source_rig_init(&r);
    write_fill(&r, 'x', READ_QUANTUM_BYTES);
    rig_write_text(&r, "", "\n");
    rig_sync(&r, 1);
    assert_int_equal(read_at(&r, 0, &result), 0);
    reader_limit_record(r.reader, READ_QUANTUM_BYTES);
    assert_int_equal(read_at(&r, 0, &result), READER_TOO_LONG);
    source_rig_deinit(&r);
}

/* A sparse hole of any size costs one call (SEEK_DATA). */
static void d32_nul_hole_is_jumped_over_as_a_whole(void **state)
{
    struct source_rig r;
    struct reader_result result;
    const uint64_t hole = UINT64_C(1) << 32;
    source_rig_init(&r);
    rig_write_text(&r, "", "");
    rig_truncate(&r, "", hole);
    rig_write_text(&r, "", "after\n");
    rig_sync(&r, 1);
    assert_int_equal(read_at(&r, 0, &result), READER_NUL);
    assert_int_equal(result.bytes, hole);
    assert_int_equal(read_at(&r, hole, &result), 0);
    assert_text_equal(result.records, SPAN("after\n"));
    source_rig_deinit(&r);
}

static void d32_hole_up_to_the_end_is_jumped_over_too(void **state)
{
    struct source_rig r;
    struct reader_result result;
    source_rig_init(&r);
    rig_write_text(&r, "", "one\n");
    rig_truncate(&r, "", UINT64_C(1) << 32);
    rig_sync(&r, 1);
    assert_int_equal(read_at(&r, 4, &result), READER_NUL);
    assert_int_equal(result.bytes, (UINT64_C(1) << 32) - 4);
    source_rig_deinit(&r);
}

static void d32_written_nuls_are_told_by_bytes(void **state)
{
    struct source_rig r;
    struct reader_result result;
    source_rig_init(&r);
    rig_write(&r, "", SPAN("\0\0\0\0\0{\"lo"));
    rig_sync(&r, 1);
    assert_int_equal(read_at(&r, 0, &result), READER_NUL);
    assert_int_equal(result.bytes, 5);
    assert_int_equal(read_at(&r, 5, &result), READER_END);
    assert_int_equal(result.tail, 4);
    source_rig_deinit(&r);
}

static void what_stands_before_the_offset_is_checked(void **state)
{
    struct source_rig r;
    struct reader_result result;
    open_with(&r, "one\ntwo\nthree\n");
    struct reader_before before = reader_remember(SPAN("one\ntwo\n"));
    assert_int_equal(before.size, 8);
    struct segment *s = only_segment(&r);
    assert_int_equal(reader_read(r.reader, s, 8, &before, &result), 0);
    assert_text_equal(result.records, SPAN("three\n"));
    struct reader_before other = reader_remember(SPAN("one\ntvo\n"));
    assert_int_equal(reader_read(r.reader, s, 8, &other, &result), READER_CHANGED);
    rig_truncate(&r, "", 5);
    assert_int_equal(reader_read(r.reader, s, 8, &before, &result), READER_CHANGED);
    source_rig_deinit(&r);
}

static void only_the_end_of_a_long_record_is_remembered(void **state)
{
    char record[3 * READER_BEFORE_MAX];
    memset(record, 'x', sizeof(record));
    struct reader_before a = reader_remember((struct span){record, sizeof(record)});
    record[0] = 'y';
    struct reader_before b = reader_remember((struct span){record, sizeof(record)});
    assert_int_equal(a.size, READER_BEFORE_MAX);
    assert_true(a.hash == b.hash);
    record[sizeof(record) - 1] = 'y';
    assert_true(a.hash != reader_remember((struct span){record, sizeof(record)}).hash);
}

static void gz_reads_as_if_it_were_plain(void **state)
{
    struct source_rig r;
    struct reader_result result;
    source_rig_init(&r);
    rig_write_gzip(&r, ".1.gz", SPAN(RECORD "two\nthr"), SIZE_MAX);
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    struct segment *s = only_segment(&r);
    const uint64_t second = sizeof(RECORD) - 1, third = second + 4;
    assert_true(s->gzip);
    assert_int_equal(read_at(&r, second, &result), 0);
    assert_text_equal(result.records, SPAN("two\n"));
    assert_int_equal(read_at(&r, third, &result), READER_END);
    assert_int_equal(result.tail, 3);
    assert_false(result.damaged);
    assert_int_equal(read_at(&r, 0, &result), 0); /* back */
    assert_int_equal(result.records.size, third);
    reader_forget(r.reader, s);
    struct reader_before before = reader_remember(SPAN("two\n"));
    assert_int_equal(reader_read(r.reader, s, third, &before, &result), READER_END);
    source_rig_deinit(&r);
}

static void segment_that_cannot_be_opened_is_gone(void **state)
{
    struct source_rig r;
    struct reader_result result;
    open_with(&r, "one\n");
    segment_set_pinned(only_segment(&r), false);
    atomic_store(&only_segment(&r)->named, false);
    segment_close_idle(only_segment(&r));
    assert_int_equal(read_at(&r, 0, &result), READER_GONE);
    uint64_t bytes;
    bool found;
    assert_int_equal(reader_search(r.reader, only_segment(&r), 1, &bytes, &found), READER_GONE);
    source_rig_deinit(&r);
}

enum {
    GZ_SOURCES = INFLATERS_MAX + 2,
    GZ_PLAIN_BYTES = 3 * INFLATE_STEP_MAX,
    GZ_ROUNDS_MAX = 2000
};

static struct segment *open_gz(struct source_rig *r)
{
    CLEANUP(close_fd) int fd = -1;
    struct segment *s;
    int got;
    assert_int_equal(segment_acquire(only_segment(r), &got), 0);
    fd = dup(got);
    segment_release(only_segment(r));
    struct segment_options options = {.ref.serial = 1, .gzip = true, .fd = fd};
    assert_int_equal(segment_new(&s, &options), 0);
    (void)TAKE_FD(fd);
    return s;
}

/* More sources in compressed rotations than inflate states: some wait, all come to their end. */
static void further_source_waits_until_a_state_is_free(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    struct buf plain = BUF_INIT(GZ_PLAIN_BYTES);
    buf_append(&plain, SPAN(RECORD));
    while (plain.size + 1024 <= GZ_PLAIN_BYTES) {
        memset(buf_reserve(&plain, 1024), 'x', 1024);
        plain.size += 1024;
        plain.data[plain.size - 1] = '\n';
    }
    rig_write_gzip(&r, ".1.gz", buf_span(&plain), SIZE_MAX);
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);

    struct segment *segments[GZ_SOURCES];
    uint64_t offsets[GZ_SOURCES] = {0};
    size_t ended = 0;
    for (size_t i = 0; i < GZ_SOURCES; i++)
        segments[i] = open_gz(&r);
    for (int round = 0; ended < GZ_SOURCES; round++) {
        assert_true(round < GZ_ROUNDS_MAX);
        for (size_t i = 0; i < GZ_SOURCES; i++) {
            struct reader_result result;
            if (!segments[i])
                continue;
            int outcome = reader_read(r.reader, segments[i], offsets[i], &nothing, &result);
            if (outcome == 0)
                offsets[i] += result.records.size;
            if (outcome != READER_END)
                continue;
            assert_int_equal(offsets[i], plain.size);
            reader_forget(r.reader, segments[i]);
            segments[i] = segment_unref(segments[i]);
            ended++;
        }
    }
    buf_deinit(&plain);
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r5_whole_lines_from_the_offset_on),
        cmocka_unit_test(torn_tail_is_no_line),
        cmocka_unit_test(a_quantum_is_read_at_once_and_no_more),
        cmocka_unit_test(record_as_long_as_allowed_comes_whole),
        cmocka_unit_test(longer_record_is_too_long),
        cmocka_unit_test(smaller_limit_holds),
        cmocka_unit_test(d32_nul_hole_is_jumped_over_as_a_whole),
        cmocka_unit_test(d32_hole_up_to_the_end_is_jumped_over_too),
        cmocka_unit_test(d32_written_nuls_are_told_by_bytes),
        cmocka_unit_test(what_stands_before_the_offset_is_checked),
        cmocka_unit_test(only_the_end_of_a_long_record_is_remembered),
        cmocka_unit_test(gz_reads_as_if_it_were_plain),
        cmocka_unit_test(segment_that_cannot_be_opened_is_gone),
        cmocka_unit_test(further_source_waits_until_a_state_is_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
