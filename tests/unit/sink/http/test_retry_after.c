// SPDX-License-Identifier: Apache-2.0
/* When a server says to come again. */
#include "sink/http/retry_after.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void forms(void **state)
{
    const int64_t now_ns = 784111777 * NS_PER_SECOND; /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"0", 0},
        {"7", 7},
        {"120", 120},
        {"3600", 3600},
        {"3601", 3600},
        {"99999999999999999999999999", 3600},
        {"Sun, 06 Nov 1994 08:49:47 GMT", 10},
        {"Sunday, 06-Nov-94 08:50:37 GMT", 60},
        {"Sun Nov  6 08:49:38 1994", 1},
        {"Sun, 06 Nov 1994 08:49:36 GMT", 0},
        {"Mon, 07 Nov 2044 08:49:37 GMT", 3600},
        {"", 0},
        {"-5", 0},
        {"5 minutes", 0},
        {"soon", 0},
        {"99999999999999999999999999999999999999999999999999999999999999999999999999999 GMT", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (retry_after_ns(span_of(rows[i].text), now_ns) != rows[i].seconds * NS_PER_SECOND)
            fail_msg("%s: %lld", rows[i].text,
                     (long long)retry_after_ns(span_of(rows[i].text), now_ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
