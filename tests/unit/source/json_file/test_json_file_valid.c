// SPDX-License-Identifier: Apache-2.0
/* The validator: S30, S26. */
#include "fixture.h"

#define VALID "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:42.5Z\"}"

static void s30_complete_records_are_valid(void **state)
{
    assert_true(json_file_valid(SPAN(VALID)));
    assert_true(json_file_valid(SPAN(VALID "\n")));
    assert_true(json_file_valid(SPAN(VALID "\r\n")));
    assert_true(json_file_valid(SPAN("{\"time\":\"2026-11-23T16:01:42+02:00\",\"x\":{\"y\":[]},"
                                     "\"stream\":\"stderr\",\"log\":\"\xe2\x82\xac\"}")));
}

static void s26_s30_all_else_is_not(void **state)
{
    assert_false(json_file_valid(SPAN("")));
    assert_false(json_file_valid(SPAN("\n")));
    assert_false(json_file_valid(SPAN(VALID VALID)));
    assert_false(json_file_valid(SPAN("\0" VALID)));
    assert_false(
        json_file_valid(SPAN("{\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:42Z\"}")));
    assert_false(json_file_valid(
        SPAN("{\"log\":\"\",\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:42Z\"}")));
    assert_false(json_file_valid(SPAN("{\"log\":\"a\",\"time\":\"2026-11-23T16:01:42Z\"}")));
    assert_false(json_file_valid(
        SPAN("{\"log\":\"a\",\"stream\":\"std\",\"time\":\"2026-11-23T16:01:42Z\"}")));
    assert_false(json_file_valid(SPAN("{\"log\":\"a\",\"stream\":\"stdout\"}")));
    assert_false(json_file_valid(SPAN("{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"now\"}")));
    assert_false(json_file_valid(SPAN("{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"\"}")));
    assert_false(json_file_valid(
        SPAN("{\"log\":\"\xff\",\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:42Z\"}")));
    assert_false(json_file_valid(
        SPAN("{\"log\":\"\\x\",\"stream\":\"stdout\",\"time\":\"2026-11-23T16:01:42Z\"}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s30_complete_records_are_valid),
        cmocka_unit_test(s26_s30_all_else_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
