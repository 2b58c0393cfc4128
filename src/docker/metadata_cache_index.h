/* metadata_cache_index — the entries of the metadata cache: found by id, and first by expiry and by
 * use. For docker/metadata_cache alone.
 *
 * A hash table with chains, and two heaps over the same entries. Who uses an entry, or sets it to
 * expire later, writes that into the entry and leaves the heaps alone. So an entry's place in a
 * heap can be too far in front, never too far behind: whoever is asked for as the first is moved
 * back until its place is true, and then it is the first indeed.
 *
 * - Owns: its memory, taken once; pages are touched as entries come. The records' references are
 *   the caller's.
 * - Limits: INDEX_ENTRIES_MAX entries.
 * - Thread: find and touch many at a time; all else alone.
 */
#pragma once

#include "base/cleanup.h"
#include "base/limits.h"
#include "model/container.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

enum {
    INDEX_ENTRIES_MAX = METADATA_CACHE_MAX + 1, /* one more while another makes room for it */
    INDEX_CHAINS = 2 * METADATA_CACHE_MAX,      /* a power of two */
    INDEX_TICK_BITS = 30, /* uses are told apart by 2^30 ns: a busy entry is seldom written to */
};

enum index_order { BY_EXPIRY, BY_USE, INDEX_ORDERS };

struct cache_entry {
    char key[CONTAINER_ID_SIZE]; /* a copy: with many on one record, its lines are never idle */
    uint64_t hash;
    struct container *record;
    int64_t set_ns, expires_ns;
    atomic_int_fast64_t used_tick;
    uint32_t next; /* in its chain, or among the free; 0: none */
    uint32_t place[INDEX_ORDERS];
    int64_t queued[INDEX_ORDERS]; /* by which it has its places: expires_ns, used_tick, or less */
};

struct cache_index {
    struct cache_entry *entries; /* numbered from 1 */
    uint32_t *chains;
    uint32_t *heaps[INDEX_ORDERS];
    uint32_t free, fresh; /* the first of the given back; how many were ever taken */
    uint32_t size;
};

int cache_index_init(struct cache_index *x) MUST_CHECK;
void cache_index_deinit(struct cache_index *x);

/* Of the CONTAINER_ID_SIZE bytes at `id`. */
uint64_t cache_index_hash(const char *id);

static inline struct cache_entry *cache_index_find(const struct cache_index *x, const char *id,
                                                   uint64_t hash)
{
    for (uint32_t n = x->chains[hash % INDEX_CHAINS]; n; n = x->entries[n].next) {
        struct cache_entry *e = &x->entries[n];
        if (e->hash == hash && memcmp(e->key, id, CONTAINER_ID_SIZE) == 0)
            return e;
    }
    return NULL;
}

static inline void cache_entry_touch(struct cache_entry *e, int64_t now_ns)
{
    int64_t tick = now_ns >> INDEX_TICK_BITS;

    if (atomic_load_explicit(&e->used_tick, memory_order_relaxed) < tick)
        atomic_store_explicit(&e->used_tick, tick, memory_order_relaxed);
}

/* Set and used now. Room for it is the caller's care. */
void cache_index_add(struct cache_index *x, struct container *record, uint64_t hash, int64_t now_ns,
                     int64_t expires_ns);
/* Set and used anew. Returns the record that was there. */
struct container *cache_index_replace(struct cache_index *x, struct cache_entry *e,
                                      struct container *record, int64_t now_ns, int64_t expires_ns);
/* Returns its record. */
struct container *cache_index_remove(struct cache_index *x, struct cache_entry *e);

/* The first in that order of those that are not past `last` (expires_ns, used_tick), or NULL. */
struct cache_entry *cache_index_first(struct cache_index *x, enum index_order order, int64_t last);
