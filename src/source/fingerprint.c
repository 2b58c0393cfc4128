// SPDX-License-Identifier: Apache-2.0
#include "source/fingerprint.h"

#include <xxhash.h>

#include "base/limits.h"
#include "source/json_file/json_file.h"

struct fingerprint fingerprint_of(struct span record)
{
    XXH128_hash_t h = XXH3_128bits(record.data, record.size);
    return (struct fingerprint){.high = h.high64, .low = h.low64};
}

/* The first record among whole lines, taken one by one: the rest need not be decoded. */
static bool first_record(struct span lines, struct batch *scratch, struct fingerprint *ret)
{
    struct json_file decoder;
    json_file_init(&decoder, FORM_JSON);

    while (lines.size) {
        const char *newline = memchr(lines.data, '\n', lines.size);
        struct span line = {lines.data, (size_t)(newline - lines.data) + 1};
        struct json_file_result result;
        batch_reset(scratch);
        json_file_decode(&decoder, line, &(struct json_file_position){0}, scratch, &result);
        if (scratch->count) {
            size_t from = scratch->entries[0].offset;
            *ret = fingerprint_of((struct span){line.data + from, line.size - 1 - from});
            batch_reset(scratch);
            return true;
        }
        lines.data += line.size;
        lines.size -= line.size;
    }
    return false;
}

int fingerprint_read(struct reader *r, struct segment *s, struct batch *scratch,
                     struct fingerprint *ret)
{
    uint64_t offset = 0, searched = 0;
    while (searched < FINGERPRINT_SEARCH_MAX) {
        struct reader_result result;
        int outcome = reader_read(r, s, offset, &(struct reader_before){0}, &result);
        if (outcome == READER_NUL) {
            offset += result.bytes; /* a hole costs nothing: it does not count as searched */
            continue;
        }
        if (outcome)
            return outcome == READER_TOO_LONG ? READER_END : outcome;
        if (first_record(result.lines, scratch, ret))
            return 0;
        offset += result.lines.size;
        searched += result.lines.size;
    }
    return READER_END;
}

int fingerprint_learn(struct reader *r, struct segment *s, struct batch *scratch)
{
    if (fingerprint_known(segment_name(s).fingerprint))
        return 0;
    struct fingerprint f;
    int outcome = fingerprint_read(r, s, scratch, &f);
    if (outcome == 0)
        segment_set_fingerprint(s, f);
    return outcome;
}
