// SPDX-License-Identifier: Apache-2.0
#include "source/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/resource.h"

enum { CLOSED_AT_ONCE_MAX = 64 /* segments: looking through all of them should pay */ };

/* Why a segment may be closed, best first. */
enum rank { RANK_READ, RANK_PINNED, RANK_NAMED, RANK_ONLY_OURS, RANK_IN_USE };

struct candidate {
    struct segment *segment;
    enum rank rank;
    uint64_t used;
};

static struct {
    pthread_mutex_t lock;
    size_t max;             /* 0: no limit */
    size_t count;           /* open */
    struct segment *newest; /* of the list */
    atomic_uint_fast64_t uses;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

void descriptors_limit(size_t max)
{
    pthread_mutex_lock(&all.lock);
    all.max = max;
    pthread_mutex_unlock(&all.lock);
}

uint64_t descriptors_stamp(void)
{
    return atomic_fetch_add_explicit(&all.uses, 1, memory_order_relaxed);
}

static void link_locked(struct segment *s)
{
    s->older = all.newest;
    s->newer = NULL;
    if (s->older)
        s->older->newer = s;
    all.newest = s;
    all.count++;
    resource_opened(RESOURCE_SEGMENT);
}

static void unlink_locked(struct segment *s)
{
    *(s->newer ? &s->newer->older : &all.newest) = s->older;
    if (s->older)
        s->older->newer = s->newer;
    all.count--;
    resource_closed(RESOURCE_SEGMENT);
}

void descriptors_add(struct segment *s)
{
    pthread_mutex_lock(&all.lock);
    link_locked(s);
    pthread_mutex_unlock(&all.lock);
}

void descriptors_remove(struct segment *s)
{
    pthread_mutex_lock(&all.lock);
    unlink_locked(s);
    pthread_mutex_unlock(&all.lock);
}

/* Called with the segment's lock held. */
static enum rank rank_of(const struct segment *s)
{
    struct stat st;
    if (s->users > 0 || s->fd < 0)
        return RANK_IN_USE;
    if (fstat(s->fd, &st) < 0)
        return RANK_ONLY_OURS;
    bool named = atomic_load_explicit(&s->named, memory_order_acquire) && st.st_nlink > 0;
    if (!s->pinned && !named)
        return RANK_ONLY_OURS;
    if (s->read_by_all && st.st_size == s->read_size)
        return RANK_READ;
    return s->pinned ? RANK_PINNED : RANK_NAMED;
}

static bool goes_before(const struct candidate *a, const struct candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->used < b->used;
}

/* Keeps the best in order. */
static void consider(struct candidate *best, size_t *count, size_t max, struct candidate c)
{
    if (c.rank == RANK_IN_USE || (*count == max && !goes_before(&c, &best[max - 1])))
        return;
    size_t i = *count < max ? (*count)++ : max - 1;
    for (; i > 0 && goes_before(&c, &best[i - 1]); i--)
        best[i] = best[i - 1];
    best[i] = c;
}

static size_t choose_locked(struct candidate *best, size_t max)
{
    size_t count = 0;
    for (struct segment *s = all.newest; s; s = s->older) {
        if (!lock_try(&s->lock))
            continue; /* somebody has it in hand */
        struct candidate c = {s, rank_of(s), s->used};
        lock_give(&s->lock);
        consider(best, &count, max, c);
    }
    return count;
}

/* Closes up to `max`, at least one where there is one, and of those that would be lost only one.
 * The locks are held: closing what was only read is short, and none can be freed meanwhile. */
static size_t close_some_locked(size_t max)
{
    struct candidate best[CLOSED_AT_ONCE_MAX];
    size_t count = choose_locked(best, max), closed = 0;
    for (size_t i = 0; i < count && (i == 0 || best[i].rank != RANK_ONLY_OURS); i++) {
        struct segment *s = best[i].segment;
        if (!lock_try(&s->lock))
            continue;
        if (s->users == 0 && s->fd >= 0) {
            unlink_locked(s);
            s->fd = close_fd(s->fd);
            closed++;
        }
        lock_give(&s->lock);
    }
    return closed;
}

/* An eighth at once: a look through all of them buys that many openings. */
static size_t portion(size_t of)
{
    size_t eighth = of / 8 + 1;
    return eighth < CLOSED_AT_ONCE_MAX ? eighth : CLOSED_AT_ONCE_MAX;
}

static void make_room(void)
{
    pthread_mutex_lock(&all.lock);
    if (all.max && all.count >= all.max)
        close_some_locked(portion(all.max));
    pthread_mutex_unlock(&all.lock);
}

bool descriptors_relieve(int error)
{
    if (error != -EMFILE && error != -ENFILE)
        return false;
    pthread_mutex_lock(&all.lock);
    size_t closed = close_some_locked(portion(all.count));
    if (closed)
        all.max = all.count + 1; /* others have taken more than was left to them: so it stays */
    pthread_mutex_unlock(&all.lock);
    return closed > 0;
}

int descriptors_open(const char *path, int *ret_fd)
{
    make_room();
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}
