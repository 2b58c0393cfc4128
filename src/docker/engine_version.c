// SPDX-License-Identifier: Apache-2.0
#include "docker/engine_version.h"

enum { NUMBER_MAX = 9999 };

static bool parse_number(const char **at, unsigned *ret)
{
    const char *p = *at;
    unsigned value = 0;

    for (; *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (unsigned)(*p - '0');
        if (value > NUMBER_MAX)
            return false;
    }
    if (p == *at)
        return false;
    *at = p;
    *ret = value;
    return true;
}

bool engine_version_parse(struct engine_version *ret, const char *text)
{
    struct engine_version version;

    if (!parse_number(&text, &version.major) || *text++ != '.' ||
        !parse_number(&text, &version.minor) || *text != '\0')
        return false;
    *ret = version;
    return true;
}

bool engine_version_below(struct engine_version a, struct engine_version b)
{
    return a.major != b.major ? a.major < b.major : a.minor < b.minor;
}

struct engine_version engine_version_lower(struct engine_version a, struct engine_version b)
{
    return engine_version_below(a, b) ? a : b;
}
