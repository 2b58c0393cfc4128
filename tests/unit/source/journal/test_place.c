// SPDX-License-Identifier: Apache-2.0
/* A place in the journal as text and as a cursor (S53: where a route stands survives). */
#include "journal_rig.h"

#include <errno.h>

#define TEXT                                                                                       \
    "s=49950e054f5b4b2a9f94df1045742a67;i=3;b=ffb4409017e3474d9eb5d6c79e1929cb;m=a96fb2db;"        \
    "t=660f42a11b5c5;x=e3f67901721f8245"

static struct journal_place parse(const char *text)
{
    struct journal_place place;
    assert_int_equal(journal_place_parse(&place, text), 0);
    return place;
}

static void text_is_read_and_written(void **state)
{
    char text[JOURNAL_PLACE_TEXT_SIZE];
    struct journal_place place = parse(TEXT);
    assert_int_equal(place.number, 3);
    assert_int_equal(place.realtime_us, 1795451654354373);
    assert_true(place.numbering.high == 0x49950e054f5b4b2a && place.boot_low == 0x9eb5d6c79e1929cb);
    journal_place_print(&place, text);
    assert_string_equal(text, TEXT);
}

static void longest_text_fits(void **state)
{
    char text[JOURNAL_PLACE_TEXT_SIZE];
    struct journal_place place;
    memset(&place, 0xff, sizeof(place));
    journal_place_print(&place, text);
    struct journal_place again = parse(text);
    assert_memory_equal(&again, &place, sizeof(place));
}

static void what_is_no_place_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "s=1",
        "i=3;s=49950e054f5b4b2a9f94df1045742a67",
        TEXT ";",
        TEXT "g",
        TEXT ";y=1",
        "s=49950e054f5b4b2a9f94df1045742a67;i=;b=ffb4409017e3474d9eb5d6c79e1929cb;m=1;t=1;x=1",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct journal_place place;
        bool only_trailing = i == 3; /* an empty last part says nothing */
        assert_int_equal(journal_place_parse(&place, texts[i]), only_trailing ? 0 : -EINVAL);
    }
}

static void cursor_keeps_all_of_it(void **state)
{
    struct cursor cursor = CURSOR_INIT;
    struct journal_place place = parse(TEXT), again;
    assert_false(journal_place_of_cursor(&again, &cursor));
    journal_place_into_cursor(&place, 77, &cursor);
    assert_int_equal(cursor.kind, CURSOR_AT);
    assert_int_equal(cursor.segment.serial, 1);
    assert_int_equal(cursor.last_size, 77);
    assert_true(cursor.last_ns == INT64_C(1795451654354373000));
    assert_true(journal_place_of_cursor(&again, &cursor));
    assert_memory_equal(&again, &place, sizeof(place));
}

static void cursor_before_a_time_is_no_entrys(void **state)
{
    struct cursor cursor = {.kind = CURSOR_AT, .last_ns = 1500};
    struct journal_place place;
    assert_true(journal_place_of_cursor(&place, &cursor));
    assert_false(journal_place_is_entry(&place));
    assert_int_equal(place.realtime_us, 1);
}

static void order_is_the_journals(void **state)
{
    struct journal_place a = parse(TEXT), b = a;
    assert_int_equal(journal_place_compare(&a, &b), 0);
    b.number = 4;
    b.realtime_us = 1; /* the clock was set back: the number counts */
    assert_true(journal_place_compare(&a, &b) < 0);
    b.numbering.low++;
    b.monotonic_us = a.monotonic_us - 1; /* another numbering of the same boot */
    assert_true(journal_place_compare(&a, &b) > 0);
    b.boot_low++;
    b.realtime_us = a.realtime_us + 1;
    assert_true(journal_place_compare(&a, &b) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_read_and_written),
        cmocka_unit_test(longest_text_fits),
        cmocka_unit_test(what_is_no_place_is_refused),
        cmocka_unit_test(cursor_keeps_all_of_it),
        cmocka_unit_test(cursor_before_a_time_is_no_entrys),
        cmocka_unit_test(order_is_the_journals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
