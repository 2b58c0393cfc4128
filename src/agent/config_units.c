// SPDX-License-Identifier: Apache-2.0
#include "agent/config_units.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

struct config_units {
    struct {
        const char *name;
        int64_t factor;
    } units[12]; /* largest first, ends with a NULL name */
};

const struct config_units config_size_units = {{
    {"TiB", INT64_C(1) << 40},
    {"TB", INT64_C(1000000000000)},
    {"GiB", INT64_C(1) << 30},
    {"GB", INT64_C(1000000000)},
    {"MiB", INT64_C(1) << 20},
    {"MB", INT64_C(1000000)},
    {"KiB", INT64_C(1) << 10},
    {"kB", INT64_C(1000)},
    {"KB", INT64_C(1000)},
    {"B", 1},
}};

const struct config_units config_duration_units = {{
    {"d", INT64_C(86400) * NS_PER_SECOND},
    {"h", INT64_C(3600) * NS_PER_SECOND},
    {"m", INT64_C(60) * NS_PER_SECOND},
    {"s", NS_PER_SECOND},
    {"ms", NS_PER_MS},
}};

const struct config_units config_count_units = {{{"", 1}}};

int config_units_parse(const struct config_units *units, const char *text, int64_t *ret)
{
    const char *at = text;
    int64_t number = 0;
    bool overflow = false;

    for (; *at >= '0' && *at <= '9'; at++)
        overflow = overflow || __builtin_mul_overflow(number, 10, &number) ||
                   __builtin_add_overflow(number, *at - '0', &number);
    if (at == text)
        return -EINVAL;
    if (strcmp(text, "0") == 0) {
        *ret = 0;
        return 0;
    }

    for (size_t i = 0; units->units[i].name; i++) {
        if (strcmp(at, units->units[i].name) != 0)
            continue;
        if (overflow || __builtin_mul_overflow(number, units->units[i].factor, &number))
            return -ERANGE;
        *ret = number;
        return 0;
    }
    return -EINVAL;
}

void config_units_format(char to[CONFIG_UNITS_SIZE], const struct config_units *units,
                         int64_t value)
{
    size_t i = 0;

    if (value == 0) {
        snprintf(to, CONFIG_UNITS_SIZE, "0");
        return;
    }
    while (units->units[i + 1].name && value % units->units[i].factor != 0)
        i++;
    snprintf(to, CONFIG_UNITS_SIZE, "%" PRId64 "%s", value / units->units[i].factor,
             units->units[i].name);
}
