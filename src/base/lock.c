// SPDX-License-Identifier: Apache-2.0
#include "base/lock.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From here on the state says WANTED until it is free: the one that gives it cannot know whether
 * others sleep, too, so that each that comes out of its sleep leaves the mark behind. */
void lock_wait(struct lock *l)
{
    while (atomic_exchange_explicit(&l->state, LOCK_WANTED, memory_order_acquire) != LOCK_FREE)
        syscall(SYS_futex, &l->state, FUTEX_WAIT_PRIVATE, LOCK_WANTED, NULL, NULL, 0);
}

void lock_wake(struct lock *l)
{
    syscall(SYS_futex, &l->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
