/* retry_after — what a server says about when to come again.
 *
 * - Source of the format: RFC 9110 §10.2.3: seconds, or a date.
 * - Limits: RETRY_AFTER_MAX_S; more is taken for that much.
 */
#pragma once

#include "base/span.h"

#include <stdint.h>

enum { RETRY_AFTER_MAX_S = 3600 };

/* Nanoseconds from `now_ns` (wall clock); 0 where the text says neither, or the past. */
int64_t retry_after_ns(struct span value, int64_t now_ns);
