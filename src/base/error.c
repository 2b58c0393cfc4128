// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, int code, const char *format, ...)
{
    if (!error)
        return code;

    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return code;
}

void error_prefix(struct error *error, const char *format, ...)
{
    if (!error)
        return;

    char prefix[ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(prefix, sizeof(prefix), format, arguments);
    va_end(arguments);

    char whole[2 * ERROR_TEXT_MAX + 2];
    snprintf(whole, sizeof(whole), "%s: %s", prefix, error->text);
    whole[sizeof(error->text) - 1] = '\0';
    memcpy(error->text, whole, strlen(whole) + 1);
}
