// SPDX-License-Identifier: Apache-2.0
/* R13: a time on the command line is one of three forms, or is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/time_option.h"

#define NOW_NS (INT64_C(1795000000) * NS_PER_SECOND)

static void expect(const char *text, int64_t wanted_ns)
{
    int64_t ns = 0;
    assert_int_equal(time_option_parse(text, NOW_NS, &ns), 0);
    assert_int_equal(ns, wanted_ns);
}

static void test_rfc3339(void **state)
{
    expect("1970-01-01T00:00:01Z", NS_PER_SECOND);
    expect("1970-01-01T00:00:01.000000002Z", NS_PER_SECOND + 2);
    expect("1970-01-01T02:00:01+02:00", NS_PER_SECOND); /* S24 */
}

static void test_seconds_since_1970(void **state)
{
    expect("0", 0);
    expect("1795000000", NOW_NS);
    expect("1795000000.5", NOW_NS + NS_PER_SECOND / 2);
    expect("1.000000001", NS_PER_SECOND + 1);
    expect("9223372036.854775807", INT64_MAX);
}

static void test_durations_count_back_from_now(void **state)
{
    expect("10m", NOW_NS - 600 * NS_PER_SECOND);
    expect("250ms", NOW_NS - 250 * NS_PER_MS);
    expect("1d", NOW_NS - 86400 * NS_PER_SECOND);
}

static void test_anything_else_is_refused(void **state)
{
    static const char *const none[] = {
        "",
        "yesterday",
        "-1",
        "+1",
        "1.",
        "1.x",
        ".5",
        "1 ",
        " 1",
        "1.0000000001",
        "10 m",
        "m",
        "2026-11-23",
        "9223372037",
        "9223372036.854775808",
        "1e9",
        "0x10",
        "-10m",
        "99999999999999999999",
        "0001-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
        int64_t ns = 42;
        assert_int_equal(time_option_parse(none[i], NOW_NS, &ns), -EINVAL);
        assert_int_equal(ns, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc3339),
        cmocka_unit_test(test_seconds_since_1970),
        cmocka_unit_test(test_durations_count_back_from_now),
        cmocka_unit_test(test_anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
