// SPDX-License-Identifier: Apache-2.0
#include "rig.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static const int first, second;

#define FILE_ID(device, inode) ((struct file_id){(device), (inode), 77})

/* An output belongs to one route. */
static void test_a_file_has_one_owner(void **state)
{
    CLEANUP(output_registry_free) struct output_registry *r = NULL;
    struct error error = {0};
    assert_int_equal(output_registry_new(&r), 0);
    assert_int_equal(output_registry_claim(r, FILE_ID(1, 10), &first, "/a", &error), 0);
    assert_int_equal(output_registry_claim(r, FILE_ID(1, 10), &first, "/a", &error), 0);
    assert_int_equal(output_registry_claim(r, FILE_ID(1, 10), &second, "/b", &error), -EBUSY);
    assert_non_null(strstr(error.text, "/b is already an output"));
    assert_non_null(strstr(error.text, "/a"));
    assert_int_equal(output_registry_claim(r, FILE_ID(2, 10), &second, "/b", &error), 0);

    output_registry_release(r, FILE_ID(1, 10), &second); /* not its own */
    assert_true(output_registry_has(r, FILE_ID(1, 10)));
    output_registry_release(r, FILE_ID(1, 10), &first);
    assert_false(output_registry_has(r, FILE_ID(1, 10)));
    assert_int_equal(output_registry_claim(r, FILE_ID(1, 10), &second, "/b", &error), 0);
}

/* An output was removed, and its inode is another file's now: nobody's until it is claimed. */
static void test_a_recycled_inode_is_free(void **state)
{
    CLEANUP(output_registry_free) struct output_registry *r = NULL;
    struct file_id gone = FILE_ID(1, 10), born_later = {1, 10, 78};
    assert_int_equal(output_registry_new(&r), 0);
    assert_int_equal(output_registry_claim(r, gone, &first, "/a", NULL), 0);
    assert_false(output_registry_has(r, born_later));
    assert_int_equal(output_registry_claim(r, born_later, &second, "/b", NULL), 0);
    output_registry_release(r, gone, &first);
    assert_true(output_registry_has(r, born_later));
    output_registry_release(r, born_later, &second);
    assert_false(output_registry_has(r, gone));
}

/* D77: what is ours is found, however many there are. */
static void test_many_files_are_found(void **state)
{
    CLEANUP(output_registry_free) struct output_registry *r = NULL;
    assert_int_equal(output_registry_new(&r), 0);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(
            output_registry_claim(r, FILE_ID(i % 3, 2 + 2 * (i * 7919 % 1000)), &first, "/x", NULL),
            0);
    for (uint64_t i = 0; i < 1000; i++) {
        assert_true(output_registry_has(r, FILE_ID(i % 3, 2 + 2 * (i * 7919 % 1000))));
        assert_false(output_registry_has(r, FILE_ID(i % 3, 3 + 2 * (i * 7919 % 1000))));
    }
}

static void *claim_and_release(void *registry)
{
    for (uint64_t i = 0; i < 1000; i++) {
        if (output_registry_claim(registry, FILE_ID(1, 1 + i % 10), &i, "/x", NULL) == 0)
            output_registry_release(registry, FILE_ID(1, 1 + i % 10), &i);
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
        assert_false(output_registry_has(r, FILE_ID(1, 1 + i)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_has_one_owner),
        cmocka_unit_test(test_a_recycled_inode_is_free),
        cmocka_unit_test(test_many_files_are_found),
        cmocka_unit_test(test_routes_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
