// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

static bool continues(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

size_t utf8_sequence(struct span s)
{
    const unsigned char *p = (const unsigned char *)s.data;
    if (s.size == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4 || s.size < 2 || !continues(p[1]))
        return 0;
    if (p[0] < 0xe0)
        return 2;

    /* The second byte's narrower range keeps out overlong forms, surrogates and U+110000. */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    if (s.size < 3 || !continues(p[2]))
        return 0;
    if (p[0] < 0xf0)
        return 3;
    return s.size >= 4 && continues(p[3]) ? 4 : 0;
}

/* Most texts are. All of one is looked at before anything is decided: that needs no branches. */
static bool is_ascii(struct span s)
{
    uint64_t word, seen = 0;
    size_t at = 0;
    for (; at + sizeof(word) <= s.size; at += sizeof(word)) {
        memcpy(&word, s.data + at, sizeof(word));
        seen |= word;
    }
    if (at > 0) { /* the last bytes, some of them again */
        memcpy(&word, s.data + s.size - sizeof(word), sizeof(word));
        return !((seen | word) & UINT64_C(0x8080808080808080));
    }
    for (; at < s.size; at++)
        seen |= (unsigned char)s.data[at];
    return !(seen & 0x80);
}

bool utf8_valid(struct span s)
{
    if (is_ascii(s))
        return true;
    while (s.size) {
        size_t n = utf8_sequence(s);
        if (n == 0)
            return false;
        s.data += n;
        s.size -= n;
    }
    return true;
}

size_t utf8_put(char *to, uint32_t code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
        code = 0xfffd;
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 0x3f));
        to[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 0x3f));
    to[2] = (char)(0x80 | (code >> 6 & 0x3f));
    to[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

size_t utf8_mended_size(struct span s)
{
    size_t size = 0;
    while (s.size) {
        size_t n = utf8_sequence(s);
        size += n ? n : sizeof(REPLACEMENT) - 1;
        s.data += n ? n : 1;
        s.size -= n ? n : 1;
    }
    return size;
}

char *utf8_put_mended(char *to, struct span s)
{
    while (s.size) {
        size_t n = utf8_sequence(s);
        if (n) {
            memcpy(to, s.data, n);
            to += n;
        } else {
            memcpy(to, REPLACEMENT, sizeof(REPLACEMENT) - 1);
            to += sizeof(REPLACEMENT) - 1;
        }
        s.data += n ? n : 1;
        s.size -= n ? n : 1;
    }
    return to;
}
