/* utf8 — is it UTF-8, and what to write where it is not.
 *
 * Source of the format: Unicode 15 §3.9, table 3-7 (no overlong forms, no surrogates, nothing past
 * U+10FFFF).
 */
#pragma once

#include "base/span.h"

#include <stdint.h>

/* The length in bytes of the valid sequence at the start of `s`; 0 where there is none. */
size_t utf8_sequence(struct span s);

/* True where all of `s` is valid UTF-8. */
bool utf8_valid(struct span s);

/* Writes `code` (U+FFFD for a surrogate or a number too large); returns the bytes written, 1 to 4.
 */
size_t utf8_put(char *to, uint32_t code);

/* The same text as UTF-8: each byte that is part of no valid sequence becomes U+FFFD. Returns where
 * it ends; its size is told beforehand. */
size_t utf8_mended_size(struct span s);
char *utf8_put_mended(char *to, struct span s);
