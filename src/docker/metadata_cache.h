/* metadata_cache — what was learnt of containers lately: full id -> record, for a while.
 *
 * An entry is good until it is as old as its TTL; from then on it is a miss, and stays until it is
 * overwritten, deleted or thrown out (S48 to S61). A hit is a reference to the immutable record
 * itself: there is no copy, and what the cache does afterwards does not touch it.
 *
 * Time is handed in, on the clock of clock_monotonic_ns(): the caller knows it anyway, and asking
 * for it would cost more than the look-up.
 *
 *     c = metadata_cache_get(cache, id, now_ns);
 *     if (!c) { … read it …; metadata_cache_set(cache, c, METADATA_CACHE_OWN_TTL, now_ns); }
 *
 * - Owns: a reference to each record in it; its memory, taken once.
 * - Limits: METADATA_CACHE_MAX entries, then the least recently used goes, to the second or so.
 * - Thread: any; none of its own. A get takes no lock and writes nothing that other processors
 *   write but the record's reference count, so gets do not slow each other down. It waits only
 *   while somebody writes; writers wait for each other and for the gets under way.
 * - Errors: -ENOMEM from making it; nothing else can fail. What is no full id is never found.
 */
#pragma once

#include "base/clock.h"
#include "base/limits.h"
#include "model/container.h"

#include <stdint.h>

#define METADATA_CACHE_TTL_NS  (300 * NS_PER_SECOND) /* the usual one */
#define METADATA_CACHE_OWN_TTL ((int64_t)0)          /* of a set: the cache's own */

/* Fewer entries are let grow old in peace; with more, each set throws out one expired at most. */
enum { METADATA_CACHE_CROWDED = 100 };

struct metadata_cache;

/* `ttl_ns` is positive. */
int metadata_cache_new(struct metadata_cache **ret, int64_t ttl_ns) MUST_CHECK;
struct metadata_cache *metadata_cache_free(struct metadata_cache *m);
DEFINE_CLEANUP(struct metadata_cache *, metadata_cache_free)

/* A reference that is the caller's to give back, or NULL: unknown or expired. */
struct container *metadata_cache_get(struct metadata_cache *m, const char id[CONTAINER_ID_SIZE + 1],
                                     int64_t now_ns) MUST_CHECK;
/* Takes a reference of its own. A record of the same id is replaced, and its age begins anew. */
void metadata_cache_set(struct metadata_cache *m, struct container *record, int64_t ttl_ns,
                        int64_t now_ns);
/* An unknown id is no matter. */
void metadata_cache_delete(struct metadata_cache *m, const char id[CONTAINER_ID_SIZE + 1]);
/* Throws out all that is expired. Returns how many. */
size_t metadata_cache_cleanup(struct metadata_cache *m, int64_t now_ns);
/* Throws out all, and counts hits and misses from 0. */
void metadata_cache_clear(struct metadata_cache *m);

struct metadata_cache_stats {
    uint64_t size, hits, misses;
};

/* Without a lock. */
struct metadata_cache_stats metadata_cache_stats(const struct metadata_cache *m);

struct metadata_cache_details {
    struct metadata_cache_stats stats;
    double hit_rate;              /* 0 to 1; 0 before the first get */
    int64_t ttl_ns;               /* the cache's own */
    int64_t oldest_ns, newest_ns; /* ages; 0 where it is empty */
};

/* Looks at every entry. */
struct metadata_cache_details metadata_cache_details(struct metadata_cache *m, int64_t now_ns);
