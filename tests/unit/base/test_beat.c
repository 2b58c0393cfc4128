// SPDX-License-Identifier: Apache-2.0
/* R9: what hangs is told from what waits, and from what others hold up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/beat.h"

static bool stuck_after(enum beat_state state, int64_t since_ns)
{
    struct beat b = {0};
    beat_mark(&b, state);
    return beat_is_stuck(&b, clock_monotonic_ns() + since_ns);
}

static void only_work_that_does_not_end_is_stuck_R9(void **state)
{
    int64_t long_ns = 2 * BEAT_STUCK_NS, short_ns = BEAT_STUCK_NS / 2;
    assert_true(stuck_after(BEAT_WORKING, long_ns));
    assert_false(stuck_after(BEAT_WORKING, short_ns));
    assert_false(stuck_after(BEAT_WAITING, long_ns));
    assert_false(stuck_after(BEAT_DELIVERING, long_ns));
}

static void what_never_began_is_not_stuck(void **state)
{
    struct beat b = {0};
    assert_false(beat_is_stuck(&b, clock_monotonic_ns() + 2 * BEAT_STUCK_NS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_work_that_does_not_end_is_stuck_R9),
        cmocka_unit_test(what_never_began_is_not_stuck),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
