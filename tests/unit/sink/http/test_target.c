// SPDX-License-Identifier: Apache-2.0
/* Where requests go, of what the user wrote (R13). */
#include "sink/http/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* As the help of `url` says it of loki. */
static void r13_a_path_of_the_users_is_taken_as_it_is(void **state)
{
    static const char *const rows[][2] = {
        {"http://there", "http://there/loki/api/v1/push"},
        {"http://there/", "http://there/loki/api/v1/push"},
        {"http://there:3100?key=1", "http://there:3100/loki/api/v1/push?key=1"},
        {"http://there/pre", "http://there/pre"},
        {"http://there/pre/loki/api/v1/push", "http://there/pre/loki/api/v1/push"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct http_target target;
        struct error error;
        assert_int_equal(http_target_init(&target, rows[i][0], "/loki/api/v1/push", &error), 0);
        assert_string_equal(target.url, rows[i][1]);
        http_target_deinit(&target);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r13_a_path_of_the_users_is_taken_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
