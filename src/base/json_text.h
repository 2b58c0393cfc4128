/* json_text — the inside of a JSON string, to and from bytes.
 *
 * Source of the format: RFC 8259 §7.
 */
#pragma once

#include "base/buf.h"

/* Appends `bytes` escaped, without the quotes. What is not UTF-8 becomes one U+FFFD a byte. */
void json_text_escape(struct buf *to, struct span bytes);

/* Unescapes into `to`, which must hold text.size bytes and json_text's BUF_SLACK more. Returns the
 * bytes written: never more than it was given. A lone surrogate becomes U+FFFD, a \u without its
 * four digits stays as it stands. */
size_t json_text_unescape(char *to, struct span text);
