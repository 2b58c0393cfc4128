// SPDX-License-Identifier: Apache-2.0
/* Which of the known names somebody meant (R13: an error says what would be right). */
#include "base/nearest.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *hint(const char *text)
{
    static const char *const names[] = {"state", "start", "check", "container_name", "id", "cat"};
    static char to[NEAREST_HINT_SIZE];
    struct nearest n = nearest_to(span_of(text));

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        nearest_offer(&n, span_of(names[i]));
    return nearest_hint(&n, to);
}

static void a_slip_is_near(void **state)
{
    assert_string_equal(hint("stat"), " (did you mean \"state\"?)");
    assert_string_equal(hint("statee"), " (did you mean \"state\"?)");
    assert_string_equal(hint("stade"), " (did you mean \"state\"?)");
    assert_string_equal(hint("stats"), " (did you mean \"state\"?)");
    assert_string_equal(hint("cehck"), " (did you mean \"check\"?)");
    assert_string_equal(hint("containername"), " (did you mean \"container_name\"?)");
    assert_string_equal(hint("contianer-naem"), " (did you mean \"container_name\"?)");
    assert_string_equal(hint("di"), " (did you mean \"id\"?)");
}

static void the_nearest_wins(void **state)
{
    assert_string_equal(hint("state"), " (did you mean \"state\"?)");
    assert_string_equal(hint("startt"), " (did you mean \"start\"?)");
    /* One edit from either: the first that was offered. */
    assert_string_equal(hint("starte"), " (did you mean \"state\"?)");
}

static void what_is_far_has_no_hint(void **state)
{
    assert_string_equal(hint("xyz"), "");
    assert_string_equal(hint("completely"), "");
    assert_string_equal(hint(""), "");
}

static void a_long_text_is_never_near(void **state)
{
    char text[NEAREST_SIZE_MAX + 2];
    memset(text, 'a', sizeof(text));

    struct span longest = {text, NEAREST_SIZE_MAX};
    struct nearest n = nearest_to(longest);
    nearest_offer(&n, longest);
    assert_ptr_equal(n.best.data, text);

    n = nearest_to((struct span){text, NEAREST_SIZE_MAX + 1});
    nearest_offer(&n, longest);
    assert_null(n.best.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slip_is_near),
        cmocka_unit_test(the_nearest_wins),
        cmocka_unit_test(what_is_far_has_no_hint),
        cmocka_unit_test(a_long_text_is_never_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
