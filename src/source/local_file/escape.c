// SPDX-License-Identifier: Apache-2.0
#include "source/local_file/escape.h"

#include "base/utf8.h"

#include <endian.h>
#include <stdint.h>

enum { WORD = sizeof(uint64_t) };

static const uint64_t ones = UINT64_C(0x0101010101010101);
static const uint64_t tops = UINT64_C(0x8080808080808080);

#define U(digits) "\\u00" digits

/* Each in a word, so that it is copied whole; eight bytes with what is not counted. */
static const char escapes[][WORD] = {
    U("00"), U("01"), U("02"), U("03"), U("04"), U("05"), U("06"), U("07"),
    "\\b",   "\\t",   "\\n",   U("0b"), "\\f",   "\\r",   U("0e"), U("0f"),
    U("10"), U("11"), U("12"), U("13"), U("14"), U("15"), U("16"), U("17"),
    U("18"), U("19"), U("1a"), U("1b"), U("1c"), U("1d"), U("1e"), U("1f"),
};

/* How many of the eight bytes at p stand for themselves, up to the first that may not. A byte below
 * what is taken from it borrows its top bit, and disturbs only what comes after. */
static size_t plain_bytes(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    word = le64toh(word);
    uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
    uint64_t odd = ((word - ones * 0x20) | (quote - ones) | (backslash - ones) | word) & tops;
    return odd ? (size_t)__builtin_ctzll(odd) / 8 : WORD;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

bool escape_none(struct span bytes)
{
    size_t at = 0;
    for (; bytes.size - at >= WORD; at += WORD)
        if (plain_bytes(bytes.data + at) < WORD)
            return false;
    while (at < bytes.size && is_plain((unsigned char)bytes.data[at]))
        at++;
    return at == bytes.size;
}

/* Takes what is no plain byte off the front of `bytes`. */
static char *write_odd(char *to, struct span *bytes)
{
    unsigned char c = (unsigned char)bytes->data[0];
    size_t size = 1;
    if (c >= 0x80) {
        size = utf8_sequence(*bytes);
        if (size)
            memcpy(to, bytes->data, size);
        to += size ? size : utf8_put(to, 0xfffd);
        size = size ? size : 1;
    } else if (c < 0x20) {
        memcpy(to, escapes[c], WORD);
        to += escapes[c][1] == 'u' ? 6 : 2;
    } else {
        *to++ = '\\';
        *to++ = (char)c;
    }
    bytes->data += size;
    bytes->size -= size;
    return to;
}

size_t escape_write(char *to, struct span bytes)
{
    char *start = to;
    while (bytes.size) {
        size_t run = 0;
        if (bytes.size >= WORD) {
            memcpy(to, bytes.data, WORD); /* more than the run, mostly: it is written over */
            run = plain_bytes(bytes.data);
        } else if (is_plain((unsigned char)bytes.data[0])) {
            *to = bytes.data[0];
            run = 1;
        }
        to += run;
        bytes.data += run;
        bytes.size -= run;
        if (bytes.size && !is_plain((unsigned char)bytes.data[0]))
            to = write_odd(to, &bytes);
    }
    return (size_t)(to - start);
}
