// SPDX-License-Identifier: Apache-2.0
/* The metadata cache beside a model of S48 to S57 and D60 that is too plain to be wrong: a table
 * that is searched from end to end. Both live the same random lives, and must say the same. */
#include "docker/metadata_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
    IDS_FEW = 300,                      /* crowded, never full */
    IDS_MANY = METADATA_CACHE_MAX + 50, /* full */
    STEPS = 20000,
};
/* Each step takes longer than the cache tells uses apart. */
#define STEP_NS (2 * NS_PER_SECOND)

struct model_entry {
    struct container *record; /* NULL: not there */
    int64_t set_ns, expires_ns, used_ns;
};

struct life {
    struct metadata_cache *cache;
    struct model_entry entries[IDS_MANY];
    struct container *records[2][IDS_MANY]; /* two of each id */
    unsigned ids;
    uint64_t size, hits, misses;
    int64_t now_ns;
    uint64_t random;
};

static unsigned next_random(struct life *l, unsigned below)
{
    l->random = l->random * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(l->random >> 33) % below;
}

static void init(struct life *l, unsigned ids, uint64_t seed)
{
    *l = (struct life){.ids = ids, .random = seed};
    assert_int_equal(metadata_cache_new(&l->cache, METADATA_CACHE_TTL_NS), 0);
    for (unsigned n = 0; n < 2 * ids; n++) {
        char id[CONTAINER_ID_SIZE + 1];
        snprintf(id, sizeof(id), "%064x", n / 2);
        struct container_fields fields = {.id = id};
        assert_int_equal(container_new(&l->records[n % 2][n / 2], &fields), 0);
    }
}

static void deinit(struct life *l)
{
    metadata_cache_free(l->cache);
    for (unsigned n = 0; n < 2 * l->ids; n++) {
        assert_int_equal(l->records[n % 2][n / 2]->refs, 1);
        container_unref(l->records[n % 2][n / 2]);
    }
}

static void model_remove(struct life *l, struct model_entry *e)
{
    l->size -= e->record != NULL;
    e->record = NULL;
}

static struct model_entry *first_to_expire(struct life *l)
{
    struct model_entry *first = NULL;
    for (unsigned i = 0; i < l->ids; i++) {
        struct model_entry *e = &l->entries[i];
        if (e->record && e->expires_ns <= l->now_ns &&
            (!first || e->expires_ns < first->expires_ns))
            first = e;
    }
    return first;
}

static struct model_entry *least_used(struct life *l)
{
    struct model_entry *least = NULL;
    for (unsigned i = 0; i < l->ids; i++) {
        struct model_entry *e = &l->entries[i];
        if (e->record && (!least || e->used_ns < least->used_ns))
            least = e;
    }
    return least;
}

static void step_get(struct life *l, unsigned n)
{
    struct model_entry *e = &l->entries[n];
    bool hit = e->record && e->expires_ns > l->now_ns;
    CLEANUP(container_unref)
    struct container *c = metadata_cache_get(l->cache, l->records[0][n]->id, l->now_ns);

    assert_ptr_equal(c, hit ? e->record : NULL);
    *(hit ? &l->hits : &l->misses) += 1;
    if (hit)
        e->used_ns = l->now_ns;
}

static void step_set(struct life *l, unsigned n)
{
    struct model_entry *e = &l->entries[n], *gone = NULL;
    struct container *record = l->records[next_random(l, 2)][n];
    int64_t ttl_ns = (int64_t)next_random(l, 1000) * NS_PER_SECOND + next_random(l, 1000000);
    int64_t lasts_ns = ttl_ns > 0 ? ttl_ns : METADATA_CACHE_TTL_NS;

    metadata_cache_set(l->cache, record, ttl_ns, l->now_ns);
    l->size += e->record == NULL;
    *e = (struct model_entry){record, l->now_ns, l->now_ns + lasts_ns, l->now_ns};
    if (l->size > METADATA_CACHE_CROWDED && (gone = first_to_expire(l)) != NULL)
        model_remove(l, gone);
    if (l->size > METADATA_CACHE_MAX)
        model_remove(l, gone = least_used(l));
    if (gone)
        step_get(l, (unsigned)(gone - l->entries));
}

static void step_delete(struct life *l, unsigned n)
{
    metadata_cache_delete(l->cache, l->records[0][n]->id);
    model_remove(l, &l->entries[n]);
}

static void step_cleanup(struct life *l)
{
    struct model_entry *e;
    size_t count = 0;
    for (; (e = first_to_expire(l)) != NULL; count++)
        model_remove(l, e);
    assert_int_equal(metadata_cache_cleanup(l->cache, l->now_ns), count);
}

static void step_clear(struct life *l)
{
    metadata_cache_clear(l->cache);
    for (unsigned i = 0; i < l->ids; i++)
        model_remove(l, &l->entries[i]);
    l->hits = l->misses = 0;
}

static void step_details(struct life *l)
{
    struct metadata_cache_details d = metadata_cache_details(l->cache, l->now_ns);
    int64_t oldest_ns = 0, newest_ns = 0;
    bool any = false;
    for (unsigned i = 0; i < l->ids; i++) {
        if (!l->entries[i].record)
            continue;
        int64_t age_ns = l->now_ns - l->entries[i].set_ns;
        oldest_ns = any && oldest_ns > age_ns ? oldest_ns : age_ns;
        newest_ns = any && newest_ns < age_ns ? newest_ns : age_ns;
        any = true;
    }
    assert_int_equal(d.oldest_ns, oldest_ns);
    assert_int_equal(d.newest_ns, newest_ns);
}

static void step(struct life *l)
{
    unsigned n = next_random(l, l->ids), what = next_random(l, 10000);

    l->now_ns += STEP_NS + next_random(l, 1000);
    if (what < 4500)
        step_get(l, n);
    else if (what < 9500)
        step_set(l, n);
    else if (what < 9900)
        step_delete(l, n);
    else if (what < 9950)
        step_details(l);
    else if (what < 9998)
        step_cleanup(l);
    else
        step_clear(l);

    struct metadata_cache_stats stats = metadata_cache_stats(l->cache);
    assert_int_equal(stats.size, l->size);
    assert_int_equal(stats.hits, l->hits);
    assert_int_equal(stats.misses, l->misses);
}

static void test_crowded(void **state)
{
    static struct life l;
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        init(&l, IDS_FEW, seed);
        for (unsigned i = 0; i < STEPS; i++)
            step(&l);
        deinit(&l);
    }
}

/* Filled to the brim with what does not expire, then used, overwritten and pushed out (D60). */
static void test_full(void **state)
{
    static struct life l;
    (void)state;
    init(&l, IDS_MANY, 1);
    for (unsigned n = 0; n < METADATA_CACHE_MAX; n++) {
        l.now_ns += STEP_NS;
        metadata_cache_set(l.cache, l.records[0][n], INT64_MAX, l.now_ns);
        l.entries[n] = (struct model_entry){l.records[0][n], l.now_ns, INT64_MAX, l.now_ns};
        l.size++;
    }
    for (unsigned i = 0; i < STEPS / 10; i++) {
        unsigned n = next_random(&l, 20) ? next_random(&l, 200) : next_random(&l, IDS_MANY);
        l.now_ns += STEP_NS;
        if (next_random(&l, 3)) {
            step_get(&l, n);
            continue;
        }
        n = next_random(&l, 2) ? n : METADATA_CACHE_MAX + next_random(&l, 50);
        step_set(&l, n);
        assert_true(metadata_cache_stats(l.cache).size <= METADATA_CACHE_MAX);
    }
    assert_int_equal(metadata_cache_stats(l.cache).size, l.size);
    deinit(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_crowded), cmocka_unit_test(test_full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
