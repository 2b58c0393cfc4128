// SPDX-License-Identifier: Apache-2.0
/* cache — what the metadata cache costs, beside a hash table behind one mutex.
 *
 *   cache [--quick]
 *
 * One pass; prints `key value` lines. A get is the get alone, a pair is with giving the reference
 * back at once, a set replaces a record: nanoseconds of CPU a call, over all threads. "wall" is
 * nanoseconds of the clock from one get to the next, of one thread or of two on two keys.
 */
#include "base/check.h"
#include "base/clock.h"
#include "docker/metadata_cache.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { RECORDS = 1000, CHAINS = 2048, THREADS_MAX = 4 };

/* What one would write first. */
struct plain {
    pthread_mutex_t lock;
    struct plain_entry {
        struct plain_entry *next;
        struct container *record;
        int64_t expires_ns;
    } * chains[CHAINS];
    uint64_t hits, misses;
};

static struct plain plain = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct metadata_cache *cache;
static struct container *records[RECORDS];

static struct plain_entry **plain_find(const char *id)
{
    struct plain_entry **link = &plain.chains[XXH3_64bits(id, CONTAINER_ID_SIZE) % CHAINS];
    while (*link && memcmp((*link)->record->id, id, CONTAINER_ID_SIZE) != 0)
        link = &(*link)->next;
    return link;
}

static struct container *plain_get(const char *id, int64_t now_ns)
{
    struct container *found = NULL;

    pthread_mutex_lock(&plain.lock);
    struct plain_entry *e = *plain_find(id);
    if (e && now_ns < e->expires_ns)
        found = container_ref(e->record);
    *(found ? &plain.hits : &plain.misses) += 1;
    pthread_mutex_unlock(&plain.lock);
    return found;
}

static void plain_set(struct container *record, int64_t now_ns)
{
    CLEANUP(container_unref) struct container *replaced = NULL;

    pthread_mutex_lock(&plain.lock);
    struct plain_entry **link = plain_find(record->id);
    if (!*link)
        *link = calloc(1, sizeof(**link));
    CHECK(*link);
    replaced = (*link)->record;
    (*link)->record = container_ref(record);
    (*link)->expires_ns = now_ns + METADATA_CACHE_TTL_NS;
    pthread_mutex_unlock(&plain.lock);
}

static struct container *cache_get(const char *id, int64_t now_ns)
{
    return metadata_cache_get(cache, id, now_ns);
}

static void cache_set(struct container *record, int64_t now_ns)
{
    metadata_cache_set(cache, record, METADATA_CACHE_OWN_TTL, now_ns);
}

static const struct contender {
    const char *name;
    struct container *(*get)(const char *id, int64_t now_ns);
    void (*set)(struct container *record, int64_t now_ns);
} contenders[] = {{"cache", cache_get, cache_set}, {"mutex", plain_get, plain_set}};

/* What some threads are to do at once. */
struct load {
    const struct contender *who;
    unsigned threads;
    bool one_key;
    bool pairs;
    long calls; /* of each thread */
};

struct worker {
    const struct load *load;
    const char *id;
    pthread_barrier_t *together;
    int64_t cpu_ns, began_ns, ended_ns;
};

static void *work(void *context)
{
    struct worker *w = context;
    const struct load *load = w->load;

    pthread_barrier_wait(w->together);
    w->began_ns = clock_monotonic_ns();
    int64_t cpu_ns = clock_of(CLOCK_THREAD_CPUTIME_ID);
    for (long i = 0; i < load->calls; i++) {
        struct container *c = load->who->get(w->id, i);
        if (load->pairs)
            container_unref(c);
    }
    w->cpu_ns = clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
    w->ended_ns = clock_monotonic_ns();
    pthread_barrier_wait(w->together);
    return NULL;
}

struct cost {
    double cpu_ns, wall_ns; /* of one call */
};

static struct cost run(const struct load *load)
{
    pthread_t ids[THREADS_MAX];
    struct worker workers[THREADS_MAX];
    pthread_barrier_t together;
    CHECK(pthread_barrier_init(&together, NULL, load->threads) == 0);
    for (unsigned i = 0; i < load->threads; i++) {
        workers[i] = (struct worker){
            .load = load, .id = records[load->one_key ? 0 : i]->id, .together = &together};
        CHECK(pthread_create(&ids[i], NULL, work, &workers[i]) == 0);
    }

    int64_t cpu_ns = 0, began_ns = INT64_MAX, ended_ns = 0;
    for (unsigned i = 0; i < load->threads; i++) {
        const struct worker *w = &workers[i];
        CHECK(pthread_join(ids[i], NULL) == 0);
        cpu_ns += w->cpu_ns;
        began_ns = w->began_ns < began_ns ? w->began_ns : began_ns;
        ended_ns = w->ended_ns > ended_ns ? w->ended_ns : ended_ns;
        for (long n = 0; n < load->calls && !load->pairs; n++)
            container_unref(records[load->one_key ? 0 : i]);
    }
    pthread_barrier_destroy(&together);
    double calls = (double)load->calls * load->threads;
    return (struct cost){(double)cpu_ns / calls, (double)(ended_ns - began_ns) / calls};
}

static double sets(const struct contender *who, long calls)
{
    int64_t cpu_ns = clock_of(CLOCK_THREAD_CPUTIME_ID);
    for (long i = 0; i < calls; i++)
        who->set(records[i % RECORDS], i);
    return (double)(clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu_ns) / (double)calls;
}

static void make_records(void)
{
    char id[CONTAINER_ID_SIZE + 1];

    for (unsigned i = 0; i < RECORDS; i++) {
        snprintf(id, sizeof(id), "%064x", i);
        CHECK(container_new(&records[i], &(struct container_fields){.id = id}) == 0);
    }
    CHECK(metadata_cache_new(&cache, METADATA_CACHE_TTL_NS) == 0);
}

static void measure(const struct contender *who, long calls)
{
    printf("%s_set_ns %.2f\n", who->name, sets(who, calls / 4));

    struct cost one = run(&(struct load){.who = who, .threads = 1, .calls = calls});
    struct cost two = run(&(struct load){.who = who, .threads = 2, .calls = calls});
    printf("%s_get_ns %.2f\n", who->name, one.cpu_ns);
    printf("%s_one_wall_ns %.2f\n", who->name, one.wall_ns);
    printf("%s_two_wall_ns %.2f\n", who->name, two.wall_ns);

    struct load same = {.who = who, .threads = 4, .one_key = true, .calls = calls / 4};
    printf("%s_same_key_ns %.2f\n", who->name, run(&same).cpu_ns);
    same.pairs = true;
    printf("%s_same_key_pair_ns %.2f\n", who->name, run(&same).cpu_ns);
}

int main(int argc, char **argv)
{
    bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    if (argc > 1 && !quick) {
        fprintf(stderr, "usage: cache [--quick]\n");
        return 2;
    }

    make_records();
    for (size_t i = 0; i < ARRAY_SIZE(contenders); i++)
        measure(&contenders[i], quick ? 400000 : 4000000);
    return 0;
}
