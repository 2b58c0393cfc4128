// SPDX-License-Identifier: Apache-2.0
#include "docker/metadata_cache.h"

#include "base/check.h"
#include "docker/metadata_cache_gate.h"
#include "docker/metadata_cache_index.h"

#include <errno.h>

struct metadata_cache {
    struct gate gate;
    struct cache_index index; /* of the gate */
    atomic_uint_fast64_t size;
    int64_t ttl_ns;
};

int metadata_cache_new(struct metadata_cache **ret, int64_t ttl_ns)
{
    CHECK(ttl_ns > 0);
    struct metadata_cache *m = aligned_alloc(_Alignof(struct metadata_cache), sizeof(*m));
    if (!m)
        return -ENOMEM;

    atomic_init(&m->size, 0);
    m->ttl_ns = ttl_ns;
    gate_init(&m->gate);
    int r = cache_index_init(&m->index);
    if (r < 0) {
        metadata_cache_free(m);
        return r;
    }
    *ret = m;
    return 0;
}

struct metadata_cache *metadata_cache_free(struct metadata_cache *m)
{
    if (!m)
        return NULL;

    if (m->index.size)
        metadata_cache_clear(m);
    cache_index_deinit(&m->index);
    gate_deinit(&m->gate);
    free(m);
    return NULL;
}

/* Inside the gate the entry keeps its reference, so there is one to add to. */
struct container *metadata_cache_get(struct metadata_cache *m, const char id[CONTAINER_ID_SIZE + 1],
                                     int64_t now_ns)
{
    struct container *found = NULL;
    uint64_t hash = cache_index_hash(id);
    struct gate_lane *lane = gate_enter(&m->gate);
    struct cache_entry *e = cache_index_find(&m->index, id, hash);

    if (e && now_ns < e->expires_ns) {
        cache_entry_touch(e, now_ns);
        found = container_ref(e->record);
    }
    gate_leave(lane, found != NULL);
    return found;
}

static void write_begin(struct metadata_cache *m)
{
    gate_lock(&m->gate);
}

static void write_end(struct metadata_cache *m)
{
    atomic_store_explicit(&m->size, m->index.size, memory_order_relaxed);
    gate_unlock(&m->gate);
}

/* NULL where nothing is expired. */
static struct container *take_expired(struct metadata_cache *m, int64_t now_ns)
{
    struct cache_entry *e = cache_index_first(&m->index, BY_EXPIRY, now_ns);

    return e ? cache_index_remove(&m->index, e) : NULL;
}

void metadata_cache_set(struct metadata_cache *m, struct container *record, int64_t ttl_ns,
                        int64_t now_ns)
{
    uint64_t hash = cache_index_hash(record->id);
    int64_t expires_ns;
    if (__builtin_add_overflow(now_ns, ttl_ns > 0 ? ttl_ns : m->ttl_ns, &expires_ns))
        expires_ns = INT64_MAX;
    /* Given back at the end: the last reference costs the record's release. */
    CLEANUP(container_unref) struct container *replaced = NULL;
    CLEANUP(container_unref) struct container *expired = NULL;
    CLEANUP(container_unref) struct container *unused = NULL;

    container_ref(record);
    write_begin(m);
    struct cache_entry *e = cache_index_find(&m->index, record->id, hash);
    if (e)
        replaced = cache_index_replace(&m->index, e, record, now_ns, expires_ns);
    else
        cache_index_add(&m->index, record, hash, now_ns, expires_ns);
    if (m->index.size > METADATA_CACHE_CROWDED)
        expired = take_expired(m, now_ns);
    if (m->index.size > METADATA_CACHE_MAX)
        unused = cache_index_remove(&m->index, cache_index_first(&m->index, BY_USE, INT64_MAX));
    write_end(m);
}

void metadata_cache_delete(struct metadata_cache *m, const char id[CONTAINER_ID_SIZE + 1])
{
    CLEANUP(container_unref) struct container *gone = NULL;
    uint64_t hash = cache_index_hash(id);

    write_begin(m);
    struct cache_entry *e = cache_index_find(&m->index, id, hash);
    if (e)
        gone = cache_index_remove(&m->index, e);
    write_end(m);
}

size_t metadata_cache_cleanup(struct metadata_cache *m, int64_t now_ns)
{
    size_t count = 0;
    struct container *gone;

    write_begin(m);
    for (; (gone = take_expired(m, now_ns)) != NULL; count++)
        container_unref(gone);
    write_end(m);
    return count;
}

void metadata_cache_clear(struct metadata_cache *m)
{
    struct cache_entry *e;

    write_begin(m);
    while ((e = cache_index_first(&m->index, BY_EXPIRY, INT64_MAX)) != NULL)
        container_unref(cache_index_remove(&m->index, e));
    gate_counts_clear(&m->gate);
    write_end(m);
}

struct metadata_cache_stats metadata_cache_stats(const struct metadata_cache *m)
{
    struct gate_counts counts = gate_counts(&m->gate);

    return (struct metadata_cache_stats){
        .size = atomic_load_explicit(&m->size, memory_order_relaxed),
        .hits = counts.hits,
        .misses = counts.misses,
    };
}

struct metadata_cache_details metadata_cache_details(struct metadata_cache *m, int64_t now_ns)
{
    int64_t oldest_ns = INT64_MAX, newest_ns = INT64_MIN; /* when they were set */
    struct metadata_cache_details d = {.ttl_ns = m->ttl_ns};

    write_begin(m);
    d.stats = metadata_cache_stats(m);
    for (uint32_t i = 0; i < m->index.size; i++) {
        int64_t set_ns = m->index.entries[m->index.heaps[BY_EXPIRY][i]].set_ns;
        oldest_ns = set_ns < oldest_ns ? set_ns : oldest_ns;
        newest_ns = set_ns > newest_ns ? set_ns : newest_ns;
    }
    write_end(m);

    if (d.stats.size) {
        d.oldest_ns = now_ns - oldest_ns;
        d.newest_ns = now_ns - newest_ns;
    }
    uint64_t asked = d.stats.hits + d.stats.misses;
    d.hit_rate = asked ? (double)d.stats.hits / (double)asked : 0;
    return d;
}
