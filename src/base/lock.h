/* lock — a mutex in four bytes, where there are ten thousand of them and hardly ever two that want
 * the same: a pthread_mutex_t has forty.
 *
 * Zeroed it is free. Whoever finds it held waits in the kernel (a futex). Not recursive, not fair.
 *
 * - Thread: any. What it guards should be short.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

struct lock {
    atomic_uint state; /* one of enum lock_state */
};

enum lock_state { LOCK_FREE, LOCK_HELD, LOCK_WANTED /* held, and somebody may sleep */ };

void lock_wait(struct lock *l);
void lock_wake(struct lock *l);

static inline bool lock_try(struct lock *l)
{
    unsigned expected = LOCK_FREE;
    return atomic_compare_exchange_strong_explicit(&l->state, &expected, LOCK_HELD,
                                                   memory_order_acquire, memory_order_relaxed);
}

static inline void lock_take(struct lock *l)
{
    if (!lock_try(l))
        lock_wait(l);
}

static inline void lock_give(struct lock *l)
{
    if (atomic_exchange_explicit(&l->state, LOCK_FREE, memory_order_release) == LOCK_WANTED)
        lock_wake(l);
}
