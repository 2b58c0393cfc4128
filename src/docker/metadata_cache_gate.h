/* metadata_cache_gate — many readers at once or one writer, where readers share nothing. For
 * docker/metadata_cache alone.
 *
 * Readers count themselves in and out on a lane of their processor's own. A writer takes the lock,
 * says that it is writing, and waits until as many have left each lane as have entered. A reader
 * that finds somebody writing steps back, and waits at the lock; it is inside before it lets the
 * lock go, so that writers cannot starve it.
 *
 * They leave by one of two doors, so that the count of those who left is also the statistics:
 * exact, at no cost.
 *
 * - Owns: a lock.
 * - Thread: any. A reader inside must not lock, and not enter again.
 */
#pragma once

#include "base/cleanup.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    GATE_LANES = 16,       /* with more processors some share one; a power of two */
    GATE_LANE_BYTES = 128, /* processors fetch cache lines in pairs */
};

struct gate_lane {
    _Alignas(GATE_LANE_BYTES) atomic_uint_fast64_t entered;
    atomic_uint_fast64_t hits, misses; /* the doors out; together never more than entered */
};

struct gate {
    _Alignas(GATE_LANE_BYTES) atomic_bool writing;
    pthread_mutex_t lock;
    struct gate_lane lanes[GATE_LANES];
};

void gate_init(struct gate *g);
void gate_deinit(struct gate *g);

/* Of a writer; when gate_lock returns, no reader is inside. */
void gate_lock(struct gate *g);
void gate_unlock(struct gate *g);

/* Waits for the writer; returns inside. */
void gate_enter_late(struct gate *g, struct gate_lane *lane);

static inline struct gate_lane *gate_enter(struct gate *g)
{
    struct gate_lane *lane = &g->lanes[(unsigned)sched_getcpu() % GATE_LANES];

    /* In one order with what gate_lock does: either it sees us, or we see it. */
    atomic_fetch_add(&lane->entered, 1);
    if (atomic_load(&g->writing))
        gate_enter_late(g, lane);
    return lane;
}

static inline void gate_leave(struct gate_lane *lane, bool hit)
{
    atomic_fetch_add_explicit(hit ? &lane->hits : &lane->misses, 1, memory_order_release);
}

struct gate_counts {
    uint64_t hits, misses;
};

/* Without the lock. */
struct gate_counts gate_counts(const struct gate *g);
/* Of a writer, between lock and unlock. */
void gate_counts_clear(struct gate *g);
