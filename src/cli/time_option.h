/* time_option — a time as it is given on the command line.
 *
 *     2026-11-23T16:02:11Z    10m (before now)    1795000000.5 (seconds since 1970, UTC)
 *
 * - Limits: what int64 nanoseconds hold.
 * - Thread: any, no state.
 */
#pragma once

#include "base/cleanup.h"

#include <stdint.h>

/* 0, or -EINVAL where `text` is none of these. */
int time_option_parse(const char *text, int64_t now_ns, int64_t *ret_ns) MUST_CHECK;
