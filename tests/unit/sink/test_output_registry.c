// SPDX-License-Identifier: Apache-2.0
#include "rig.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static const int first, second;

/* An output belongs to one route. */
static void test_a_file_has_one_owner(void **state)
{
    CLEANUP(output_registry_free) struct output_registry *r = NULL;
    struct error error = {0};
    assert_int_equal(output_registry_new(&r), 0);
    assert_int_equal(output_registry_claim(r, 1, 10, &first, "/a", &error), 0);
    assert_int_equal(output_registry_claim(r, 1, 10, &first, "/a", &error), 0);
    assert_int_equal(output_registry_claim(r, 1, 10, &second, "/b", &error), -EBUSY);
    assert_non_null(strstr(error.text, "/b is already an output"));
    assert_non_null(strstr(error.text, "/a"));
    assert_int_equal(output_registry_claim(r, 2, 10, &second, "/b", &error), 0);

    output_registry_release(r, 1, 10, &second); /* not its own */
    assert_true(output_registry_has(r, 1, 10));
    output_registry_release(r, 1, 10, &first);
    assert_false(output_registry_has(r, 1, 10));
    assert_int_equal(output_registry_claim(r, 1, 10, &second, "/b", &error), 0);
}

/* D77: what is ours is found, however many there are. */
static void test_many_files_are_found(void **state)
{
    CLEANUP(output_registry_free) struct output_registry *r = NULL;
    assert_int_equal(output_registry_new(&r), 0);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(output_registry_claim(r, i % 3, 2 * (i * 7919 % 1000), &first, "/x", NULL),
                         0);
    for (uint64_t i = 0; i < 1000; i++) {
        assert_true(output_registry_has(r, i % 3, 2 * (i * 7919 % 1000)));
        assert_false(output_registry_has(r, i % 3, 2 * (i * 7919 % 1000) + 1));
    }
}

static void *claim_and_release(void *registry)
{
    for (uint64_t i = 0; i < 1000; i++) {
        if (output_registry_claim(registry, 1, i % 10, &i, "/x", NULL) == 0)
            output_registry_release(registry, 1, i % 10, &i);
    }
    return NULL;
}

static void test_routes_share_it(void **state)
{
    CLEANUP(output_registry_free) struct output_registry *r = NULL;
    assert_int_equal(output_registry_new(&r), 0);
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, claim_and_release, r), 0);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    for (uint64_t i = 0; i < 10; i++)
        assert_false(output_registry_has(r, 1, i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_has_one_owner),
        cmocka_unit_test(test_many_files_are_found),
        cmocka_unit_test(test_routes_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
