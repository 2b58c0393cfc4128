// SPDX-License-Identifier: Apache-2.0
/* S58: a hundred readers and ten writers at once. What a reader gets is whole, is what it asked for
 * and stays so while it has it; what a writer does nobody sees half done; no get is lost from the
 * statistics (S53). The sanitizers look on. */
#include "docker/metadata_cache.h"
#include "docker/metadata_cache_gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
    READERS = 100,
    WRITERS = 10,
    GETS = 2000, /* of each reader */
    SETS = 1000, /* of each writer */
    IDS = 150,   /* more than may be there in peace: sets throw out, too */
    RAISES = 300,
};

static struct metadata_cache *cache;
static atomic_uint_fast64_t hits, misses;
static atomic_uint wrong;

static void id_of(unsigned number, char to[CONTAINER_ID_SIZE + 1])
{
    snprintf(to, CONTAINER_ID_SIZE + 1, "%064x", number);
}

/* Its name is the end of its id. */
static void read_on(unsigned number)
{
    for (unsigned i = 0; i < GETS; i++) {
        char id[CONTAINER_ID_SIZE + 1];
        id_of((number * 31 + i * 7) % IDS, id);
        CLEANUP(container_unref) struct container *c = metadata_cache_get(cache, id, i);
        atomic_fetch_add(c ? &hits : &misses, 1);
        if (c && (strcmp(c->id, id) != 0 || strcmp(c->name, id + 54) != 0))
            atomic_fetch_add(&wrong, 1);
        if (metadata_cache_stats(cache).size > IDS)
            atomic_fetch_add(&wrong, 1);
    }
}

static void set_one(unsigned number, int64_t ttl_ns, int64_t now_ns)
{
    CLEANUP(container_unref) struct container *c = NULL;
    char id[CONTAINER_ID_SIZE + 1];
    id_of(number, id);
    struct container_fields fields = {.id = id, .name = id + 54};
    if (container_new(&c, &fields) == 0)
        metadata_cache_set(cache, c, ttl_ns, now_ns);
    else
        atomic_fetch_add(&wrong, 1);
}

static void write_on(unsigned number)
{
    for (unsigned i = 0; i < SETS; i++) {
        char id[CONTAINER_ID_SIZE + 1];
        set_one((number * 17 + i) % IDS, i % 3 ? METADATA_CACHE_OWN_TTL : 100, i);
        id_of((number * 13 + i * 5) % IDS, id);
        if (i % 4 == 0)
            metadata_cache_delete(cache, id);
        if (i % 50 == 0)
            metadata_cache_cleanup(cache, i);
        if (i % 70 == 0 && metadata_cache_details(cache, i).stats.size > IDS)
            atomic_fetch_add(&wrong, 1);
    }
}

struct job {
    void (*work)(unsigned number);
    unsigned number;
};
static pthread_barrier_t together;

static void *begin(void *context)
{
    const struct job *job = context;
    pthread_barrier_wait(&together);
    job->work(job->number);
    return NULL;
}

static void run_all(void (*reader)(unsigned), void (*writer)(unsigned))
{
    pthread_t threads[READERS + WRITERS];
    struct job jobs[READERS + WRITERS];
    assert_int_equal(pthread_barrier_init(&together, NULL, READERS + WRITERS), 0);
    for (unsigned i = 0; i < READERS + WRITERS; i++) {
        jobs[i] = (struct job){i < READERS ? reader : writer, i};
        assert_int_equal(pthread_create(&threads[i], NULL, begin, &jobs[i]), 0);
    }
    for (size_t i = 0; i < READERS + WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    pthread_barrier_destroy(&together);
}

static void make_cache(void)
{
    assert_int_equal(metadata_cache_new(&cache, METADATA_CACHE_TTL_NS), 0);
    for (unsigned i = 0; i < IDS / 2; i++)
        set_one(i, METADATA_CACHE_OWN_TTL, 0);
}

static void test_readers_and_writers(void **state)
{
    (void)state;
    make_cache();
    run_all(read_on, write_on);
    struct metadata_cache_stats stats = metadata_cache_stats(cache);
    assert_int_equal(wrong, 0);
    assert_int_equal(stats.hits, hits);
    assert_int_equal(stats.misses, misses);
    assert_int_equal(hits + misses, READERS * GETS);
    assert_true(hits > 0);
    assert_true(misses > 0);
    cache = metadata_cache_free(cache);
}

static void clear_on(unsigned number)
{
    for (unsigned i = 0; i < SETS; i++) {
        set_one(i % IDS, METADATA_CACHE_OWN_TTL, i);
        if (i % 20 == 0)
            metadata_cache_clear(cache);
    }
}

/* S54 while others read: afterwards all counts from 0, and nobody waits for ever. */
static void test_clear_among_readers(void **state)
{
    (void)state;
    make_cache();
    run_all(read_on, clear_on);
    assert_int_equal(wrong, 0);
    metadata_cache_clear(cache);
    struct metadata_cache_stats stats = metadata_cache_stats(cache);
    assert_int_equal(stats.size + stats.hits + stats.misses, 0);
    cache = metadata_cache_free(cache);
}

static struct gate gate;
static unsigned raised[2]; /* of the gate; the same, but for whoever is writing */

static void compare(unsigned number)
{
    for (unsigned i = 0; i < GETS; i++) {
        struct gate_lane *lane = gate_enter(&gate);
        if (raised[0] != raised[1])
            atomic_fetch_add(&wrong, 1);
        gate_leave(lane, false);
    }
}

static void raise_both(unsigned number)
{
    for (unsigned i = 0; i < RAISES; i++) {
        gate_lock(&gate);
        raised[0]++;
        sched_yield();
        raised[1]++;
        gate_unlock(&gate);
    }
}

static void test_gate(void **state)
{
    (void)state;
    gate_init(&gate);
    run_all(compare, raise_both);
    assert_int_equal(wrong, 0);
    assert_int_equal(raised[1], WRITERS * RAISES);
    assert_int_equal(gate_counts(&gate).misses, READERS * GETS);
    gate_deinit(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_and_writers),
        cmocka_unit_test(test_clear_among_readers),
        cmocka_unit_test(test_gate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
