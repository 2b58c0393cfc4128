// SPDX-License-Identifier: Apache-2.0
#include "agent/streams_private.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "base/resource.h"

#define REMOVED_PREFIX "removed."

const char *streams_removed_name(char to[STREAMS_REMOVED_NAME_MAX], unsigned number)
{
    snprintf(to, STREAMS_REMOVED_NAME_MAX, REMOVED_PREFIX "%u", number);
    return to;
}

/* What an end of ours has left over in the midst of it. */
static void remove_leftovers(const struct streams *s)
{
    CLEANUP(closedir) DIR *all = opendir(s->directory);
    struct error error;

    for (struct dirent *entry; all && (entry = readdir(all));)
        if (span_starts_with(span_of(entry->d_name), SPAN(REMOVED_PREFIX)) &&
            spool_remove(s->directory, entry->d_name, &error) < 0)
            log_line(LOG_WARN, "stream.spool", "a spool cannot be removed", "error=%s",
                     LOG_QUOTE(error.text));
}

static int open_directory(struct streams *s, const char *directory, struct error *error)
{
    if (snprintf(s->directory, sizeof(s->directory), "%s", directory) >= (int)sizeof(s->directory))
        return error_set(error, -ENAMETOOLONG, "%s: a path that long is not read", directory);
    if (mkdir(directory, 0700) < 0 && errno != EEXIST)
        return error_set(error, -errno, "%s: %s", directory, strerror(errno));
    remove_leftovers(s);
    return 0;
}

static int open_parts(struct streams *s, const struct streams_options *options, struct error *error)
{
    const struct log_streams_options connections = {
        .host = options->host,
        .deadline_ms = STREAMS_DEADLINE_MS,
        .once = options->once,
        .callbacks = {streams_pinged, streams_received, streams_ended},
        .context = s,
    };
    int r = open_directory(s, options->directory, error);

    if (r == 0)
        r = log_streams_open(&s->connections, &connections, error);
    if (r < 0)
        return r;
    s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->wake_fd < 0)
        return error_set(error, -errno, "the streams' wake-up: %s", strerror(errno));
    resource_opened(RESOURCE_BASE);

    r = pthread_create(&s->thread, NULL, streams_run, s);
    if (r)
        return error_set(error, -r, "the thread of the streams: %s", strerror(r));
    s->thread_runs = true;
    resource_thread_started();
    pthread_setname_np(s->thread, "stream");
    return 0;
}

int streams_open(struct streams **ret, const struct streams_options *options, struct error *error)
{
    CLEANUP(streams_close) struct streams *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(error, -ENOMEM, "the streams of logs: no memory");
    s->monitor_fd = options->monitor_fd;
    s->health = options->health;
    s->once = options->once;
    s->wake_fd = -1;
    s->news_end = &s->news;
    s->batch = BUF_INIT(STREAMS_BATCH_MAX);
    pthread_mutex_init(&s->lock, NULL);

    int r = open_parts(s, options, error);
    if (r < 0)
        return r;
    *ret = TAKE(s);
    return 0;
}

static void wake(const struct streams *s)
{
    (void)!write(s->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
}

struct streams *streams_close(struct streams *s)
{
    if (!s)
        return NULL;

    if (s->thread_runs) {
        pthread_mutex_lock(&s->lock);
        s->stop = true;
        pthread_mutex_unlock(&s->lock);
        wake(s);
        pthread_join(s->thread, NULL);
        resource_thread_joined();
    }
    free(s->table); /* what stands in it is the thread's */
    log_streams_close(s->connections);
    if (s->wake_fd >= 0)
        resource_closed(RESOURCE_BASE);
    close_fd(s->wake_fd);
    buf_deinit(&s->batch);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return NULL;
}

/* Where it stands in the table, or would. */
static size_t place_of(const struct streams *s, const char *id, struct streamed **ret_found)
{
    size_t from = 0, to = s->wanted;

    *ret_found = NULL;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(s->table[middle]->id, id);
        if (order == 0)
            *ret_found = s->table[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static struct streamed *find(const struct streams *s, const char *id)
{
    struct streamed *found;
    place_of(s, id, &found);
    return found;
}

static struct streamed *new_item(struct streams *s, const char *id)
{
    struct streamed *item = calloc(1, sizeof(*item));
    if (!item)
        return NULL;
    item->streams = s;
    item->state = STREAM_WAITING;
    item->backoff_ns = STREAMS_BACKOFF_MIN_NS;
    snprintf(item->id, sizeof(item->id), "%s", id);
    return item;
}

/* NULL without memory. */
static struct streamed *add(struct streams *s, const char *id)
{
    if (s->wanted == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 16;
        struct streamed **table = realloc(s->table, capacity * sizeof(*table));
        if (!table)
            return NULL;
        s->table = table;
        s->capacity = capacity;
    }

    struct streamed *item = new_item(s, id), *none;
    if (!item)
        return NULL;
    size_t at = place_of(s, id, &none);
    memmove(s->table + at + 1, s->table + at, (s->wanted - at) * sizeof(*s->table));
    s->table[at] = item;
    s->wanted++;
    return item;
}

static void tell(struct streams *s, struct streamed *item, struct stream_wish wish)
{
    pthread_mutex_lock(&s->lock);
    item->wish = wish;
    if (!item->has_news) {
        item->has_news = true;
        item->next_news = NULL;
        *s->news_end = item;
        s->news_end = &item->next_news;
    }
    pthread_mutex_unlock(&s->lock);
    wake(s);
}

int streams_want(struct streams *s, const char *id, struct log_shape shape, bool running,
                 struct error *error)
{
    if (!container_id_valid(id))
        return error_set(error, -EINVAL, "\"%s\": this is no container", id);

    struct streamed *item = find(s, id);
    if (!item) {
        int r = spool_make(s->directory, id, error);
        if (r < 0)
            return r;
        item = add(s, id);
    }
    if (!item)
        return error_set(error, -ENOMEM, "the stream of %.12s: no memory", id);
    enum stream_state ended = STREAM_ENDED; /* no more: it is asked for again */
    atomic_compare_exchange_strong(&item->state, &ended, STREAM_WAITING);
    tell(s, item, (struct stream_wish){.shape = shape, .running = running});
    return 0;
}

/* Out of the way under another name. 0: there was none. */
static unsigned set_aside(struct streams *s, const char *id)
{
    char name[STREAMS_REMOVED_NAME_MAX], from[PATH_BYTES_MAX + 128], to[PATH_BYTES_MAX + 128];

    snprintf(from, sizeof(from), "%s/%s", s->directory, id);
    snprintf(to, sizeof(to), "%s/%s", s->directory, streams_removed_name(name, ++s->last_removed));
    if (rename(from, to) == 0)
        return s->last_removed;
    if (errno != ENOENT)
        log_line(LOG_WARN, "stream.spool", "a spool cannot be removed", "path=%s error=%s",
                 LOG_QUOTE(from), LOG_QUOTE(strerror(errno)));
    return 0;
}

void streams_drop(struct streams *s, const char *id, bool remove)
{
    struct stream_wish wish = {.dropped = true};
    struct streamed *item;

    if (!container_id_valid(id))
        return;
    size_t at = place_of(s, id, &item);
    if (remove)
        wish.removed_as = set_aside(s, id);
    if (item) {
        s->wanted--;
        memmove(s->table + at, s->table + at + 1, (s->wanted - at) * sizeof(*s->table));
    } else if (wish.removed_as) {
        item = new_item(s, id); /* for the sake of its spool */
    }
    if (item)
        tell(s, item, wish);
}

enum stream_state streams_state(struct streams *s, const char *id)
{
    struct streamed *item = find(s, id);
    return item ? atomic_load(&item->state) : STREAM_UNKNOWN;
}

void streams_status(struct streams *s, struct streams_status *ret)
{
    pthread_mutex_lock(&s->lock);
    *ret = s->status;
    pthread_mutex_unlock(&s->lock);
    ret->wanted = s->wanted;
}
