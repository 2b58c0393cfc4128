// SPDX-License-Identifier: Apache-2.0
#include "agent/names_watch.h"

#include <errno.h>
#include <sys/inotify.h>

#include "base/resource.h"
#include "base/word.h"

enum {
    NAMES_MASK = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR,
};

struct watched_directory {
    int wd;         /* 0: free */
    const char *id; /* owned: a word; "" for the containers directory */
};

struct names_watch {
    int fd;
    struct watched_directory *table; /* open addressing by wd */
    size_t capacity, used;
};

struct names_watch *names_watch_free(struct names_watch *w)
{
    if (!w)
        return NULL;
    if (w->fd >= 0)
        resource_closed(RESOURCE_INOTIFY);
    w->fd = close_fd(w->fd);
    for (size_t i = 0; w->table && i < w->capacity; i++)
        if (w->table[i].wd)
            word_drop(w->table[i].id);
    free(w->table);
    free(w);
    return NULL;
}

/* 0, or -errno: where there are too many instances it is tried again with each directory. */
static int open_instance(struct names_watch *w)
{
    if (w->fd >= 0)
        return 0;
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0)
        return -errno;
    resource_opened(RESOURCE_INOTIFY);
    return 0;
}

int names_watch_new(struct names_watch **ret, struct error *error)
{
    CLEANUP(names_watch_free) struct names_watch *w = calloc(1, sizeof(*w));
    if (!w)
        return error_set(error, -ENOMEM, "no memory");
    w->fd = -1;
    w->capacity = 64;
    w->table = calloc(w->capacity, sizeof(*w->table));
    if (!w->table)
        return error_set(error, -ENOMEM, "no memory");
    *ret = TAKE(w);
    return 0;
}

int names_watch_fd(const struct names_watch *w)
{
    return w->fd;
}

static size_t place(const struct watched_directory *table, size_t capacity, int wd)
{
    size_t i = (size_t)wd * 0x9e3779b1u & (capacity - 1);
    while (table[i].wd && table[i].wd != wd)
        i = (i + 1) & (capacity - 1);
    return i;
}

static int grow(struct names_watch *w)
{
    if (4 * (w->used + 1) <= 3 * w->capacity)
        return 0;
    struct watched_directory *table = calloc(2 * w->capacity, sizeof(*table));
    if (!table)
        return -ENOMEM;
    for (size_t i = 0; i < w->capacity; i++)
        if (w->table[i].wd)
            table[place(table, 2 * w->capacity, w->table[i].wd)] = w->table[i];
    free(w->table);
    w->table = table;
    w->capacity *= 2;
    return 0;
}

int names_watch_add(struct names_watch *w, const char *path, const char *id)
{
    int r = open_instance(w);
    if (r == 0)
        r = grow(w);
    if (r < 0)
        return r;
    const char *word = word_take(id ? id : "");
    if (!word)
        return -ENOMEM;
    int wd = inotify_add_watch(w->fd, path, NAMES_MASK);
    if (wd < 0) {
        r = -errno;
        word_drop(word);
        return r;
    }
    struct watched_directory *d = &w->table[place(w->table, w->capacity, wd)];
    if (d->wd)
        word_drop(d->id);
    else
        w->used++;
    *d = (struct watched_directory){wd, word};
    return 0;
}

/* The kernel has given up the watch: closes the hole that it leaves in its run. */
static void take_out(struct names_watch *w, int wd)
{
    size_t i = place(w->table, w->capacity, wd);
    if (!w->table[i].wd)
        return;
    word_drop(w->table[i].id);
    w->table[i].wd = 0;
    w->used--;
    for (size_t k = (i + 1) & (w->capacity - 1); w->table[k].wd; k = (k + 1) & (w->capacity - 1)) {
        struct watched_directory moved = w->table[k];
        w->table[k].wd = 0;
        w->table[place(w->table, w->capacity, moved.wd)] = moved;
    }
}

static void tell(struct names_watch *w, const struct inotify_event *e,
                 void (*event)(void *, const struct names_event *), void *context)
{
    if (e->mask & IN_Q_OVERFLOW) {
        event(context, &(struct names_event){.lost_events = true});
        return;
    }
    const struct watched_directory *d = &w->table[place(w->table, w->capacity, e->wd)];
    if (d->wd && !(e->mask & IN_IGNORED)) {
        event(context, &(struct names_event){
                           .id = d->id[0] ? d->id : NULL,
                           .name = e->len ? e->name : "",
                           .appeared = e->mask & (IN_CREATE | IN_MOVED_TO),
                       });
    }
    if (e->mask & IN_IGNORED)
        take_out(w, e->wd);
}

int names_watch_read(struct names_watch *w,
                     void (*event)(void *context, const struct names_event *event), void *context)
{
    char buffer[32 * 1024] __attribute__((aligned(8)));
    while (w->fd >= 0) {
        ssize_t n = read(w->fd, buffer, sizeof(buffer));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno != EAGAIN ? -errno : 0;
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *e = (const void *)(buffer + at);
            at += (ssize_t)(sizeof(*e) + e->len);
            tell(w, e, event, context);
        }
    }
    return 0;
}
