// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a file of the local driver: every byte is accounted for, what is called JSON is
 * JSON, and cutting the input anywhere gives the same records. */
#include "base/check.h"
#include "base/utf8.h"
#include "source/local_file/frame.h"
#include "source/local_file/local_file.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SERIAL = 3, OFFSET = 1000, ALL_MAX = 65536 };

/* Kept, so that an input costs no large allocation. */
static struct batch *the_batch(void)
{
    static struct batch batch;
    if (!batch.entries)
        CHECK(batch_init(&batch, FORM_BYTES) == 0);
    return &batch;
}

static void check_json(struct span message)
{
    CHECK(utf8_valid(message));
    for (size_t i = 0; i < message.size; i++) {
        CHECK((unsigned char)message.data[i] >= 0x20 && message.data[i] != '"');
        if (message.data[i] == '\\')
            i += message.data[i + 1] == 'u' ? 5 : 1;
    }
}

/* Gaps and entries stand in order, do not overlap, and lie within what was consumed. */
static void check_batch(const struct batch *batch, size_t offset, size_t consumed)
{
    uint64_t at = offset, gap_bytes = 0;
    size_t gap = 0;
    CHECK(batch->records == batch->count && batch->bytes_consumed == consumed);
    for (size_t i = 0; i < batch->gap_count; i++)
        gap_bytes += (uint64_t)batch->gaps[i].bytes;
    CHECK(gap_bytes <= consumed);
    for (size_t i = 0; i < batch->count; i++) {
        const struct entry *e = &batch->entries[i];
        for (; gap < batch->gap_count && batch->gaps[gap].offset < e->offset; gap++) {
            CHECK(batch->gaps[gap].offset >= at && batch->gaps[gap].bytes > 0);
            at = batch->gaps[gap].offset + (uint64_t)batch->gaps[gap].bytes;
        }
        CHECK(e->offset >= at && e->serial == SERIAL && e->stream < STREAM_COUNT);
        at = e->offset + 1;
        if (batch->form == FORM_JSON && !(e->flags & ENTRY_CHUNK))
            check_json(e->message);
    }
    CHECK(at <= offset + consumed);
}

/* What a whole reading comes to. */
struct sum {
    uint64_t records, bytes, gap_bytes, hash;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Reads whole records as a reader does, `quantum` bytes more each time. */
static struct sum read_all(struct span file, size_t quantum, enum message_form form)
{
    struct batch *batch = the_batch();
    struct sum sum = {0};
    batch->form = form;
    batch->ingest_ns = 1;
    for (size_t at = 0, size = quantum; at < file.size;) {
        size_t left = file.size - at;
        struct span text = {file.data + at, size < left ? size : left};
        text.size = frames_whole(text);
        if (text.size == 0) {
            if (size >= left)
                break;
            size += quantum;
            continue;
        }
        struct record_position position = {SERIAL, OFFSET + at, GAP_TIME_UNKNOWN};
        struct record_result result;
        batch_reset(batch);
        local_file_decode(text, &position, batch, &result);
        CHECK(result.consumed > 0 && result.consumed <= text.size);
        check_batch(batch, OFFSET + at, result.consumed);
        for (size_t i = 0; i < batch->count; i++)
            sum.hash = mix(mix(sum.hash, batch->entries[i].offset), batch->entries[i].message.size);
        for (size_t i = 0; i < batch->gap_count; i++)
            sum.gap_bytes += (uint64_t)batch->gaps[i].bytes;
        sum.records += batch->count;
        sum.bytes += result.consumed;
        at += result.consumed;
        size = quantum;
    }
    return sum;
}

/* Taken one by one, whole records are as many bytes. */
static void check_steps(struct span file)
{
    struct span whole = {file.data, frames_whole(file)};
    while (whole.size) {
        size_t size = frames_first(whole);
        CHECK(size > 0 && size <= whole.size);
        whole.data += size;
        whole.size -= size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span file = {(const char *)data, size};
    check_steps(file);
    read_all(file, ALL_MAX, FORM_JSON);
    struct sum expected = read_all(file, ALL_MAX, FORM_BYTES);
    struct sum is = read_all(file, 1 + size / 7, FORM_BYTES);
    CHECK(is.records == expected.records && is.hash == expected.hash);
    CHECK(is.bytes == expected.bytes && is.gap_bytes == expected.gap_bytes);
    return 0;
}
