// SPDX-License-Identifier: Apache-2.0
#include "docker/userns_root.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "scratch.h"

#define ID "4749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"

static void make(const char *root, const char *path)
{
    char whole[PATH_BYTES_MAX];
    assert_in_range(snprintf(whole, sizeof(whole), "%s/%s", root, path), 1, sizeof(whole) - 1);
    for (char *p = whole + strlen(root) + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        mkdir(whole, 0700);
        *p = '/';
    }
    assert_int_equal(mkdir(whole, 0700), 0);
}

/* D18: with userns-remap, from the disk alone. */
static void d18_the_one_that_has_containers(void **state)
{
    char root[PATH_BYTES_MAX];
    snprintf(root, sizeof(root), "%s", (const char *)*state);
    userns_root_find(root);
    assert_string_equal(root, *state);

    make(root, "231072.231072/containers/" ID);
    make(root, "1.2x/containers/" ID);
    make(root, "3.4/containers");
    userns_root_find(root);
    assert_string_equal(root, SCRATCH("231072.231072"));
}

/* Two of them: nobody here can tell. */
static void d18_no_guess(void **state)
{
    char root[PATH_BYTES_MAX];
    snprintf(root, sizeof(root), "%s", (const char *)*state);
    make(root, "1.1/containers/" ID);
    make(root, "2.2/containers/" ID);
    userns_root_find(root);
    assert_string_equal(root, *state);
}

/* What has containers is what was named. */
static void d18_as_it_was_named(void **state)
{
    char root[PATH_BYTES_MAX];
    snprintf(root, sizeof(root), "%s", (const char *)*state);
    make(root, "1.1/containers/" ID);
    make(root, "containers/" ID);
    userns_root_find(root);
    assert_string_equal(root, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(d18_the_one_that_has_containers, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(d18_no_guess, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(d18_as_it_was_named, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
