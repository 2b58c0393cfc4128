// SPDX-License-Identifier: Apache-2.0
#include "local_fixture.h"

#include <stdlib.h>

enum { FILE_BYTES_MAX = 16 * 1024 * 1024 };

void local_fixture_init(struct local_fixture *f, enum message_form form)
{
    *f = (struct local_fixture){.file = BUF_INIT(FILE_BYTES_MAX)};
    assert_int_equal(batch_init(&f->batch, form), 0);
    f->batch.ingest_ns = INGEST_NS;
}

void local_fixture_deinit(struct local_fixture *f)
{
    free(f->copy);
    buf_deinit(&f->file);
    batch_deinit(&f->batch);
}

void put_line(struct local_fixture *f, int number, const char *line)
{
    assert_int_equal(
        local_frame_write(&f->file, STREAM_STDOUT, TIME_NS + number, span_of(line), NULL), 0);
}

void put_chunk(struct local_fixture *f, int number, const char *line, uint32_t ordinal, bool last)
{
    struct local_partial partial = {.last = last, .ordinal = ordinal, .id = SPAN("id")};
    assert_int_equal(
        local_frame_write(&f->file, STREAM_STDOUT, TIME_NS + number, span_of(line), &partial), 0);
}

void put_payload(struct local_fixture *f, struct span payload)
{
    char mark[FRAME_MARK_SIZE];
    frame_mark_write(mark, (uint32_t)payload.size);
    buf_append(&f->file, (struct span){mark, sizeof(mark)});
    buf_append(&f->file, payload);
    buf_append(&f->file, (struct span){mark, sizeof(mark)});
}

void put_nuls(struct local_fixture *f, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_append_char(&f->file, '\0');
}

void decode_span(struct local_fixture *f, struct span input)
{
    free(f->copy);
    f->copy = malloc(input.size ? input.size : 1);
    assert_non_null(f->copy);
    if (input.size)
        memcpy(f->copy, input.data, input.size);
    batch_reset(&f->batch);
    const struct record_position at = {.serial = 7, .after_ns = GAP_TIME_UNKNOWN};
    local_file_decode((struct span){f->copy, input.size}, &at, &f->batch, &f->result);
    assert_int_equal(f->batch.bytes_consumed, f->result.consumed);
    assert_int_equal(f->batch.records, f->batch.count);
}

void decode_file(struct local_fixture *f)
{
    decode_span(f, (struct span){f->file.data, frames_whole(buf_span(&f->file))});
}

void assert_span(struct span is, struct span expected)
{
    if (!span_equal(is, expected))
        fail_msg("is \"%.*s\" (%zu bytes), expected \"%.*s\" (%zu bytes)", (int)is.size, is.data,
                 is.size, (int)expected.size, expected.data, expected.size);
}

void assert_message(const struct local_fixture *f, size_t i, const char *expected)
{
    assert_true(i < f->batch.count);
    assert_span(f->batch.entries[i].message, span_of(expected));
}

void assert_gap(const struct gap *gap, enum gap_reason reason, uint64_t offset, int64_t bytes)
{
    assert_string_equal(gap_reason_word(gap->reason), gap_reason_word(reason));
    assert_int_equal(gap->serial, 7);
    assert_int_equal(gap->offset, offset);
    assert_int_equal(gap->bytes, bytes);
}
