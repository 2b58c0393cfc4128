// SPDX-License-Identifier: Apache-2.0
#include "source/json_file/text.h"

#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static const uint64_t ones = UINT64_C(0x0101010101010101);
static const uint64_t tops = UINT64_C(0x8080808080808080);

const char text_short_escape[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

const unsigned char text_hex_plus_one[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* Does one of the eight bytes end a plain run? */
static bool has_special(uint64_t word)
{
    uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
    uint64_t below = (word - ones * 0x20) | (quote - ones) | (backslash - ones);
    return (below & ~word & tops) != 0; /* both marks are ASCII: they leave the top bits alone */
}

static bool is_special(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

size_t text_plain_run(struct span s)
{
    size_t run = 0;
    uint64_t word;
    for (; s.size - run >= sizeof(word); run += sizeof(word)) {
        memcpy(&word, s.data + run, sizeof(word));
        if (has_special(word))
            break;
    }
    while (run < s.size && !is_special(s.data[run]))
        run++;
    return run;
}

size_t text_escape_size(struct span s)
{
    if (s.size < 2 || s.data[0] != '\\')
        return 0;
    if (s.data[1] != 'u')
        return text_short_escape[(unsigned char)s.data[1]] ? 2 : 0;
    return s.size >= 6 && text_hex4(s.data + 2) >= 0 ? 6 : 0;
}

/* Is the backslash at text.data[at] one that begins an escape, or the second of a pair? */
static bool begins_escape(struct span text, size_t at)
{
    size_t before = 0;
    while (before < at && text.data[at - 1 - before] == '\\')
        before++;
    return before % 2 == 0;
}

size_t text_newline_size(struct span text)
{
    if (span_ends_with(text, SPAN("\\n")))
        return begins_escape(text, text.size - 2) ? 2 : 0;
    if (span_ends_with(text, SPAN("\\u000a")) || span_ends_with(text, SPAN("\\u000A")))
        return begins_escape(text, text.size - 6) ? 6 : 0;
    return 0;
}

/* The size of the escape, or of the surrogate pair, at text.data[at]; *ret_code is its code point,
 * a surrogate where it stands alone. */
static size_t code_point(struct span text, size_t at, uint32_t *ret_code)
{
    const char *p = text.data + at;
    if (p[1] != 'u') {
        *ret_code = (unsigned char)p[1]; /* its length in UTF-8 is all that matters: one */
        return 2;
    }
    *ret_code = (uint32_t)text_hex4(p + 2);
    if ((*ret_code & 0xfc00) != 0xd800 || text.size - at < 12 || p[6] != '\\' || p[7] != 'u')
        return 6;
    uint32_t low = (uint32_t)text_hex4(p + 8);
    if ((low & 0xfc00) != 0xdc00)
        return 6;
    *ret_code = 0x10000 + ((*ret_code & 0x3ff) << 10) + (low & 0x3ff);
    return 12;
}

static bool is_surrogate(uint32_t code)
{
    return code >= 0xd800 && code <= 0xdfff;
}

static size_t distance_to_escape(struct span text, size_t at)
{
    const char *escape = memchr(text.data + at, '\\', text.size - at);
    return escape ? (size_t)(escape - (text.data + at)) : text.size - at;
}

size_t text_source_bytes(struct span text)
{
    size_t bytes = 0;
    for (size_t at = 0; at < text.size;) {
        size_t run = distance_to_escape(text, at);
        bytes += run;
        at += run;
        if (at == text.size)
            break;
        uint32_t code;
        char encoded[4];
        at += code_point(text, at, &code);
        bytes += code == 0xfffd ? 1 : utf8_put(encoded, code);
    }
    return bytes;
}

bool text_sound(struct span text)
{
    if (!utf8_valid(text))
        return false;
    for (size_t at = 0; at < text.size;) {
        at += distance_to_escape(text, at);
        if (at == text.size)
            break;
        uint32_t code;
        at += code_point(text, at, &code);
        if (is_surrogate(code))
            return false;
    }
    return true;
}

size_t text_repair(char *to, struct span text)
{
    size_t out = 0;
    for (size_t at = 0; at < text.size;) {
        struct span rest = {text.data + at, text.size - at};
        uint32_t code = 0;
        size_t size = rest.data[0] == '\\' ? code_point(text, at, &code) : utf8_sequence(rest);
        if (size == 0 || is_surrogate(code)) {
            memcpy(to + out, REPLACEMENT, 3);
            out += 3;
            at += size ? size : 1;
        } else {
            memcpy(to + out, rest.data, size);
            out += size;
            at += size;
        }
    }
    return out;
}
