// SPDX-License-Identifier: Apache-2.0
/* D25: of a terminal's `\r\n` both go; any other `\r` is the program's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "route/tty.h"

static void assert_stripped(enum message_form form, struct span message, unsigned flags,
                            struct span expected)
{
    struct entry entry = {.message = message, .flags = (uint16_t)flags};
    struct batch batch = {.form = form, .entries = &entry, .count = 1};
    tty_strip(&batch);
    assert_int_equal(entry.message.size, expected.size);
    assert_memory_equal(entry.message.data, expected.data, expected.size);
}

static void d25_bytes(void **state)
{
    assert_stripped(FORM_BYTES, SPAN("one\r"), 0, SPAN("one"));
    assert_stripped(FORM_BYTES, SPAN("one\r\r"), 0, SPAN("one\r"));
    assert_stripped(FORM_BYTES, SPAN("o\rne"), 0, SPAN("o\rne"));
    assert_stripped(FORM_BYTES, SPAN("\r"), 0, SPAN(""));
    assert_stripped(FORM_BYTES, SPAN(""), 0, SPAN(""));
}

static void d25_json(void **state)
{
    assert_stripped(FORM_JSON, SPAN("one\\r"), 0, SPAN("one"));
    assert_stripped(FORM_JSON, SPAN("one\\u000d"), 0, SPAN("one"));
    assert_stripped(FORM_JSON, SPAN("one\\u000D"), 0, SPAN("one"));
    assert_stripped(FORM_JSON, SPAN("one\\r\\r"), 0, SPAN("one\\r"));
    assert_stripped(FORM_JSON, SPAN("\\r"), 0, SPAN(""));
    assert_stripped(FORM_JSON, SPAN("one"), 0, SPAN("one"));
}

/* A backslash and the letter r. */
static void d25_escaped_backslash_is_none(void **state)
{
    assert_stripped(FORM_JSON, SPAN("C:\\\\r"), 0, SPAN("C:\\\\r"));
    assert_stripped(FORM_JSON, SPAN("C:\\\\\\r"), 0, SPAN("C:\\\\"));
    assert_stripped(FORM_JSON, SPAN("\\\\u000d"), 0, SPAN("\\\\u000d"));
}

/* Where no newline was, the program's own `\r` stands at the end. */
static void d25_only_before_a_newline(void **state)
{
    assert_stripped(FORM_BYTES, SPAN("50%\r"), ENTRY_UNTERMINATED, SPAN("50%\r"));
    assert_stripped(FORM_JSON, SPAN("50%\\r"), ENTRY_PARTIAL, SPAN("50%\\r"));
    assert_stripped(FORM_BYTES, SPAN("end\r"), ENTRY_CONTINUED, SPAN("end"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d25_bytes),
        cmocka_unit_test(d25_json),
        cmocka_unit_test(d25_escaped_backslash_is_none),
        cmocka_unit_test(d25_only_before_a_newline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
