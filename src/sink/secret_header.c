// SPDX-License-Identifier: Apache-2.0
#include "sink/secret_header.h"

#include "base/cleanup.h"

#include <string.h>

bool secret_header_named(const char *name)
{
    static const char *const marks[] = {"auth", "token", "key", "secret", "cookie", "pass"};

    for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
        if (strcasestr(name, marks[i]))
            return true;
    return false;
}
