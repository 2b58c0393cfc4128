// SPDX-License-Identifier: Apache-2.0
/* Where frames begin and end: what is whole, what waits, what is passed (D32, docker-logs 4.4). */
#include "local_fixture.h"

static size_t whole(const struct buf *file, size_t size)
{
    char *copy = malloc(size ? size : 1); /* of exactly this size */
    assert_non_null(copy);
    if (size)
        memcpy(copy, file->data, size);
    size_t result = frames_whole((struct span){copy, size});
    free(copy);
    return result;
}

/* A tail that was cut anywhere is waited for, and nothing of it is taken. */
static void d32_each_length_of_a_file_waits_for_the_rest(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    size_t ends[4] = {0};
    put_line(&f, 1, "");
    ends[1] = f.file.size;
    put_chunk(&f, 2, "some text", 1, false);
    ends[2] = f.file.size;
    put_line(&f, 3, "more");
    ends[3] = f.file.size;
    for (size_t size = 0; size <= f.file.size; size++) {
        size_t last = 0;
        for (size_t i = 0; i < 4; i++)
            if (ends[i] <= size)
                last = ends[i];
        assert_int_equal(whole(&f.file, size), last);
    }
    local_fixture_deinit(&f);
}

/* A NUL run of any length, then a frame that is aligned to nothing. */
static void d32_nuls_of_any_length_before_a_frame(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    for (size_t nuls = 0; nuls < 40; nuls++) {
        buf_clear(&f.file);
        put_nuls(&f, nuls);
        size_t run = whole(&f.file, f.file.size);
        assert_int_equal(run, nuls > 3 ? nuls - 3 : 0); /* three may begin a mark */
        put_line(&f, 1, "behind");
        for (size_t size = nuls + FRAME_HEAD_SIZE; size < f.file.size; size++)
            assert_int_equal(whole(&f.file, size), nuls);
        assert_int_equal(whole(&f.file, f.file.size), f.file.size);
        decode_file(&f);
        assert_message(&f, 0, "behind");
        assert_int_equal(f.batch.gap_count, nuls > 0);
        if (nuls)
            assert_gap(&f.batch.gaps[0], GAP_NUL, 0, (int64_t)nuls);
    }
    local_fixture_deinit(&f);
}

/* What no frame is, at its very start. */
static void d32_marks_that_are_too_small_or_too_large(void **state)
{
    static const uint32_t sizes[] = {0, 17, PAYLOAD_SIZE_MAX + 1, 0x01000000, UINT32_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct local_fixture f;
        local_fixture_init(&f, FORM_BYTES);
        put_line(&f, 1, "text");
        frame_mark_write(f.file.data, sizes[i]);
        size_t size;
        assert_int_equal(frame_look(buf_span(&f.file), &size), FRAME_NONE);
        assert_int_equal(frame_look((struct span){f.file.data, FRAME_MARK_SIZE}, &size),
                         FRAME_NONE);
        local_fixture_deinit(&f);
    }
}

static void the_longest_frame(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    char *payload = malloc(PAYLOAD_SIZE_MAX);
    assert_non_null(payload);
    memset(payload, 'x', PAYLOAD_SIZE_MAX);
    static const char head[] = FRAME_STDOUT "\x10\x84\xb5\xc1\xa6\xdb\x87\xae\xf5\x18\x1a";
    char *to = payload + sizeof(head) - 1;
    memcpy(payload, head, sizeof(head) - 1);
    size_t line = PAYLOAD_SIZE_MAX - (sizeof(head) - 1) - 3;
    to[0] = (char)(line | 0x80);
    to[1] = (char)(line >> 7 | 0x80);
    to[2] = (char)(line >> 14);
    put_payload(&f, (struct span){payload, PAYLOAD_SIZE_MAX});
    assert_int_equal(f.file.size, RECORD_BYTES_MAX);
    decode_file(&f);
    assert_int_equal(f.batch.count, 1);
    assert_int_equal(f.batch.entries[0].message.size, line);
    free(payload);
    local_fixture_deinit(&f);
}

/* Each step of frames_first() ends where frames_whole() or a frame's end says. */
static void frames_come_one_by_one(void **state)
{
    struct local_fixture f;
    local_fixture_init(&f, FORM_BYTES);
    put_line(&f, 1, "one");
    size_t first = f.file.size;
    put_bytes(&f, "garbage");
    put_nuls(&f, 5);
    size_t damage = f.file.size - first;
    put_line(&f, 2, "two");
    size_t second = f.file.size - first - damage;
    struct span rest = buf_span(&f.file);
    const size_t expected[] = {first, damage, second};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(frames_first(rest), expected[i]);
        rest.data += expected[i];
        rest.size -= expected[i];
    }
    assert_int_equal(rest.size, 0);
    local_fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d32_each_length_of_a_file_waits_for_the_rest),
        cmocka_unit_test(d32_nuls_of_any_length_before_a_frame),
        cmocka_unit_test(d32_marks_that_are_too_small_or_too_large),
        cmocka_unit_test(the_longest_frame),
        cmocka_unit_test(frames_come_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
