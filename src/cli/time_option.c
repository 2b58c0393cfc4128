// SPDX-License-Identifier: Apache-2.0
#include "cli/time_option.h"

#include <errno.h>

#include "agent/config_units.h"
#include "base/clock.h"
#include "base/rfc3339.h"

/* Moves *at over digits. False where there are none, or more than int64 holds. */
static bool take_number(const char **at, int64_t *ret)
{
    const char *first = *at;
    for (*ret = 0; **at >= '0' && **at <= '9'; (*at)++)
        if (__builtin_mul_overflow(*ret, 10, ret) || __builtin_add_overflow(*ret, **at - '0', ret))
            return false;
    return *at > first;
}

/* SECONDS[.FRACTION], of at most nine digits. */
static bool take_unix_time(const char *text, int64_t *ret_ns)
{
    int64_t fraction_ns = 0;
    if (!take_number(&text, ret_ns) || __builtin_mul_overflow(*ret_ns, NS_PER_SECOND, ret_ns))
        return false;
    if (*text == '.') {
        const char *first = ++text;
        if (!take_number(&text, &fraction_ns) || text - first > 9)
            return false;
        for (ptrdiff_t digits = text - first; digits < 9; digits++)
            fraction_ns *= 10;
    }
    return !*text && !__builtin_add_overflow(*ret_ns, fraction_ns, ret_ns);
}

int time_option_parse(const char *text, int64_t now_ns, int64_t *ret_ns)
{
    int64_t ns;
    if (take_unix_time(text, &ns) ||
        (rfc3339_parse(span_of(text), &ns) == 0 && ns != RFC3339_ZERO_NS)) {
        *ret_ns = ns;
        return 0;
    }
    if (config_units_parse(&config_duration_units, text, &ns) < 0)
        return -EINVAL;
    *ret_ns = now_ns - ns;
    return 0;
}
