// SPDX-License-Identifier: Apache-2.0
/* D27: what is not UTF-8 is seen wherever it stands, and can be mended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "base/utf8.h"

static void test_one_wrong_byte_anywhere(void **state)
{
    enum { SIZE_MAX_TRIED = 40 };
    for (size_t size = 0; size <= SIZE_MAX_TRIED; size++) {
        char text[SIZE_MAX_TRIED + 1];
        memset(text, 'a', sizeof(text));
        assert_true(utf8_valid((struct span){text, size}));
        for (size_t at = 0; at < size; at++) {
            text[at] = '\xff';
            assert_false(utf8_valid((struct span){text, size}));
            assert_int_equal(utf8_mended_size((struct span){text, size}), size + 2);
            text[at] = 'a';
        }
        text[size] = '\xff'; /* behind it */
        assert_true(utf8_valid((struct span){text, size}));
    }
}

static void test_long_signs(void **state)
{
    assert_true(utf8_valid(SPAN("é and 🐳, with more than eight bytes behind them")));
    assert_false(utf8_valid(SPAN("overlong: \xc0\xaf, with more than eight bytes behind it")));
    assert_false(utf8_valid(SPAN("cut: \xf0\x9f\x90")));
}

static void test_mended(void **state)
{
    static const struct {
        struct span text, mended;
    } rows[] = {
        {SPAN(""), SPAN("")},
        {SPAN("é 🐳"), SPAN("é 🐳")},
        {SPAN("\xff no \xc3 UTF-8 \xed\xa0\x80"),
         SPAN("\ufffd no \ufffd UTF-8 \ufffd\ufffd\ufffd")},
        {SPAN("\xf0\x9f\x90"), SPAN("\ufffd\ufffd\ufffd")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char to[64];
        size_t size = (size_t)(utf8_put_mended(to, rows[i].text) - to);
        assert_int_equal(size, utf8_mended_size(rows[i].text));
        assert_true(span_equal((struct span){to, size}, rows[i].mended));
        assert_true(utf8_valid(rows[i].mended));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_wrong_byte_anywhere),
        cmocka_unit_test(test_long_signs),
        cmocka_unit_test(test_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
