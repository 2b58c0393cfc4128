// SPDX-License-Identifier: Apache-2.0
#include "source/watch.h"

#include <errno.h>
#include <sys/inotify.h>

enum { BUCKETS_MIN = 64 };

struct armed {
    int wd;            /* -1: free */
    struct slot *slot; /* referenced */
};

struct watch {
    int fd;
    pthread_mutex_t lock;
    struct armed *table; /* open addressing by wd; capacity is a power of two */
    size_t capacity, used;
};

struct watch *watch_free(struct watch *w)
{
    if (!w)
        return NULL;
    for (size_t i = 0; i < w->capacity; i++)
        if (w->table[i].wd >= 0)
            slot_unref(w->table[i].slot);
    w->fd = close_fd(w->fd);
    pthread_mutex_destroy(&w->lock);
    free(w->table);
    free(w);
    return NULL;
}

static struct armed *new_table(size_t capacity)
{
    struct armed *table = malloc(capacity * sizeof(*table));
    for (size_t i = 0; table && i < capacity; i++)
        table[i].wd = -1;
    return table;
}

int watch_new(struct watch **ret, struct error *error)
{
    CLEANUP(watch_free) struct watch *w = calloc(1, sizeof(*w));
    if (!w)
        return error_set(error, -ENOMEM, "no memory");
    pthread_mutex_init(&w->lock, NULL);
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0)
        return error_set(error, -errno, "inotify: %s (fs.inotify.max_user_instances?)",
                         strerror(errno));
    w->table = new_table(BUCKETS_MIN);
    if (!w->table)
        return error_set(error, -ENOMEM, "no memory");
    w->capacity = BUCKETS_MIN;
    *ret = TAKE(w);
    return 0;
}

int watch_fd(const struct watch *w)
{
    return w->fd;
}

/* The place of `wd`, or the free place where it would go. Locked by the caller. */
static size_t place(const struct armed *table, size_t capacity, int wd)
{
    size_t i = (size_t)wd * 0x9e3779b1u & (capacity - 1);
    while (table[i].wd >= 0 && table[i].wd != wd)
        i = (i + 1) & (capacity - 1);
    return i;
}

static int grow(struct watch *w)
{
    if (2 * (w->used + 1) <= w->capacity)
        return 0;
    struct armed *table = new_table(2 * w->capacity);
    if (!table)
        return -ENOMEM;
    for (size_t i = 0; i < w->capacity; i++)
        if (w->table[i].wd >= 0)
            table[place(table, 2 * w->capacity, w->table[i].wd)] = w->table[i];
    free(w->table);
    w->table = table;
    w->capacity *= 2;
    return 0;
}

/* Takes the entry out and closes the hole that it leaves in its run. */
static void take_out(struct watch *w, size_t i)
{
    w->table[i].wd = -1;
    w->used--;
    for (size_t k = (i + 1) & (w->capacity - 1); w->table[k].wd >= 0;
         k = (k + 1) & (w->capacity - 1)) {
        struct armed moved = w->table[k];
        w->table[k].wd = -1;
        w->table[place(w->table, w->capacity, moved.wd)] = moved;
    }
}

/* The watch is added under the lock: its event must not be read before it is in the table. */
static int arm_locked(struct watch *w, const char *path, struct slot *slot)
{
    int r = grow(w);
    if (r < 0)
        return r;
    int wd = inotify_add_watch(w->fd, path, IN_MODIFY | IN_ONESHOT);
    if (wd < 0)
        return -errno;
    struct armed *armed = &w->table[place(w->table, w->capacity, wd)];
    if (armed->wd == wd) {
        slot_unref(armed->slot);
    } else {
        armed->wd = wd;
        w->used++;
    }
    armed->slot = slot_ref(slot);
    return 0;
}

int watch_arm(struct watch *w, struct segment *s, struct slot *slot, unsigned route)
{
    int fd;
    segment_set_read(s, route, slot->route_count);
    int r = segment_acquire(s, &fd);
    if (r)
        return r < 0 ? r : -ENOENT;
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    pthread_mutex_lock(&w->lock);
    r = arm_locked(w, path, slot);
    pthread_mutex_unlock(&w->lock);
    segment_release(s);
    return r;
}

/* The slot that a watch was armed for; the watch is no more. */
static struct slot *disarm(struct watch *w, int wd)
{
    pthread_mutex_lock(&w->lock);
    size_t i = place(w->table, w->capacity, wd);
    struct slot *slot = NULL;
    if (w->table[i].wd == wd) {
        slot = w->table[i].slot;
        take_out(w, i);
    }
    pthread_mutex_unlock(&w->lock);
    return slot;
}

static bool fired(struct watch *w, int wd)
{
    CLEANUP(slot_unref) struct slot *slot = disarm(w, wd);
    if (!slot)
        return false;
    slot_mark_ready(slot);
    return true;
}

int watch_read(struct watch *w, bool *ret_all)
{
    char buffer[16 * 1024] __attribute__((aligned(8)));
    int count = 0;
    *ret_all = false;
    for (;;) {
        ssize_t n = read(w->fd, buffer, sizeof(buffer));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno != EAGAIN ? -errno : count;
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *event = (const void *)(buffer + at);
            at += (ssize_t)(sizeof(*event) + event->len);
            if (event->mask & IN_Q_OVERFLOW)
                *ret_all = true;
            else if (event->mask & IN_MODIFY)
                count += fired(w, event->wd);
            else if (event->mask & IN_IGNORED) /* the file is no more */
                slot_unref(disarm(w, event->wd));
        }
    }
}

void watch_forget(struct watch *w, struct slot *slot)
{
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->capacity; i++) {
        if (w->table[i].wd < 0 || w->table[i].slot != slot)
            continue;
        inotify_rm_watch(w->fd, w->table[i].wd);
        slot_unref(w->table[i].slot);
        take_out(w, i);
        i = (size_t)-1; /* the run was closed up: from the start */
    }
    pthread_mutex_unlock(&w->lock);
}
