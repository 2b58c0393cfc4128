// SPDX-License-Identifier: Apache-2.0
/* Docker's numbers tell what never came (S54: nothing is silent). */
#include "journal_rig.h"

static uint64_t take_all(struct journal_numbers *n, uint64_t from, uint64_t to)
{
    uint64_t missing = 0;
    for (uint64_t i = from; i <= to; i++)
        missing += journal_numbers_take(n, 1, i);
    return missing;
}

static void nothing_is_missing_in_order(void **state)
{
    struct journal_numbers n = {0};
    assert_int_equal(take_all(&n, 17, 1000), 0); /* what was before we began nobody asks */
    assert_int_equal(journal_numbers_end(&n), 0);
}

static void neighbours_may_change_places(void **state)
{
    struct journal_numbers n = {0};
    static const uint64_t order[] = {1, 3, 2, 6, 5, 4, 8, 7};
    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        assert_int_equal(journal_numbers_take(&n, 1, order[i]), 0);
    assert_int_equal(take_all(&n, 9, 300), 0);
    assert_int_equal(journal_numbers_end(&n), 0);
}

static void missing_is_what_the_window_has_passed(void **state)
{
    struct journal_numbers n = {0};
    take_all(&n, 1, 10);
    assert_int_equal(take_all(&n, 12, 11 + JOURNAL_NUMBERS_WINDOW), 0);
    assert_int_equal(take_all(&n, 12 + JOURNAL_NUMBERS_WINDOW, 12 + JOURNAL_NUMBERS_WINDOW), 1);
    assert_int_equal(journal_numbers_end(&n), 0);
}

static void every_leap_is_counted(void **state)
{
    for (uint64_t leap = 2; leap < 3 * JOURNAL_NUMBERS_WINDOW; leap++) {
        struct journal_numbers n = {0};
        take_all(&n, 1, 100);
        uint64_t missing = journal_numbers_take(&n, 1, 100 + leap);
        missing += take_all(&n, 101 + leap, 400 + leap);
        assert_int_equal(missing + journal_numbers_end(&n), leap - 1);
    }
}

static void a_new_start_ends_the_old_one(void **state)
{
    struct journal_numbers n = {0};
    take_all(&n, 1, 10);
    assert_int_equal(journal_numbers_take(&n, 1, 13), 0);
    assert_int_equal(journal_numbers_take(&n, 2, 3), 2); /* 11 and 12 */
    assert_int_equal(journal_numbers_end(&n), 2);        /* 1 and 2 of the new one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_missing_in_order),
        cmocka_unit_test(neighbours_may_change_places),
        cmocka_unit_test(missing_is_what_the_window_has_passed),
        cmocka_unit_test(every_leap_is_counted),
        cmocka_unit_test(a_new_start_ends_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
