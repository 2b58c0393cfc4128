// SPDX-License-Identifier: Apache-2.0
#include "docker/metadata_cache_index.h"

#include "base/check.h"

#include <errno.h>
#include <xxhash.h>

/* All of it in one block, so large that the kernel gives its pages when they are touched. */
struct block {
    struct cache_entry entries[INDEX_ENTRIES_MAX + 1];
    uint32_t chains[INDEX_CHAINS];
    uint32_t heaps[INDEX_ORDERS][INDEX_ENTRIES_MAX];
};

int cache_index_init(struct cache_index *x)
{
    struct block *block = calloc(1, sizeof(*block));
    if (!block)
        return -ENOMEM;
    *x = (struct cache_index){.entries = block->entries, .chains = block->chains};
    for (size_t i = 0; i < INDEX_ORDERS; i++)
        x->heaps[i] = block->heaps[i];
    return 0;
}

void cache_index_deinit(struct cache_index *x)
{
    free(x->entries); /* the block begins with them */
}

uint64_t cache_index_hash(const char *id)
{
    return XXH3_64bits(id, CONTAINER_ID_SIZE);
}

static bool before(const struct cache_index *x, enum index_order order, uint32_t a, uint32_t b)
{
    return x->entries[a].queued[order] < x->entries[b].queued[order];
}

static void put_at(struct cache_index *x, enum index_order order, uint32_t place, uint32_t n)
{
    x->heaps[order][place] = n;
    x->entries[n].place[order] = place;
}

/* `n` belongs at `place` or further up. Returns where it went. */
static uint32_t sift_up(struct cache_index *x, enum index_order order, uint32_t place, uint32_t n)
{
    const uint32_t *heap = x->heaps[order];

    while (place > 0 && before(x, order, n, heap[(place - 1) / 2])) {
        put_at(x, order, place, heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put_at(x, order, place, n);
    return place;
}

/* `n` belongs at `place` or further down. */
static void sift_down(struct cache_index *x, enum index_order order, uint32_t place, uint32_t n)
{
    const uint32_t *heap = x->heaps[order];

    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child + 1 < x->size && before(x, order, heap[child + 1], heap[child]))
            child++;
        if (child >= x->size || !before(x, order, heap[child], n))
            break;
        put_at(x, order, place, heap[child]);
        place = child;
    }
    put_at(x, order, place, n);
}

/* `n` belongs at `place`, or anywhere. */
static void settle(struct cache_index *x, enum index_order order, uint32_t place, uint32_t n)
{
    sift_down(x, order, sift_up(x, order, place, n), n);
}

static int64_t value_of(const struct cache_entry *e, enum index_order order)
{
    return order == BY_EXPIRY ? e->expires_ns
                              : atomic_load_explicit(&e->used_tick, memory_order_relaxed);
}

void cache_index_add(struct cache_index *x, struct container *record, uint64_t hash, int64_t now_ns,
                     int64_t expires_ns)
{
    CHECK(x->size < INDEX_ENTRIES_MAX);
    uint32_t n = x->free, *chain = &x->chains[hash % INDEX_CHAINS], last = x->size++;
    if (n)
        x->free = x->entries[n].next;
    else
        n = ++x->fresh;

    struct cache_entry *e = &x->entries[n];
    *e = (struct cache_entry){
        .hash = hash,
        .record = record,
        .set_ns = now_ns,
        .expires_ns = expires_ns,
        .next = *chain,
    };
    memcpy(e->key, record->id, sizeof(e->key));
    cache_entry_touch(e, now_ns);
    *chain = n;
    for (enum index_order order = 0; order < INDEX_ORDERS; order++) {
        e->queued[order] = value_of(e, order);
        sift_up(x, order, last, n);
    }
}

struct container *cache_index_replace(struct cache_index *x, struct cache_entry *e,
                                      struct container *record, int64_t now_ns, int64_t expires_ns)
{
    struct container *before = e->record;

    e->record = record;
    e->set_ns = now_ns;
    e->expires_ns = expires_ns;
    cache_entry_touch(e, now_ns);
    if (expires_ns < e->queued[BY_EXPIRY]) {
        e->queued[BY_EXPIRY] = expires_ns;
        sift_up(x, BY_EXPIRY, e->place[BY_EXPIRY], (uint32_t)(e - x->entries));
    }
    return before;
}

struct container *cache_index_remove(struct cache_index *x, struct cache_entry *e)
{
    uint32_t n = (uint32_t)(e - x->entries), *link = &x->chains[e->hash % INDEX_CHAINS];
    while (*link != n)
        link = &x->entries[*link].next;
    *link = e->next;

    x->size--;
    for (enum index_order order = 0; order < INDEX_ORDERS; order++)
        if (e->place[order] < x->size)
            settle(x, order, e->place[order], x->heaps[order][x->size]);
    e->next = x->free;
    x->free = n;
    return TAKE(e->record);
}

struct cache_entry *cache_index_first(struct cache_index *x, enum index_order order, int64_t last)
{
    while (x->size) {
        uint32_t n = x->heaps[order][0];
        struct cache_entry *e = &x->entries[n];
        if (e->queued[order] > last)
            return NULL;
        if (e->queued[order] == value_of(e, order))
            return e;
        e->queued[order] = value_of(e, order);
        sift_down(x, order, 0, n);
    }
    return NULL;
}
