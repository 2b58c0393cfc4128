// SPDX-License-Identifier: Apache-2.0
#include "sink/http/retry_after.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <stdio.h>

enum { VALUE_MAX = 64 /* bytes with the NUL; the longest form of date has 33 */ };

static int64_t seconds_of(struct span digits)
{
    int64_t seconds = 0;
    for (size_t i = 0; i < digits.size && seconds <= RETRY_AFTER_MAX_S; i++)
        seconds = seconds * 10 + (digits.data[i] - '0');
    return seconds;
}

static bool is_number(struct span value)
{
    size_t digits = 0;
    while (digits < value.size && value.data[digits] >= '0' && value.data[digits] <= '9')
        digits++;
    return digits > 0 && digits == value.size;
}

int64_t retry_after_ns(struct span value, int64_t now_ns)
{
    char text[VALUE_MAX];
    int64_t seconds;

    if (is_number(value)) {
        seconds = seconds_of(value);
    } else {
        snprintf(text, sizeof(text), "%.*s", (int)value.size, value.data ? value.data : "");
        int64_t date = curl_getdate(text, NULL);
        seconds = date < 0 ? 0 : date - now_ns / NS_PER_SECOND;
    }
    if (seconds < 0)
        return 0;
    return (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * NS_PER_SECOND;
}
