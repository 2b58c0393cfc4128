// SPDX-License-Identifier: Apache-2.0
#include "source/json_file/json_file.h"

#include "base/json_text.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "source/json_file/decoding.h"
#include "source/json_file/record.h"
#include "source/json_file/text.h"

#include <errno.h>

int json_file_use(struct json_file *d, enum json_file_isa isa)
{
    switch (isa) {
    case JSON_FILE_PORTABLE: d->fast_lines = json_file_fast_lines_portable; return 0;
#ifdef __x86_64__
    case JSON_FILE_SSE2: d->fast_lines = json_file_fast_lines_sse2; return 0;
    case JSON_FILE_AVX2:
        if (!__builtin_cpu_supports("avx2"))
            return -ENOTSUP;
        d->fast_lines = json_file_fast_lines_avx2;
        return 0;
#endif
    default: return -ENOTSUP;
    }
}

void json_file_init(struct json_file *d, enum message_form form)
{
    *d = (struct json_file){.form = form};
    /* A second to compare with from the first line on; second_ns is its time. */
    memcpy(d->second, "1970-01-01T00:00:00", JSON_FILE_SECOND_SIZE);
    if (json_file_use(d, JSON_FILE_AVX2) < 0 && json_file_use(d, JSON_FILE_SSE2) < 0)
        d->fast_lines = json_file_fast_lines_portable;
}

/* Is there room for the two gaps that a damaged line may need, before and behind its record? */
static bool gaps_fit(const struct batch *b)
{
    return BATCH_GAPS_MAX - b->gap_count >= 2;
}

/* Books bytes that are no record. The caller has asked gaps_fit. */
static void book(struct json_file_decoding *k, enum gap_reason reason, struct span bytes)
{
    booking_add(&k->booking, reason, decoding_offset(k, bytes.data), bytes.size);
}

/* `text` in the arena with its damage replaced; false where there is no room. */
static bool repair(struct arena *arena, struct span text, struct span *ret)
{
    if (arena->capacity - arena->used < text_repaired_size_max(text))
        return false;
    char *to = arena->data + arena->used;
    *ret = (struct span){to, text_repair(to, text)};
    arena->used += ret->size;
    return true;
}

static bool unescape(struct arena *arena, struct span text, struct span *ret)
{
    if (!memchr(text.data, '\\', text.size)) {
        *ret = text;
        return true;
    }
    if (arena->capacity - arena->used < text.size)
        return false;
    char *to = arena->data + arena->used;
    *ret = (struct span){to, json_text_unescape(to, text)};
    arena->used += ret->size;
    return true;
}

static bool sound_or_repaired(struct arena *arena, struct span text, struct span *ret)
{
    if (!text_sound(text))
        return repair(arena, text, ret);
    *ret = text;
    return true;
}

static bool record_time(const struct record *record, int64_t *ret_ns)
{
    return record->time.data && rfc3339_parse(record->time, ret_ns) == 0 &&
           *ret_ns != RFC3339_ZERO_NS;
}

/* The entry of a record that the tokenizer took apart. False where the arena has no room for it;
 * it is as before then. */
static bool make_entry(struct json_file_decoding *k, const struct record *record, const char *start,
                       struct entry *ret)
{
    struct arena *arena = &k->batch->arena;
    size_t used_before = arena->used;
    struct entry entry = {.serial = k->position.serial, .offset = decoding_offset(k, start)};

    struct span text = record->log;
    size_t newline = text_newline_size(text);
    if (newline == 0) {
        entry.flags |= ENTRY_UNTERMINATED;
        entry.source_bytes = (uint32_t)text_source_bytes(text);
    }
    text.size -= newline;
    bool fits = k->decoder->form == FORM_JSON ? sound_or_repaired(arena, text, &entry.message)
                                              : unescape(arena, text, &entry.message);
    if (fits && record->attrs.data)
        fits = sound_or_repaired(arena, record->attrs, &entry.attrs);
    if (!fits) {
        arena->used = used_before;
        return false;
    }

    if (span_equal(record->stream, SPAN("stderr")))
        entry.stream = STREAM_STDERR;
    else if (!span_equal(record->stream, SPAN("stdout")))
        entry.flags |= ENTRY_STREAM_MISSING;

    if (!record_time(record, &entry.time_ns)) {
        entry.time_ns = k->batch->ingest_ns;
        entry.flags |= ENTRY_TIME_MISSING;
    }
    *ret = entry;
    return true;
}

/* Quotes inside values are always escaped, so that these bytes can come only from the start of a
 * record, or from an object in `attrs` whose first key is log; and then the rest is no record. The
 * last start from which all the rest is one, with its time, is where `line` came to its senses. The
 * nesting that a record may have bounds how often a byte is looked at. */
static bool resync(struct span line, struct record *ret, const char **ret_start)
{
    static const struct span opening = {"{\"log\":\"", 8};
    if (line.size < opening.size)
        return false;
    const char *end = line.data + line.size;
    const char *second = line.data + 1; /* the whole was seen to be none */
    for (const char *p = end; (p = memrchr(second, '{', (size_t)(p - second)));) {
        int64_t ns;
        struct span rest = {p, (size_t)(end - p)};
        if (span_starts_with(rest, opening) && record_parse(rest, ret) && record_time(ret, &ns)) {
            *ret_start = p;
            return true;
        }
    }
    return false;
}

static bool is_blank(struct span s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] != ' ' && s.data[i] != '\r')
            return false;
    return true;
}

/* Takes a line that holds a record at `start`, perhaps with damage around it. False: no room. */
static bool take_record(struct json_file_decoding *k, struct span line, const struct record *record,
                        struct span raw)
{
    struct batch *b = k->batch;
    struct span before = {line.data, (size_t)(raw.data - line.data)};
    struct span behind = {raw.data + raw.size, line.size - before.size - raw.size};
    if (b->count == BATCH_ENTRIES_MAX || (before.size + behind.size > 0 && !gaps_fit(b)))
        return false;
    struct entry *entry = &b->entries[b->count];
    if (!make_entry(k, record, raw.data, entry))
        return false;
    b->count++;

    book(k, booking_nul_run(before) == before.size ? GAP_NUL : GAP_TORN, before);
    if (!(entry->flags & ENTRY_TIME_MISSING)) {
        booking_close(&k->booking, entry->time_ns);
        k->booking.last_ns = entry->time_ns;
    }
    book(k, GAP_NUL, behind);
    k->last_record = raw;
    return true;
}

/* Takes the line at k->at, whatever it is. False where the batch has no room for it. */
static bool any_line(struct json_file_decoding *k)
{
    const char *newline = memchr(k->at, '\n', (size_t)(k->end - k->at));
    struct span line = {k->at, (size_t)(newline - k->at)};
    struct span whole = {k->at, line.size + 1};

    struct span inner = line; /* without the NULs at its ends */
    size_t leading = booking_nul_run(inner);
    inner.data += leading;
    inner.size -= leading;
    while (inner.size && inner.data[inner.size - 1] == 0)
        inner.size--;

    struct record record;
    const char *start = inner.data;
    if (is_blank(line)) {
        k->batch->blank_lines++;
        k->batch->bytes_blank += whole.size;
    } else if (record_parse(inner, &record) || resync(inner, &record, &start)) {
        struct span raw = {start, (size_t)(inner.data + inner.size - start)};
        if (!take_record(k, line, &record, raw))
            return false;
    } else {
        if (!gaps_fit(k->batch))
            return false;
        book(k, is_blank(inner) ? GAP_NUL : GAP_MALFORMED, whole);
    }
    k->at = newline + 1;
    return true;
}

/* Takes as many lines of Docker's own shape as follow. */
static void fast_lines(struct json_file_decoding *k)
{
    size_t first = k->batch->count;
    k->decoder->fast_lines(k);
    if (k->batch->count == first)
        return;
    booking_close(&k->booking, k->batch->entries[first].time_ns);
    k->booking.last_ns = k->batch->entries[k->batch->count - 1].time_ns;
}

void json_file_decode(struct json_file *d, struct span input, const struct record_position *at,
                      struct batch *batch, struct record_result *ret)
{
    struct json_file_decoding k = {
        .decoder = d,
        .batch = batch,
        .booking = booking_begin(batch, at->serial, at->after_ns),
        .position = *at,
        .start = input.data,
        .at = input.data,
        .end = input.data + input.size,
    };
    size_t count_before = batch->count;

    while (k.at < k.end) {
        fast_lines(&k);
        if (k.at == k.end || !any_line(&k))
            break;
    }

    size_t consumed = (size_t)(k.at - k.start);
    batch->records += batch->count - count_before;
    batch->bytes_consumed += consumed;
    *ret = (struct record_result){
        .consumed = consumed,
        .last_record = k.last_record,
        .last_ns = k.booking.last_ns,
    };
}

bool json_file_valid(struct span line)
{
    if (span_ends_with(line, SPAN("\n")))
        line.size--;
    struct record record;
    int64_t ns;
    return record_parse(line, &record) && record.log.size > 0 &&
           (span_equal(record.stream, SPAN("stdout")) ||
            span_equal(record.stream, SPAN("stderr"))) &&
           record.time.data && rfc3339_parse(record.time, &ns) == 0 && utf8_valid(line);
}
