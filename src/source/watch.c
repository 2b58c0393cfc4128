// SPDX-License-Identifier: Apache-2.0
#include "source/watch.h"

#include <errno.h>
#include <sys/inotify.h>

#include "base/resource.h"
#include "source/polled.h"

enum {
    BUCKETS_MIN = 64,
    DEAF_SWEEPS = 2, /* in a row, with growth that no event told: none ever does */
};

struct armed {
    int wd;                  /* -1: free */
    bool suspect;            /* has grown, and no event has come yet */
    struct slot *slot;       /* referenced … */
    struct segment *segment; /* … as this is */
    int64_t size;            /* bytes, as it was armed */
};

struct watch {
    struct health *health;
    int fd; /* -1: refused so far */
    pthread_mutex_t lock;
    struct armed *table; /* open addressing by wd; capacity is a power of two */
    size_t capacity, used;

    struct polled polled;
    int refused;        /* the last arming: 0, or -errno */
    const char *told;   /* the subject of what stands in health; NULL: nothing does */
    int64_t poll_at_ns; /* monotonic */
    unsigned missed;    /* sweeps in a row that found growth without an event */
    bool deaf;          /* no events come from these files: all are polled */
};

static void let_go(struct armed *a)
{
    slot_unref(a->slot);
    segment_unref(a->segment);
}

struct watch *watch_free(struct watch *w)
{
    if (!w)
        return NULL;
    for (size_t i = 0; i < w->capacity; i++)
        if (w->table[i].wd >= 0)
            let_go(&w->table[i]);
    polled_deinit(&w->polled);
    if (w->fd >= 0)
        resource_closed(RESOURCE_INOTIFY);
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

/* 0, or -errno: where there are too many instances it is tried again with each arming. */
static int open_instance(struct watch *w)
{
    if (w->fd >= 0)
        return 0;
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0)
        return -errno;
    resource_opened(RESOURCE_INOTIFY);
    return 0;
}

int watch_new(struct watch **ret, struct health *health)
{
    CLEANUP(watch_free) struct watch *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    pthread_mutex_init(&w->lock, NULL);
    w->health = health;
    w->fd = -1;
    w->table = new_table(BUCKETS_MIN);
    if (!w->table)
        return -ENOMEM;
    w->capacity = BUCKETS_MIN;
    w->refused = open_instance(w);
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
    if (4 * (w->used + 1) <= 3 * w->capacity)
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
static int add_watch(struct watch *w, struct segment *s, struct slot *slot, int fd)
{
    char path[64];
    int r = open_instance(w);
    if (r == 0)
        r = grow(w);
    if (r < 0)
        return r;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int wd = inotify_add_watch(w->fd, path, IN_MODIFY | IN_ONESHOT);
    if (wd < 0)
        return -errno;
    struct armed *armed = &w->table[place(w->table, w->capacity, wd)];
    if (armed->wd == wd)
        let_go(armed);
    else
        w->used++;
    *armed = (struct armed){
        .wd = wd, .slot = slot_ref(slot), .segment = segment_ref(s), .size = segment_size(s)};
    return 0;
}

/* The limits of the user, and kernels without inotify. */
static bool is_refusal(int r)
{
    return r == -ENOSPC || r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -ENOSYS;
}

static void tell(struct watch *w)
{
    if (w->told)
        return;
    w->poll_at_ns = clock_monotonic_ns() + POLL_PERIOD_MS * NS_PER_MS;
    w->told = w->deaf                 ? "files"
              : w->refused == -ENOSPC ? "fs.inotify.max_user_watches"
                                      : "fs.inotify.max_user_instances";
    health_raise(w->health, "watch.polling", w->told,
                 w->deaf ? "log files grow, but no event tells of it, as on some network file "
                           "systems: they are looked at once a second"
                         : "the limit is reached: log files that cannot be watched are looked at "
                           "once a second; raise it with sysctl");
}

int watch_arm(struct watch *w, struct segment *s, struct slot *slot, unsigned route)
{
    int fd;
    segment_set_read(s, route, slot->route_count);
    int r = segment_acquire(s, &fd);
    if (r)
        return r < 0 ? r : -ENOENT;
    pthread_mutex_lock(&w->lock);
    w->refused = w->deaf ? -ENOSYS : add_watch(w, s, slot, fd);
    if (is_refusal(w->refused)) {
        tell(w);
        r = polled_add(&w->polled, s, slot);
    } else {
        r = w->refused;
    }
    pthread_mutex_unlock(&w->lock);
    segment_release(s);
    return r;
}

/* The watch is no more. True where it was one; then *ret is the caller's. */
static bool disarm(struct watch *w, int wd, struct armed *ret)
{
    pthread_mutex_lock(&w->lock);
    size_t i = place(w->table, w->capacity, wd);
    bool found = w->table[i].wd == wd;
    if (found) {
        *ret = w->table[i];
        take_out(w, i);
    }
    pthread_mutex_unlock(&w->lock);
    return found;
}

static bool fired(struct watch *w, int wd)
{
    struct armed armed;
    if (!disarm(w, wd, &armed))
        return false;
    slot_mark_ready(armed.slot);
    let_go(&armed);
    return true;
}

/* The file is no more. */
static void ended(struct watch *w, int wd)
{
    struct armed armed;
    if (disarm(w, wd, &armed))
        let_go(&armed);
}

int watch_read(struct watch *w, bool *ret_all)
{
    char buffer[16 * 1024] __attribute__((aligned(8)));
    int count = 0;
    *ret_all = false;
    while (w->fd >= 0) {
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
            else if (event->mask & IN_IGNORED)
                ended(w, event->wd);
        }
    }
    return 0;
}

void watch_forget(struct watch *w, struct slot *slot)
{
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->capacity; i++) {
        if (w->table[i].wd < 0 || w->table[i].slot != slot)
            continue;
        inotify_rm_watch(w->fd, w->table[i].wd);
        let_go(&w->table[i]);
        take_out(w, i);
        i = (size_t)-1; /* the run was closed up: from the start */
    }
    polled_forget(&w->polled, slot);
    pthread_mutex_unlock(&w->lock);
}

int64_t watch_due_ns(struct watch *w)
{
    pthread_mutex_lock(&w->lock);
    int64_t due = w->told && (!w->deaf || w->polled.count) ? w->poll_at_ns : INT64_MAX;
    pthread_mutex_unlock(&w->lock);
    return due;
}

size_t watch_poll(struct watch *w, int64_t now_ns)
{
    size_t count = 0;
    pthread_mutex_lock(&w->lock);
    if (w->told && now_ns >= w->poll_at_ns) {
        w->poll_at_ns = now_ns + POLL_PERIOD_MS * NS_PER_MS;
        if (w->polled.count == 0 && !w->deaf && !is_refusal(w->refused)) {
            health_clear(w->health, "watch.polling", w->told);
            w->told = NULL;
        }
        /* Whose slot is ready is armed anew: one tries whether that works by now, then all do. */
        size_t anyway = w->deaf ? 0 : is_refusal(w->refused) ? 1 : w->polled.count;
        count = polled_look(&w->polled, anyway);
    }
    pthread_mutex_unlock(&w->lock);
    return count;
}

/* Marks those that have grown since they were armed. */
static bool suspect_grown(struct watch *w)
{
    bool any = false;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->capacity; i++) {
        struct armed *a = &w->table[i];
        if (a->wd >= 0)
            any |= a->suspect = segment_size(a->segment) != a->size;
    }
    pthread_mutex_unlock(&w->lock);
    return any;
}

/* Of those, is there any whose event did not come? */
static bool is_any_suspect(struct watch *w)
{
    bool any = false;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->capacity; i++)
        any |= w->table[i].wd >= 0 && w->table[i].suspect;
    pthread_mutex_unlock(&w->lock);
    return any;
}

bool watch_sweep(struct watch *w, bool *ret_all)
{
    *ret_all = false;
    if (w->deaf || !suspect_grown(w))
        return w->deaf;
    if (watch_read(w, ret_all) < 0 || !is_any_suspect(w)) {
        w->missed = 0;
        return false;
    }
    if (++w->missed < DEAF_SWEEPS)
        return false;
    pthread_mutex_lock(&w->lock);
    w->deaf = true;
    tell(w);
    pthread_mutex_unlock(&w->lock);
    *ret_all = true;
    return true;
}
