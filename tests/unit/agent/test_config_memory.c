// SPDX-License-Identifier: Apache-2.0
/* Without memory, at whichever step: -ENOMEM, nothing half-made, nothing leaked. The linker sends
 * the allocations of our own code here (--wrap); the libraries keep theirs. */
#include "load.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static long allowed = -1; /* allocations until one fails; -1: none does */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool may_allocate(void)
{
    return allowed < 0 || (allowed > 0 && allowed-- > 0);
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *p, size_t size)
{
    return may_allocate() ? __real_realloc(p, size) : NULL;
}

static const char yaml[] = "docker: {root: /d, host: none}\n"
                           "state: \"${T_UNSET:-/s}\"\n"
                           "routes:\n"
                           "  - name: a\n"
                           "    match: {image: [a, b], label: {c: d}}\n"
                           "    sink: {type: file, path: \"/x/{image}\", fields: [time, message]}\n"
                           "  - {name: b, sink: {type: stdout}}\n"
                           "  - name: c\n"
                           "    sink: {type: wire, url: \"http://x\", username: u, password: p,\n"
                           "           headers: {a: b}, labels: {c: d}, brokers: [e, f]}\n";

/* Returns how many allocations it took until nothing failed. */
static long fail_each_allocation(const char *path)
{
    for (long n = 0; n < 1000; n++) {
        struct config *c = NULL;
        struct error error = {0};

        allowed = n;
        int code = config_load(&c, path, &error);
        allowed = -1;
        if (code == 0) {
            config_free(c);
            return n;
        }
        assert_int_equal(code, -ENOMEM);
        assert_null(c);
        assert_string_equal(error.text, "no memory for the configuration");
    }
    fail();
    return 0;
}

static void any_allocation_may_fail(void **state)
{
    config_free(load(yaml));
    assert_true(fail_each_allocation(FILE_NAME) > 80);
    assert_true(fail_each_allocation(NULL) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_allocation_may_fail)};
    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
