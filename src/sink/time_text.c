// SPDX-License-Identifier: Apache-2.0
#include "sink/time_text.h"

void time_text_fraction(char *to, uint32_t fraction_ns)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    uint32_t high = fraction_ns / 10000, low = fraction_ns % 10000;
    uint32_t first = high / 10000, middle = high % 10000;
    to[0] = (char)('0' + first);
    memcpy(to + 1, pairs + 2 * (middle / 100), 2);
    memcpy(to + 3, pairs + 2 * (middle % 100), 2);
    memcpy(to + 5, pairs + 2 * (low / 100), 2);
    memcpy(to + 7, pairs + 2 * (low % 100), 2);
}

void time_text_move(struct time_text *t, char *to, int64_t ns)
{
    rfc3339_format(to, ns);
    /* The zero time lies in the same second as the first that int64 can hold: not kept. */
    if (ns < INT64_MIN + NS_PER_SECOND)
        return;
    int64_t fraction = ns % NS_PER_SECOND;
    if (fraction < 0)
        fraction += NS_PER_SECOND;
    t->second_ns = ns - fraction;
    memcpy(t->text, to, RFC3339_SIZE);
}
