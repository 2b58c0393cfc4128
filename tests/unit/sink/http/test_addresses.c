// SPDX-License-Identifier: Apache-2.0
/* When a server's name is looked up, and when not again: one that is down must not become a storm
 * of questions, one that has moved must be found. */
#include "sink/http/addresses.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct addresses of(const char *host)
{
    return (struct addresses){.host = host, .port = "80", .deadline_ms = 2000};
}

static int stepped(struct addresses *a, struct error *error)
{
    int r;
    while ((r = addresses_step(a, error)) == 1) {
        struct pollfd fds[NAME_LOOKUP_FDS_MAX];
        int timeout_ms = -1;
        size_t count = addresses_wait(a, fds, &timeout_ms);
        poll(fds, count, timeout_ms);
    }
    return r;
}

static void once(void **state)
{
    struct addresses a = of("localhost");
    struct error error;
    assert_int_equal(addresses_need(&a, &error), 1);
    assert_int_equal(addresses_need(&a, &error), 1);
    assert_int_equal(stepped(&a, &error), 0);
    assert_int_equal(addresses_need(&a, &error), 0);
    CLEANUP_FREE char *entry = addresses_entry(&a);
    assert_non_null(strstr(entry, "localhost:80:"));
    assert_non_null(strstr(entry, "127.0.0.1"));
}

static void never_of_an_address(void **state)
{
    struct addresses a = of("127.0.0.1");
    struct error error;
    a.is_address = a.doubted = true;
    assert_int_equal(addresses_need(&a, &error), 0);
}

static void again_where_it_failed(void **state)
{
    struct addresses a = of("localhost");
    struct error error;
    strncpy(a.text, "192.0.2.1", sizeof(a.text) - 1);
    a.found_ns = clock_monotonic_ns() - (ADDRESSES_AGE_MIN_S + 1) * NS_PER_SECOND;
    assert_int_equal(addresses_need(&a, &error), 0); /* old, and good */
    a.doubted = true;
    assert_int_equal(addresses_need(&a, &error), 1);
    assert_int_equal(stepped(&a, &error), 0);
    assert_null(strstr(a.text, "192.0.2.1"));
    a.doubted = true;
    assert_int_equal(addresses_need(&a, &error), 0); /* too soon */
}

/* A name server that has forgotten the name does not take away what was known. */
static void keeps_what_it_has(void **state)
{
    struct addresses a = of("no_such_name.invalid");
    struct error error;
    strncpy(a.text, "192.0.2.1", sizeof(a.text) - 1);
    a.found_ns = clock_monotonic_ns() - (ADDRESSES_AGE_MIN_S + 1) * NS_PER_SECOND;
    a.doubted = true;
    assert_int_equal(addresses_need(&a, &error), 1);
    assert_int_equal(stepped(&a, &error), 0);
    assert_string_equal(a.text, "192.0.2.1");
}

static void says_that_there_is_none(void **state)
{
    struct addresses a = of("no_such_name.invalid");
    struct error error;
    assert_int_equal(addresses_need(&a, &error), 1);
    assert_true(stepped(&a, &error) < 0);
    assert_memory_equal(error.text, "could not resolve no_such_name.invalid: ", 40);
    assert_int_equal(addresses_need(&a, &error), 1);
    addresses_deinit(&a); /* under way */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once),
        cmocka_unit_test(never_of_an_address),
        cmocka_unit_test(again_where_it_failed),
        cmocka_unit_test(keeps_what_it_has),
        cmocka_unit_test(says_that_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
