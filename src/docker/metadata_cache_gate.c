// SPDX-License-Identifier: Apache-2.0
#include "docker/metadata_cache_gate.h"

#include "base/check.h"

void gate_init(struct gate *g)
{
    *g = (struct gate){.writing = false};
    CHECK(pthread_mutex_init(&g->lock, NULL) == 0);
}

void gate_deinit(struct gate *g)
{
    CHECK(pthread_mutex_destroy(&g->lock) == 0);
}

/* Read in this order: who left never becomes fewer, so where the entered are not more afterwards,
 * nobody was inside when they were read. */
static bool lane_is_empty(struct gate_lane *lane)
{
    uint64_t left = atomic_load(&lane->hits) + atomic_load(&lane->misses);

    return atomic_load(&lane->entered) == left;
}

void gate_lock(struct gate *g)
{
    CHECK(pthread_mutex_lock(&g->lock) == 0);
    atomic_store(&g->writing, true);
    for (size_t i = 0; i < GATE_LANES; i++)
        while (!lane_is_empty(&g->lanes[i]))
            sched_yield(); /* a few nanoseconds, unless its reader lost the processor */
}

void gate_unlock(struct gate *g)
{
    atomic_store_explicit(&g->writing, false, memory_order_release);
    CHECK(pthread_mutex_unlock(&g->lock) == 0);
}

void gate_enter_late(struct gate *g, struct gate_lane *lane)
{
    atomic_fetch_sub(&lane->entered, 1);
    CHECK(pthread_mutex_lock(&g->lock) == 0);
    atomic_fetch_add(&lane->entered, 1); /* nobody is writing, and the next one will see us */
    CHECK(pthread_mutex_unlock(&g->lock) == 0);
}

struct gate_counts gate_counts(const struct gate *g)
{
    struct gate_counts all = {0};

    for (size_t i = 0; i < GATE_LANES; i++) {
        all.hits += atomic_load_explicit(&g->lanes[i].hits, memory_order_relaxed);
        all.misses += atomic_load_explicit(&g->lanes[i].misses, memory_order_relaxed);
    }
    return all;
}

/* Taken off rather than set: a reader that finds us writing counts itself in and out again. */
void gate_counts_clear(struct gate *g)
{
    for (size_t i = 0; i < GATE_LANES; i++) {
        struct gate_lane *lane = &g->lanes[i];
        uint64_t left = atomic_exchange(&lane->hits, 0) + atomic_exchange(&lane->misses, 0);
        atomic_fetch_sub(&lane->entered, left);
    }
}
