// SPDX-License-Identifier: Apache-2.0
#include "source/fingerprint.h"

#include <xxhash.h>

#include "base/limits.h"
#include "source/records.h"

struct fingerprint fingerprint_of(struct span record)
{
    XXH128_hash_t h = XXH3_128bits(record.data, record.size);
    return (struct fingerprint){.high = h.high64, .low = h.low64};
}

/* The first that decodes among whole records, taken one by one: the rest need not be decoded. */
static bool first_record(enum record_format format, struct span records, struct batch *scratch,
                         struct fingerprint *ret)
{
    struct records_decoder decoder;
    records_init(&decoder, scratch->form);

    while (records.size) {
        struct span record = {records.data, records_first(format, records)};
        struct record_result result;
        batch_reset(scratch);
        records_decode(&decoder, format, record, &(struct record_position){0}, scratch, &result);
        if (scratch->count) {
            *ret = fingerprint_of(result.last_record);
            batch_reset(scratch);
            return true;
        }
        records.data += record.size;
        records.size -= record.size;
    }
    return false;
}

/* What is passed where no whole record begins at the offset; 0: no more is to be read. */
static uint64_t passed(const struct segment *s, int outcome, const struct reader_result *result)
{
    if (outcome == READER_NUL)
        return result->bytes;
    /* What may still be written to is no fragment yet. */
    bool torn = outcome == READER_END && result->records_behind && atomic_load(&s->sealed);
    return torn ? result->tail : 0;
}

int fingerprint_read(struct reader *r, struct segment *s, struct batch *scratch,
                     struct fingerprint *ret)
{
    uint64_t offset = 0, searched = 0;
    while (searched < FINGERPRINT_SEARCH_MAX) {
        struct reader_result result;
        int outcome = reader_read(r, s, offset, &(struct reader_before){0}, &result);
        uint64_t bytes = passed(s, outcome, &result);
        if (bytes) {
            offset += bytes; /* a hole costs nothing: it does not count as searched */
            continue;
        }
        if (outcome)
            return outcome == READER_TOO_LONG ? READER_END : outcome;
        if (first_record(s->format, result.records, scratch, ret))
            return 0;
        offset += result.records.size;
        searched += result.records.size;
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
