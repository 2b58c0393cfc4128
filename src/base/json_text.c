// SPDX-License-Identifier: Apache-2.0
#include "base/json_text.h"

#include "base/utf8.h"

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void escape_one(struct buf *to, unsigned char c)
{
    static const char short_forms[] = "btn\0fr"; /* 0x08 to 0x0d, but for 0x0b */
    if (c == '"' || c == '\\') {
        buf_append(to, (struct span){(char[]){'\\', (char)c}, 2});
    } else if (c >= 0x08 && c <= 0x0d && short_forms[c - 0x08]) {
        buf_append(to, (struct span){(char[]){'\\', short_forms[c - 0x08]}, 2});
    } else {
        static const char hex[] = "0123456789abcdef";
        buf_append(to, (struct span){(char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6});
    }
}

void json_text_escape(struct buf *to, struct span bytes)
{
    while (bytes.size) {
        size_t run = 0;
        while (run < bytes.size && is_plain((unsigned char)bytes.data[run]))
            run++;
        if (run == 0 && (unsigned char)bytes.data[0] >= 0x80) {
            run = utf8_sequence(bytes);
            if (run == 0) {
                buf_append(to, SPAN("\xef\xbf\xbd"));
                bytes.data++;
                bytes.size--;
                continue;
            }
        }
        if (run == 0) {
            escape_one(to, (unsigned char)bytes.data[0]);
            run = 1;
        } else {
            buf_append(to, (struct span){bytes.data, run});
        }
        bytes.data += run;
        bytes.size -= run;
    }
}

/* Four hex digits at `p`, or -1. */
static int32_t hex4(const char *p)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* The code point of the \u escape at `text` (which begins behind the "\u"), with its low surrogate
 * where one follows. *ret_used counts what was read. */
static uint32_t unicode_escape(struct span text, size_t *ret_used)
{
    int32_t high = text.size >= 4 ? hex4(text.data) : -1;
    if (high < 0) {
        *ret_used = 0;
        return 0xfffd;
    }
    *ret_used = 4;
    if (high < 0xd800 || high > 0xdfff)
        return (uint32_t)high;
    if (high > 0xdbff || text.size < 10 || text.data[4] != '\\' || text.data[5] != 'u')
        return 0xfffd;
    int32_t low = hex4(text.data + 6);
    if (low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *ret_used = 10;
    return 0x10000 + ((uint32_t)(high & 0x3ff) << 10) + (uint32_t)(low & 0x3ff);
}

static char short_escape(char c)
{
    switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'b': return '\b';
    case 'f': return '\f';
    default: return c; /* " \ / stand for themselves */
    }
}

size_t json_text_unescape(char *to, struct span text)
{
    size_t at = 0, out = 0;
    while (at < text.size) {
        if (text.data[at] != '\\' || at + 1 == text.size) {
            to[out++] = text.data[at++];
            continue;
        }
        char kind = text.data[at + 1];
        at += 2;
        if (kind != 'u') {
            to[out++] = short_escape(kind);
            continue;
        }
        size_t used;
        uint32_t code = unicode_escape((struct span){text.data + at, text.size - at}, &used);
        at += used;
        if (used == 0) { /* "\u" without its digits: only two bytes of room are sure */
            to[out++] = '\\';
            to[out++] = 'u';
            continue;
        }
        out += utf8_put(to + out, code);
    }
    return out;
}
