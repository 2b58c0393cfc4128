/* config_units — sizes and durations as people write them: a whole number and its unit.
 *
 * Sizes in bytes: B, kB (or KB), MB, GB, TB of 1000, KiB, MiB, GiB, TiB of 1024. Durations in
 * nanoseconds: ms, s, m, h, d. Nothing but 0 may go without its unit; counts
 * have none.
 */
#pragma once

#include "base/cleanup.h"

#include <stdint.h>

enum { CONFIG_UNITS_SIZE = 32 /* bytes of a number with its unit and the NUL */ };

struct config_units;
extern const struct config_units config_size_units;
extern const struct config_units config_duration_units;
extern const struct config_units config_count_units; /* a bare number */

/* 0, -EINVAL where `text` is no number with its unit, -ERANGE where int64 cannot hold it. */
int config_units_parse(const struct config_units *units, const char *text, int64_t *ret) MUST_CHECK;
/* In the largest unit that has no remainder. `value` is not negative. */
void config_units_format(char to[CONFIG_UNITS_SIZE], const struct config_units *units,
                         int64_t value);
