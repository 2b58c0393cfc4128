/* rfc3339 — times as text, to and from nanoseconds since 1970 in UTC.
 *
 * Source of the format: RFC 3339 §5.6; Docker writes 0 to 9 digits of fraction, trailing zeros
 * trimmed, always "Z" (journald and Podman write offsets).
 *
 * - Limits: years 0001 to 9999 are valid text; what int64 nanoseconds cannot hold (before 1677,
 *   after 2262) is refused, but for Docker's zero time 0001-01-01T00:00:00Z, which reads as
 *   RFC3339_ZERO_NS.
 */
#pragma once

#include "base/cleanup.h"
#include "base/span.h"

#include <stdint.h>

enum { RFC3339_SIZE = 30 /* bytes of "2026-11-23T16:02:11.597707236Z" */ };
#define RFC3339_ZERO_NS INT64_MIN

/* 0, or -EINVAL where `text` as a whole is no RFC 3339 time. */
int rfc3339_parse(struct span text, int64_t *ret_ns) MUST_CHECK;

/* Writes exactly RFC3339_SIZE bytes, nine digits and Z, no NUL. RFC3339_ZERO_NS gives the zero
 * time back. */
void rfc3339_format(char to[RFC3339_SIZE], int64_t ns);

/* Days since 1970-01-01 of a proleptic Gregorian date. */
int64_t rfc3339_days(int64_t year, unsigned month, unsigned day);
