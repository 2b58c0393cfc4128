// SPDX-License-Identifier: Apache-2.0
/* The metadata cache, one statement after the other (S48 to S57, D60, D61). Time is made up. */
#include "docker/metadata_cache.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE_NS (60 * NS_PER_SECOND)

enum { CROWD = METADATA_CACHE_CROWDED };

static struct metadata_cache *cache;

static int make_cache(void **state)
{
    (void)state;
    return metadata_cache_new(&cache, METADATA_CACHE_TTL_NS);
}

static int free_cache(void **state)
{
    (void)state;
    cache = metadata_cache_free(cache);
    return 0;
}

static const char *id_of(unsigned number)
{
    static char id[CONTAINER_ID_SIZE + 1];
    snprintf(id, sizeof(id), "%064x", number);
    return id;
}

static struct container *record_of(unsigned number, const char *name)
{
    struct container *c = NULL;
    struct container_fields fields = {.id = id_of(number), .name = name};
    assert_int_equal(container_new(&c, &fields), 0);
    return c;
}

static void set_for(unsigned number, const char *name, int64_t ttl_ns, int64_t now_ns)
{
    CLEANUP(container_unref) struct container *c = record_of(number, name);
    metadata_cache_set(cache, c, ttl_ns, now_ns);
}

static void set(unsigned number, int64_t now_ns)
{
    set_for(number, "", METADATA_CACHE_OWN_TTL, now_ns);
}

static bool has(unsigned number, int64_t now_ns)
{
    CLEANUP(container_unref) struct container *c = metadata_cache_get(cache, id_of(number), now_ns);
    return c != NULL;
}

static void assert_name(unsigned number, const char *name, int64_t now_ns)
{
    CLEANUP(container_unref) struct container *c = metadata_cache_get(cache, id_of(number), now_ns);
    assert_non_null(c);
    assert_string_equal(c->name, name);
}

static uint64_t size(void)
{
    return metadata_cache_stats(cache).size;
}

/* S48, S49: good while younger than its TTL, five minutes; a miss from then on. */
static void test_ttl(void **state)
{
    (void)state;
    assert_false(has(1, 0));
    set(1, 7);
    assert_true(has(1, 7));
    assert_true(has(1, 7 + 5 * MINUTE_NS - 1));
    assert_false(has(1, 7 + 5 * MINUTE_NS));
    assert_int_equal(metadata_cache_details(cache, 7).ttl_ns, 5 * MINUTE_NS);
}

/* S48: with another TTL. */
static void test_ttl_of_ones_own(void **state)
{
    (void)state;
    cache = metadata_cache_free(cache);
    assert_int_equal(metadata_cache_new(&cache, 3), 0);
    set(1, 0);
    assert_true(has(1, 2));
    assert_false(has(1, 3));
    assert_int_equal(metadata_cache_details(cache, 3).ttl_ns, 3);
}

/* S49: a get deletes nothing, also where it misses. */
static void test_get_keeps_expired(void **state)
{
    (void)state;
    set(1, 0);
    assert_false(has(1, 6 * MINUTE_NS));
    assert_int_equal(size(), 1);
    assert_true(has(1, 0)); /* it is still there, for one whose clock says so */
}

/* S50: overwriting refreshes, and replaces the record. */
static void test_overwrite(void **state)
{
    (void)state;
    set_for(1, "old", METADATA_CACHE_OWN_TTL, 0);
    set_for(1, "new", METADATA_CACHE_OWN_TTL, 4 * MINUTE_NS);
    assert_int_equal(size(), 1);
    assert_name(1, "new", 9 * MINUTE_NS - 1);
    assert_false(has(1, 9 * MINUTE_NS));
}

/* S51: up to 100 entries nothing is thrown out, however old. */
static void test_no_eviction_in_peace(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CROWD; i++)
        set(i, 6 * MINUTE_NS * i);
    assert_int_equal(size(), CROWD);
}

/* S51: above, each set throws out one expired at most, the longest expired first; never more, and
 * none that is good. */
static void test_one_eviction_a_set(void **state)
{
    int64_t late_ns = 6 * MINUTE_NS;
    (void)state;
    for (unsigned i = 0; i < CROWD; i++)
        set(i, i);
    for (unsigned i = 0; i < 10; i++) {
        set(CROWD + i, late_ns);
        assert_int_equal(size(), CROWD);
        assert_false(has(i, i));
        assert_true(has(i + 1, i + 1));
    }
    set(CROWD, late_ns); /* overwrites: not above 100, nothing to do */
    assert_int_equal(size(), CROWD);
    assert_int_equal(metadata_cache_cleanup(cache, late_ns), CROWD - 10);
    for (unsigned i = 0; i <= CROWD; i++)
        set(i, late_ns);
    assert_int_equal(size(), CROWD + 10); /* all are good */
}

/* S51: overwriting counts as a set. */
static void test_overwrite_evicts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CROWD + 5; i++)
        set(i, 0);
    set(CROWD, 6 * MINUTE_NS);
    assert_int_equal(size(), CROWD + 4);
    assert_true(has(CROWD, 6 * MINUTE_NS));
}

/* S52 */
static void test_delete(void **state)
{
    (void)state;
    set(1, 0);
    set(2, 0);
    metadata_cache_delete(cache, id_of(1));
    metadata_cache_delete(cache, id_of(1));
    metadata_cache_delete(cache, id_of(3));
    assert_false(has(1, 0));
    assert_true(has(2, 0));
    assert_int_equal(size(), 1);
}

/* S53: an expired read is a miss; sets and deletes are neither. */
static void test_stats(void **state)
{
    (void)state;
    set(1, 0);
    assert_true(has(1, 0));
    assert_true(has(1, 1));
    assert_false(has(1, 6 * MINUTE_NS));
    assert_false(has(2, 0));
    assert_false(has(3, 0));
    metadata_cache_delete(cache, id_of(1));
    set(4, 0);
    set(5, 0);
    struct metadata_cache_stats stats = metadata_cache_stats(cache);
    assert_int_equal(stats.size, 2);
    assert_int_equal(stats.hits, 2);
    assert_int_equal(stats.misses, 3);
}

/* S54 */
static void test_clear(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 300; i++)
        set(i, 0);
    assert_true(has(7, 0));
    assert_false(has(300, 0));
    metadata_cache_clear(cache);
    struct metadata_cache_stats stats = metadata_cache_stats(cache);
    assert_int_equal(stats.size + stats.hits + stats.misses, 0);
    assert_false(has(7, 0));
    set(7, 0);
    assert_true(has(7, 0));
    stats = metadata_cache_stats(cache);
    assert_int_equal(stats.hits, 1);
    assert_int_equal(stats.misses, 1);
}

/* S55: all that is expired, and nothing else. */
static void test_cleanup(void **state)
{
    (void)state;
    assert_int_equal(metadata_cache_cleanup(cache, 0), 0);
    for (unsigned i = 0; i < 50; i++)
        set(i, i % 2 ? 0 : MINUTE_NS);
    assert_int_equal(metadata_cache_cleanup(cache, 5 * MINUTE_NS - 1), 0);
    assert_int_equal(metadata_cache_cleanup(cache, 5 * MINUTE_NS), 25);
    assert_int_equal(metadata_cache_cleanup(cache, 5 * MINUTE_NS), 0);
    assert_int_equal(size(), 25);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(has(i, 5 * MINUTE_NS), i % 2 == 0);
}

/* S56 */
static void test_details(void **state)
{
    (void)state;
    struct metadata_cache_details d = metadata_cache_details(cache, 50);
    assert_int_equal(d.oldest_ns, 0);
    assert_int_equal(d.newest_ns, 0);
    assert_true(d.hit_rate == 0);

    set(1, 10);
    set(2, 20);
    set(3, 30);
    set(1, 40); /* is the newest now */
    assert_true(has(1, 40));
    assert_true(has(2, 40));
    assert_true(has(3, 40));
    assert_false(has(4, 40));
    d = metadata_cache_details(cache, 50);
    assert_int_equal(d.stats.size, 3);
    assert_int_equal(d.stats.hits, 3);
    assert_int_equal(d.stats.misses, 1);
    assert_true(fabs(d.hit_rate - 0.75) < 1e-9);
    assert_int_equal(d.oldest_ns, 30);
    assert_int_equal(d.newest_ns, 10);
}

/* S57: a TTL of its own, longer or shorter, and another one with the next set. */
static void test_ttl_per_container(void **state)
{
    (void)state;
    set_for(1, "", MINUTE_NS, 0);
    set_for(2, "", 60 * MINUTE_NS, 0);
    set(3, 0);
    assert_false(has(1, MINUTE_NS));
    assert_true(has(3, MINUTE_NS));
    assert_true(has(2, 59 * MINUTE_NS));
    assert_int_equal(metadata_cache_cleanup(cache, MINUTE_NS), 1);
    set_for(2, "", 1, 2 * MINUTE_NS);
    assert_false(has(2, 2 * MINUTE_NS + 1));
    assert_int_equal(metadata_cache_cleanup(cache, 2 * MINUTE_NS + 1), 1);
    set_for(4, "", INT64_MAX, MINUTE_NS); /* for ever */
    assert_true(has(4, INT64_MAX - 1));
}

/* A hit is a reference: it outlives its entry, and the cache. */
static void test_reference(void **state)
{
    (void)state;
    set_for(1, "kept", METADATA_CACHE_OWN_TTL, 0);
    CLEANUP(container_unref) struct container *c = metadata_cache_get(cache, id_of(1), 0);
    metadata_cache_delete(cache, id_of(1));
    assert_string_equal(c->name, "kept");
    cache = metadata_cache_free(cache);
    assert_int_equal(c->refs, 1);
}

/* D61: the full id counts, to its last digit; what is none is never found. */
static void test_key(void **state)
{
    char id[CONTAINER_ID_SIZE + 1] = "";
    (void)state;
    set(0x123, 0);
    assert_false(has(0x122, 0));
    assert_null(metadata_cache_get(cache, id, 0));
    metadata_cache_delete(cache, id);
    snprintf(id, sizeof(id), "%s", id_of(0x123));
    id[0] = '1';
    assert_null(metadata_cache_get(cache, id, 0));
    id[0] = '\0';
    assert_null(metadata_cache_get(cache, id, 0));
}

/* D60: a full cache lets the least recently used go, whether it was used by a get or by a set. */
static void test_cap(void **state)
{
    int64_t later_ns = 10 * NS_PER_SECOND;
    (void)state;
    for (unsigned i = 0; i < METADATA_CACHE_MAX; i++)
        set(i, i < 4 ? (int64_t)i : later_ns);
    assert_true(has(0, 2 * later_ns));
    set(1, 2 * later_ns);
    assert_int_equal(size(), METADATA_CACHE_MAX);

    set(METADATA_CACHE_MAX, 3 * later_ns);
    set(METADATA_CACHE_MAX + 1, 3 * later_ns);
    assert_int_equal(size(), METADATA_CACHE_MAX);
    assert_false(has(2, 4));
    assert_false(has(3, 4));
    assert_true(has(0, 3 * later_ns));
    assert_true(has(1, 3 * later_ns));

    /* An expired one goes first, though others were used longer ago. */
    set_for(4, "", 1, 4 * later_ns);
    set(METADATA_CACHE_MAX + 2, 4 * later_ns + 1);
    assert_false(has(4, 4 * later_ns));
    assert_int_equal(size(), METADATA_CACHE_MAX);
    for (unsigned i = 5; i < METADATA_CACHE_MAX; i += 1000)
        assert_true(has(i, 4 * later_ns));
}

static const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_cache, free_cache)
    TEST(test_ttl),
    TEST(test_ttl_of_ones_own),
    TEST(test_get_keeps_expired),
    TEST(test_overwrite),
    TEST(test_no_eviction_in_peace),
    TEST(test_one_eviction_a_set),
    TEST(test_overwrite_evicts),
    TEST(test_delete),
    TEST(test_stats),
    TEST(test_clear),
    TEST(test_cleanup),
    TEST(test_details),
    TEST(test_ttl_per_container),
    TEST(test_reference),
    TEST(test_key),
    TEST(test_cap),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
