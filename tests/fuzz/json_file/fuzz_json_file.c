// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a json-file: every byte is accounted for, what is called JSON is JSON, and all
 * instruction sets say the same as the tokenizer alone. */
#include "base/buf.h"
#include "base/check.h"
#include "source/json_file/json_file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SERIAL = 3, OFFSET = 1000 };

/* Leaves every line to the tokenizer. */
static void no_fast_lines(struct json_file_decoding *decoding)
{
    (void)decoding;
}

/* The two batches that are compared; kept, so that an input costs no large allocation. */
static struct batch *batches(void)
{
    static struct batch both[2];
    if (!both[0].entries)
        CHECK(batch_init(&both[0], FORM_BYTES) == 0 && batch_init(&both[1], FORM_BYTES) == 0);
    return both;
}

static void decode(struct json_file *decoder, struct span lines, struct batch *batch,
                   struct record_result *ret)
{
    const struct record_position at = {SERIAL, OFFSET, GAP_TIME_UNKNOWN};
    batch_reset(batch);
    batch->form = decoder->form;
    batch->ingest_ns = 1;
    json_file_decode(decoder, lines, &at, batch, ret);
}

static void check_json(struct span message)
{
    static const char head[] = "{\"log\":\".";
    static const char tail[] = "\",\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:42Z\"}";
    struct buf line = BUF_INIT(8 << 20);
    buf_append(&line, SPAN(head));
    buf_append(&line, message);
    buf_append(&line, SPAN(tail));
    CHECK(json_file_valid(buf_span(&line)));
    buf_deinit(&line);
}

/* Gaps and entries stand in order, do not overlap, and lie within what was consumed. */
static void check_batch(const struct batch *batch, struct span lines, size_t consumed)
{
    CHECK(consumed <= lines.size && batch->bytes_consumed == consumed);
    CHECK(consumed == 0 || lines.data[consumed - 1] == '\n');
    CHECK(batch->records == batch->count);
    uint64_t gap_bytes = 0, passed = OFFSET;
    for (size_t i = 0; i < batch->gap_count; i++) {
        const struct gap *gap = &batch->gaps[i];
        CHECK(gap->serial == SERIAL && gap->bytes > 0 && gap->offset >= passed);
        passed = gap->offset + (uint64_t)gap->bytes;
        gap_bytes += (uint64_t)gap->bytes;
    }
    CHECK(passed <= OFFSET + consumed);
    CHECK(gap_bytes + batch->bytes_blank <= consumed);

    uint64_t before = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct entry *entry = &batch->entries[i];
        CHECK(entry->offset > before && entry->offset < OFFSET + consumed);
        CHECK(lines.data[entry->offset - OFFSET] != '\n');
        before = entry->offset;
        if (batch->form == FORM_JSON)
            check_json(entry->message);
    }
}

static void compare(const struct batch *is, const struct batch *expected)
{
    CHECK(is->count == expected->count);
    CHECK(is->gap_count == expected->gap_count);
    CHECK(is->blank_lines == expected->blank_lines && is->bytes_blank == expected->bytes_blank);
    for (size_t i = 0; i < is->gap_count; i++) {
        const struct gap *a = &is->gaps[i], *b = &expected->gaps[i];
        CHECK(a->reason == b->reason && a->offset == b->offset && a->bytes == b->bytes);
        CHECK(a->after_ns == b->after_ns && a->before_ns == b->before_ns);
    }
    for (size_t i = 0; i < is->count; i++) {
        const struct entry *a = &is->entries[i], *b = &expected->entries[i];
        CHECK(a->time_ns == b->time_ns && a->offset == b->offset && a->stream == b->stream);
        CHECK(a->flags == b->flags && a->source_bytes == b->source_bytes);
        CHECK(span_equal(a->message, b->message) && span_equal(a->attrs, b->attrs));
    }
}

static void check_form(struct span lines, enum message_form form)
{
    struct batch *expected = &batches()[0], *is = &batches()[1];
    struct json_file decoder;
    struct record_result expected_result, result;

    json_file_init(&decoder, form);
    decoder.fast_lines = no_fast_lines;
    decode(&decoder, lines, expected, &expected_result);
    check_batch(expected, lines, expected_result.consumed);

    for (int isa = 0; isa < JSON_FILE_ISA_COUNT; isa++) {
        json_file_init(&decoder, form);
        if (json_file_use(&decoder, (enum json_file_isa)isa) < 0)
            continue;
        decode(&decoder, lines, is, &result);
        CHECK(result.consumed == expected_result.consumed);
        CHECK(result.last_ns == expected_result.last_ns);
        CHECK(span_equal(result.last_record, expected_result.last_record));
        compare(is, expected);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1 + BUF_SLACK);
    CHECK(copy);
    if (size)
        memcpy(copy, data, size);
    memset(copy + size, '\n', 1 + BUF_SLACK);
    struct span lines = {copy, size + 1};
    check_form(lines, FORM_BYTES);
    check_form(lines, FORM_JSON);
    free(copy);
    return 0;
}
