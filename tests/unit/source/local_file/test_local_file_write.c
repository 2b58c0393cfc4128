// SPDX-License-Identifier: Apache-2.0
/* What is written is what Docker would have written, byte for byte, and reads as it was given. */
#include "local_fixture.h"

#include "source/local_file/payload.h"
#include "source/local_file/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct span read_sample(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), TEST_DATA "/docker/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *data = malloc(1 << 20);
    assert_non_null(data);
    size_t size = fread(data, 1, 1 << 20, file);
    fclose(file);
    return (struct span){data, size};
}

static struct span id_of(struct span payload)
{
    struct wire_field field;
    while (payload.size && wire_next(&payload, &field)) {
        if (field.tag != TAG_CHUNK)
            continue;
        while (field.bytes.size) {
            struct wire_field inner;
            assert_true(wire_next(&field.bytes, &inner));
            if (inner.tag == TAG_CHUNK_ID)
                return inner.bytes;
        }
    }
    return (struct span){0};
}

static void write_again(struct span frame, struct buf *to)
{
    struct span payload = {frame.data + FRAME_MARK_SIZE, frame.size - FRAME_AROUND};
    struct payload p;
    assert_true(payload_parse(payload, &p));
    struct local_partial partial = {
        .last = p.last, .ordinal = (uint32_t)p.ordinal, .id = id_of(payload)};
    enum stream stream = span_equal(p.stream, SPAN("stderr")) ? STREAM_STDERR : STREAM_STDOUT;
    assert_int_equal(local_frame_write(to, stream, p.time_ns, p.line, p.partial ? &partial : NULL),
                     0);
}

static void genuine_files_are_written_again(void **state)
{
    static const char *const names[] = {
        "local-small/container.log",   "local-escapes/container.log",
        "local-partial/container.log", "local-interleaved/container.log",
        "cached/container-cached.log", "local-restart-no-newline/container.log",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct span file = read_sample(names[i]);
        struct buf again = BUF_INIT(1 << 20);
        assert_int_equal(frames_whole(file), file.size);
        for (size_t at = 0, size; at < file.size; at += size) {
            size = frames_first((struct span){file.data + at, file.size - at});
            write_again((struct span){file.data + at, size}, &again);
        }
        assert_true(span_equal(buf_span(&again), file));
        buf_deinit(&again);
        free((char *)file.data);
    }
}

static void what_is_too_long_is_not_written(void **state)
{
    struct buf file = BUF_INIT(4 * RECORD_BYTES_MAX);
    char *text = calloc(1, RECORD_BYTES_MAX);
    assert_non_null(text);
    assert_int_equal(local_frame_write(&file, STREAM_STDOUT, TIME_NS,
                                       (struct span){text, RECORD_BYTES_MAX}, NULL),
                     -EMSGSIZE);
    char id[65] = "";
    struct local_partial partial = {.id = {id, sizeof(id)}};
    assert_int_equal(local_frame_write(&file, STREAM_STDOUT, TIME_NS, SPAN("x"), &partial),
                     -EMSGSIZE);
    assert_int_equal(file.size, 0);
    free(text);
    buf_deinit(&file);

    struct buf small = BUF_INIT(16);
    assert_int_equal(local_frame_write(&small, STREAM_STDOUT, TIME_NS, SPAN("x"), NULL), -ENOBUFS);
    assert_int_equal(small.size, 0);
    buf_deinit(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genuine_files_are_written_again),
        cmocka_unit_test(what_is_too_long_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
