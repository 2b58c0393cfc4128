/* time_text — times as RFC 3339 text, many in a row.
 *
 * Neighbouring lines mostly share their second: its text is kept, and only the nine digits of the
 * fraction are written anew.
 *
 * - Thread: one.
 */
#pragma once

#include "base/clock.h"
#include "base/rfc3339.h"

enum { TIME_TEXT_ROOM = 32 /* bytes that time_text_put may write; RFC3339_SIZE of them count */ };

struct time_text {
    int64_t second_ns;         /* where the second begins whose text this is */
    char text[TIME_TEXT_ROOM]; /* of the whole second, padded for a copy of fixed size */
};

#define TIME_TEXT_INIT ((struct time_text){0, "1970-01-01T00:00:00.000000000Z"})

/* Writes a time of another second, and keeps that second. */
void time_text_move(struct time_text *t, char *to, int64_t ns);

/* Nine digits, leading zeros included. */
void time_text_fraction(char *to, uint32_t fraction_ns);

/* Writes RFC3339_SIZE bytes; the room behind them, up to TIME_TEXT_ROOM, holds anything. */
static inline void time_text_put(struct time_text *t, char *to, int64_t ns)
{
    uint64_t fraction = (uint64_t)ns - (uint64_t)t->second_ns;
    if (__builtin_expect(fraction >= (uint64_t)NS_PER_SECOND, 0)) {
        time_text_move(t, to, ns);
        return;
    }
    memcpy(to, t->text, TIME_TEXT_ROOM);
    time_text_fraction(to + 20, (uint32_t)fraction);
}
