/* escape — bytes as they stand inside a JSON string.
 *
 * A byte that is no UTF-8 becomes U+FFFD.
 *
 * - Owns: nothing.
 * - Source of the format: RFC 8259 §7.
 */
#pragma once

#include "base/span.h"

enum {
    ESCAPED_BYTES_MAX = 6, /* of one byte: \u001b */
    ESCAPE_SLACK = 8,      /* bytes that are written behind them: ARENA_SLACK has them */
};

/* Is it ASCII that stands there as it is? */
bool escape_none(struct span bytes);

/* Writes them, ESCAPED_BYTES_MAX a byte at most. Returns how many were written; ESCAPE_SLACK bytes
 * more may be overwritten. */
size_t escape_write(char *to, struct span bytes);
