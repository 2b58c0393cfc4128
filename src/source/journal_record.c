// SPDX-License-Identifier: Apache-2.0
#include "source/journal_record.h"

#include <xxhash.h>

#include "base/clock.h"
#include "base/rfc3339.h"

typedef void take_field(struct journal_record *r, struct journal_record_parts *parts,
                        struct span value, struct buf *text);

static bool take_number(struct span value, uint64_t *ret)
{
    uint64_t number = 0;
    for (size_t i = 0; i < value.size; i++) {
        unsigned digit = (unsigned)(value.data[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return false;
    }
    *ret = number;
    return value.size > 0;
}

static void take_message(struct journal_record *r, struct journal_record_parts *parts,
                         struct span value, struct buf *text)
{
    if (parts->has_message)
        return; /* a label of the container may be called so too */
    parts->has_message = true;
    r->size = value.size;
    r->too_long = value.size > JOURNAL_MESSAGE_MAX;
    if (!r->too_long)
        buf_append(text, value);
}

/* The only mark of the stream. */
static void take_priority(struct journal_record *r, struct journal_record_parts *parts,
                          struct span value, struct buf *text)
{
    if (span_equal(value, SPAN("3")))
        r->stream = STREAM_STDERR;
    if (r->stream == STREAM_STDERR || span_equal(value, SPAN("6")))
        r->flags &= (uint16_t)~ENTRY_STREAM_MISSING;
}

static void take_docker_time(struct journal_record *r, struct journal_record_parts *parts,
                             struct span value, struct buf *text)
{
    int64_t time_ns;
    if (rfc3339_parse(value, &time_ns) < 0 || time_ns == RFC3339_ZERO_NS)
        return;
    r->time_ns = time_ns;
    parts->has_docker_time = true;
}

static void take_sending_time(struct journal_record *r, struct journal_record_parts *parts,
                              struct span value, struct buf *text)
{
    uint64_t us;
    if (!parts->has_docker_time && take_number(value, &us) && us <= INT64_MAX / NS_PER_US)
        r->time_ns = (int64_t)us * NS_PER_US;
}

static void take_partial(struct journal_record *r, struct journal_record_parts *parts,
                         struct span value, struct buf *text)
{
    r->more = span_equal(value, SPAN("true"));
}

static void take_chunk(struct journal_record *r, struct journal_record_parts *parts,
                       struct span value, struct buf *text)
{
    uint64_t number;
    if (take_number(value, &number) && number <= UINT32_MAX)
        r->chunk = (uint32_t)number;
}

static void take_start(struct journal_record *r, struct journal_record_parts *parts,
                       struct span value, struct buf *text)
{
    r->start = XXH3_64bits(value.data, value.size);
}

static void take_line_number(struct journal_record *r, struct journal_record_parts *parts,
                             struct span value, struct buf *text)
{
    if (!take_number(value, &r->number))
        r->number = 0;
}

static const struct {
    struct span name;
    take_field *take;
} fields[] = {
    {{"MESSAGE", 7}, take_message},
    {{"PRIORITY", 8}, take_priority},
    {{"SYSLOG_TIMESTAMP", 16}, take_docker_time},
    {{"_SOURCE_REALTIME_TIMESTAMP", 26}, take_sending_time},
    {{"CONTAINER_PARTIAL_MESSAGE", 25}, take_partial},
    {{"CONTAINER_PARTIAL_ORDINAL", 25}, take_chunk},
    {{"CONTAINER_LOG_EPOCH", 19}, take_start},
    {{"CONTAINER_LOG_ORDINAL", 21}, take_line_number},
};

void journal_record_begin(struct journal_record *r, struct journal_record_parts *parts,
                          const struct journal_place *place, const struct buf *text)
{
    *r = (struct journal_record){
        .place = *place,
        .time_ns = (int64_t)place->realtime_us * NS_PER_US,
        .at = text->size,
        .stream = STREAM_STDOUT,
        .flags = ENTRY_STREAM_MISSING,
    };
    *parts = (struct journal_record_parts){0};
}

void journal_record_field(struct journal_record *r, struct journal_record_parts *parts,
                          struct span field, struct buf *text)
{
    const char *equals = memchr(field.data, '=', field.size);
    if (!equals)
        return;
    struct span name = {field.data, (size_t)(equals - field.data)};
    struct span value = {equals + 1, field.size - name.size - 1};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (span_equal(name, fields[i].name)) {
            fields[i].take(r, parts, value, text);
            return;
        }
}

static uint64_t mark_of(uint64_t start_hash, uint64_t number)
{
    uint64_t both[] = {start_hash, number};
    uint64_t mark = XXH3_64bits(both, sizeof(both));
    return mark ? mark : 1;
}

void journal_record_end(struct journal_record *r)
{
    if (r->chunk == 0)
        r->more = false; /* chunks without numbers are not Docker's */
}

uint64_t journal_record_mark(const struct journal_record *r)
{
    return r->number ? mark_of(r->start, r->number) : 0;
}

bool journal_record_follows(const struct journal_record *r, uint64_t mark)
{
    return mark && r->number > 1 && mark_of(r->start, r->number - 1) == mark;
}
