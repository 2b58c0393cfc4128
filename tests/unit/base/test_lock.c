// SPDX-License-Identifier: Apache-2.0
/* Four bytes that keep others out (the resource equation: at most 1 KiB a source). */
#include "base/lock.h"

#include "base/cleanup.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { THREADS = 4, ROUNDS = 20000 };

static struct {
    struct lock lock;
    unsigned long
        count; /* plain: two at once would lose some, and the thread sanitizer sees them */
} shared;

static void *count(void *context)
{
    for (int i = 0; i < ROUNDS; i++) {
        lock_take(&shared.lock);
        shared.count++;
        lock_give(&shared.lock);
    }
    return context;
}

static void one_at_a_time(void **state)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.count, (unsigned long)THREADS * ROUNDS);
    assert_true(lock_try(&shared.lock));
    lock_give(&shared.lock);
}

static void *take_it_once(void *lock)
{
    lock_take(lock);
    lock_give(lock);
    return NULL;
}

/* Whoever sleeps is woken: without, the join would wait for ever. */
static void the_sleeping_are_woken(void **state)
{
    struct lock l = {0};
    pthread_t threads[THREADS];
    lock_take(&l);
    assert_false(lock_try(&l));
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_it_once, &l), 0);
    while (atomic_load(&l.state) != LOCK_WANTED)
        sched_yield();
    lock_give(&l);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    assert_true(lock_try(&l));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(the_sleeping_are_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
