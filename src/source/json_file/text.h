/* text — the inside of a JSON string as it stands in a json-file: what its escapes come to.
 *
 * text_plain_run and text_escape_size read any bytes; the others want text whose escapes are legal.
 *
 * - Owns: nothing; all spans are the caller's.
 * - Source of the format: RFC 8259 §7.
 */
#pragma once

#include "base/span.h"

#include <stdint.h>

/* The byte that \X stands for; 0 where it is no escape. */
extern const char text_short_escape[256];

/* The value of a hexadecimal digit and one more; 0 of any other byte. */
extern const unsigned char text_hex_plus_one[256];

/* The value of the four hexadecimal digits at p, negative where one is none. */
static inline int32_t text_hex4(const char *p)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value * 16 | ((int32_t)text_hex_plus_one[(unsigned char)p[i]] - 1);
    return value;
}

/* How many bytes at the start of `s` are neither quote, backslash nor control character. */
size_t text_plain_run(struct span s);

/* The size of the escape at the start of `s`, 2 or 6; 0 where it is none. */
size_t text_escape_size(struct span s);

/* The size of the newline escape that `text` ends with: of \n, of \u000a, or 0. */
size_t text_newline_size(struct span text);

/* What Docker counted when it wrote `text`: a \ufffd stands for one byte that was no UTF-8. */
size_t text_source_bytes(struct span text);

/* Can it stand in a document: valid UTF-8, no half of a surrogate pair? */
bool text_sound(struct span text);

/* How much text_repair may write at most. */
static inline size_t text_repaired_size_max(struct span text)
{
    return text.size * 3; /* a byte that is no UTF-8 becomes the three of U+FFFD */
}

/* Writes `text`, escapes kept, with U+FFFD for each byte that is no UTF-8 and each half of a
 * surrogate pair. Returns the bytes written. It may be a whole JSON value. */
size_t text_repair(char *to, struct span text);
