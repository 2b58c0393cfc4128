// SPDX-License-Identifier: Apache-2.0
#include "source/local_file/local_file.h"

#include "source/booking.h"
#include "source/local_file/escape.h"
#include "source/local_file/frame.h"
#include "source/local_file/payload.h"

enum { GAPS_OF_DAMAGE = 3 };

struct decoding {
    struct booking booking;
    struct record_position position; /* of `start` */
    const char *start;
    const char *at; /* the first frame not decoded yet */
    const char *end;
    struct span last_record;
};

static bool gaps_fit(const struct batch *b)
{
    return BATCH_GAPS_MAX - b->gap_count >= GAPS_OF_DAMAGE + LOCAL_FILE_GAPS_LEFT;
}

static void book(struct decoding *k, enum gap_reason reason, const char *from, size_t bytes)
{
    booking_add(&k->booking, reason, k->position.offset + (uint64_t)(from - k->start), bytes);
}

/* Is it the start of a frame whose end is not there? */
static bool is_torn(struct span s)
{
    size_t size;
    return frame_look(s, &size) == FRAME_UNFINISHED;
}

/* How many NULs stand in front that are no part of a torn frame's mark. */
static size_t leading_nuls(struct span damage)
{
    size_t run = booking_nul_run(damage);
    for (size_t at = run < FRAME_MARK_SIZE ? 0 : run - FRAME_MARK_SIZE + 1; at < run; at++)
        if (run < damage.size && is_torn((struct span){damage.data + at, damage.size - at}))
            return at;
    return run;
}

static void book_damage(struct decoding *k, struct span damage)
{
    size_t nuls = leading_nuls(damage);
    book(k, GAP_NUL, damage.data, nuls);
    struct span rest = {damage.data + nuls, damage.size - nuls};
    enum gap_reason reason = is_torn(rest) ? GAP_TORN : GAP_MALFORMED;
    size_t size = rest.size;
    while (size && rest.data[size - 1] == 0)
        size--;
    book(k, reason, rest.data, size);
    book(k, GAP_NUL, rest.data + size, rest.size - size);
}

/* `bytes` escaped in the arena, or as they stand; false where there is no room. */
static bool escape(struct arena *arena, struct span bytes, struct span *ret)
{
    *ret = bytes;
    if (escape_none(bytes))
        return true;
    if (arena->capacity - arena->used < bytes.size * ESCAPED_BYTES_MAX)
        return false;
    char *to = arena->data + arena->used;
    *ret = (struct span){to, escape_write(to, bytes)};
    arena->used += ret->size;
    return true;
}

static char *put_string(char *to, struct span bytes)
{
    *to++ = '"';
    to += escape_write(to, bytes);
    *to++ = '"';
    return to;
}

/* The attributes of a payload as an object of JSON. The fields of each take more bytes than the
 * marks of JSON around it. */
static bool take_attributes(struct arena *arena, struct span payload, struct span *ret)
{
    if (arena->capacity - arena->used < payload.size * ESCAPED_BYTES_MAX)
        return false;
    char *start = arena->data + arena->used, *to = start;
    struct span key, value;
    for (char mark = '{'; payload_next_attribute(&payload, &key, &value); mark = ',') {
        *to++ = mark;
        to = put_string(to, key);
        *to++ = ':';
        to = put_string(to, value);
    }
    *to++ = '}';
    *ret = (struct span){start, (size_t)(to - start)};
    arena->used += ret->size;
    return true;
}

static unsigned flags_of(const struct payload *p, bool whole)
{
    return (p->time_ns ? 0 : ENTRY_TIME_MISSING) | (p->partial ? ENTRY_CHUNK : 0) |
           (p->ordinal && !p->identified ? ENTRY_CHUNK_COUNTED : 0) |
           (whole ? 0 : ENTRY_UNTERMINATED);
}

/* Fills the entry. False where the arena has no room for it; it is as before then. */
static bool make_entry(const struct decoding *k, const struct payload *p, struct span payload,
                       struct entry *ret)
{
    struct batch *b = k->booking.batch;
    size_t used_before = b->arena.used;
    bool whole = !p->partial || p->last;
    *ret = (struct entry){
        .time_ns = p->time_ns ? p->time_ns : b->ingest_ns,
        .serial = k->position.serial,
        .offset = k->position.offset + (uint64_t)(k->at - k->start),
        .message = p->line,
        .source_bytes = whole ? 0 : (uint32_t)p->line.size,
        .flags = (uint16_t)flags_of(p, whole),
        .stream = span_equal(p->stream, SPAN("stderr")) ? STREAM_STDERR : STREAM_STDOUT,
        .chunk = p->partial ? chunk_number(p->ordinal) : 0,
    };
    if ((b->form == FORM_JSON && !p->partial && !escape(&b->arena, p->line, &ret->message)) ||
        (p->attributes && !take_attributes(&b->arena, payload, &ret->attrs))) {
        b->arena.used = used_before;
        return false;
    }
    return true;
}

static bool take_frame(struct decoding *k, struct span frame)
{
    struct batch *b = k->booking.batch;
    struct span payload = {frame.data + FRAME_MARK_SIZE, frame.size - FRAME_AROUND};
    struct payload p;
    if (!payload_parse(payload, &p)) {
        if (!gaps_fit(b))
            return false;
        book(k, GAP_MALFORMED, frame.data, frame.size);
        return true;
    }
    struct entry *entry = &b->entries[b->count];
    if (b->count == BATCH_ENTRIES_MAX || !make_entry(k, &p, payload, entry))
        return false;
    b->count++;
    if (!(entry->flags & ENTRY_TIME_MISSING)) {
        booking_close(&k->booking, entry->time_ns);
        k->booking.last_ns = entry->time_ns;
    }
    k->last_record = frame;
    return true;
}

/* Takes what stands at k->at, whatever it is. False where the batch has no room for it. */
static bool take_next(struct decoding *k)
{
    struct span rest = {k->at, (size_t)(k->end - k->at)};
    size_t size;
    if (frame_look(rest, &size) == FRAME_WHOLE) {
        if (!take_frame(k, (struct span){rest.data, size}))
            return false;
    } else {
        if (!gaps_fit(k->booking.batch))
            return false;
        size = frame_find(rest, FRAME_WHOLE);
        book_damage(k, (struct span){rest.data, size});
    }
    k->at += size;
    return true;
}

void local_file_decode(struct span input, const struct record_position *at, struct batch *batch,
                       struct record_result *ret)
{
    struct decoding k = {
        .booking = booking_begin(batch, at->serial, at->after_ns),
        .position = *at,
        .start = input.data,
        .at = input.data,
        .end = input.data + input.size,
    };
    size_t count_before = batch->count;
    while (k.at < k.end && take_next(&k))
        ;

    size_t consumed = (size_t)(k.at - k.start);
    batch->records += batch->count - count_before;
    batch->bytes_consumed += consumed;
    *ret = (struct record_result){
        .consumed = consumed,
        .last_record = k.last_record,
        .last_ns = k.booking.last_ns,
    };
}
