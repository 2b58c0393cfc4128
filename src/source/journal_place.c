// SPDX-License-Identifier: Apache-2.0
#include "source/journal_place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

enum { HEX_DIGITS_MAX = 16 };

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

int journal_place_compare(const struct journal_place *a, const struct journal_place *b)
{
    if (journal_place_is_entry(a) && fingerprint_equal(a->numbering, b->numbering))
        return compare(a->number, b->number);
    if (journal_place_is_entry(a) && journal_place_is_entry(b) && a->boot_high == b->boot_high &&
        a->boot_low == b->boot_low)
        return compare(a->monotonic_us, b->monotonic_us);
    return compare(a->realtime_us, b->realtime_us);
}

void journal_place_print(const struct journal_place *place, char to[JOURNAL_PLACE_TEXT_SIZE])
{
    int size = snprintf(to, JOURNAL_PLACE_TEXT_SIZE,
                        "s=%016" PRIx64 "%016" PRIx64 ";i=%" PRIx64 ";b=%016" PRIx64 "%016" PRIx64
                        ";m=%" PRIx64,
                        place->numbering.high, place->numbering.low, place->number,
                        place->boot_high, place->boot_low, place->monotonic_us);
    if (place->realtime_us)
        snprintf(to + size, JOURNAL_PLACE_TEXT_SIZE - (size_t)size, ";t=%" PRIx64 ";x=%" PRIx64,
                 place->realtime_us, place->fields_xor);
}

static const char *take_hex(const char *at, size_t digits_max, uint64_t *ret)
{
    uint64_t value = 0;
    size_t digits = 0;
    for (; digits < digits_max; digits++) {
        char c = at[digits];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10u
                                                : 16u;
        if (digit == 16u)
            break;
        value = value << 4 | digit;
    }
    *ret = value;
    return digits ? at + digits : NULL;
}

/* "k=hex" or, of 128 bits, "k=" and 32 digits; then `;` or the end. */
static const char *take_part(const char *at, char key, uint64_t *high, uint64_t *low)
{
    if (!at || at[0] != key || at[1] != '=')
        return NULL;
    at += 2;
    if (high)
        at = take_hex(at, HEX_DIGITS_MAX, high);
    if (at)
        at = take_hex(at, HEX_DIGITS_MAX, low);
    if (!at || (*at != ';' && *at != '\0'))
        return NULL;
    return *at == ';' ? at + 1 : at;
}

int journal_place_parse(struct journal_place *ret, const char *text)
{
    struct journal_place p;
    text = take_part(text, 's', &p.numbering.high, &p.numbering.low);
    text = take_part(text, 'i', NULL, &p.number);
    text = take_part(text, 'b', &p.boot_high, &p.boot_low);
    text = take_part(text, 'm', NULL, &p.monotonic_us);
    text = take_part(text, 't', NULL, &p.realtime_us);
    text = take_part(text, 'x', NULL, &p.fields_xor);
    if (!text || *text)
        return -EINVAL;
    *ret = p;
    return 0;
}

static struct journal_place of_segment(const struct segment_ref *segment, uint64_t number)
{
    return (struct journal_place){
        .numbering = segment->fingerprint,
        .number = number,
        .boot_high = segment->file.device,
        .boot_low = segment->file.inode,
        .monotonic_us = (uint64_t)segment->file.birth_ns,
    };
}

bool journal_place_of_cursor(struct journal_place *ret, const struct cursor *cursor)
{
    if (cursor->kind == CURSOR_BEGINNING)
        return false;
    *ret = of_segment(&cursor->segment, cursor->offset);
    ret->realtime_us = cursor->last_ns > 0 ? (uint64_t)(cursor->last_ns / NS_PER_US) : 0;
    ret->fields_xor = cursor->last_hash;
    return true;
}

struct journal_place journal_place_of_line(const struct open_line *open)
{
    return of_segment(&open->segment, open->offset);
}

struct segment_ref journal_place_segment(const struct journal_place *place)
{
    return (struct segment_ref){
        .serial = 1,
        .fingerprint = place->numbering,
        .file = {place->boot_high, place->boot_low, (int64_t)place->monotonic_us},
    };
}

void journal_place_into_cursor(const struct journal_place *place, uint64_t mark,
                               struct cursor *cursor)
{
    cursor->kind = CURSOR_AT;
    cursor->segment = journal_place_segment(place);
    cursor->offset = place->number;
    cursor->last_ns = (int64_t)place->realtime_us * NS_PER_US;
    cursor->last_hash = place->fields_xor;
    cursor->last_size = mark;
    cursor->skipping = false;
}
