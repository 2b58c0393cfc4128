// SPDX-License-Identifier: Apache-2.0
#include "docker/log_rotation.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "model/container.h"

enum { LOCAL_BYTES = 20 * 1024 * 1024 /* of `local` and of the cache, where nothing is given */ };

/* What stands behind the number: a power of 1000, whether it is written k, kB or KiB. */
static double unit_of(const char *text)
{
    static const char letters[] = "kmgtp";
    double unit = 1;
    while (*text == ' ')
        text++;
    const char *letter = *text ? strchr(letters, tolower((unsigned char)*text)) : NULL;
    if (letter) {
        for (const char *l = letters; l <= letter; l++)
            unit *= 1000;
        text++;
        text += tolower((unsigned char)*text) == 'i';
    }
    text += tolower((unsigned char)*text) == 'b';
    return *text ? 0 : unit;
}

int64_t log_rotation_bytes(const char *driver, const char *max_size)
{
    if (!*driver)
        return CONTAINER_ROTATION_UNKNOWN; /* by an Engine that kept its defaults to itself */
    if (!*max_size)
        return strcmp(driver, "json-file") == 0 ? CONTAINER_ROTATES_NEVER : LOCAL_BYTES;
    if (!isdigit((unsigned char)*max_size))
        return CONTAINER_ROTATION_UNKNOWN;
    char *end;
    double bytes = strtod(max_size, &end) * unit_of(end);
    return bytes >= 1 && bytes < (double)INT64_MAX ? (int64_t)bytes : CONTAINER_ROTATION_UNKNOWN;
}
