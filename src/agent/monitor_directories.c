// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>

#include "agent/monitor_private.h"
#include "base/log.h"

/* What the directories tell: by events, and by looking where events may have been lost. */

int monitor_directory_path(const struct monitor *m, const char *id, char *path, size_t size)
{
    path[0] = '\0';
    if (!m->containers_directory)
        return 0;
    return snprintf(path, size, "%s/%s", m->containers_directory, id) < (int)size ? 0
                                                                                  : -ENAMETOOLONG;
}

/* A container's directory is there: watched before it is looked at, so that nothing is missed. */
static void found_directory(struct monitor *m, const char *id)
{
    struct tracked *t = monitor_track(m, id);
    if (!t)
        return;
    monitor_watch_directories(m, t);
    t->record_stale = t->chain_stale = true;
    monitor_mark_stale(m, t);
}

struct ids {
    char (*items)[CONTAINER_ID_SIZE + 1];
    size_t count, capacity;
};

static bool add_id(struct ids *ids, const char *id)
{
    if (ids->count == ids->capacity) {
        size_t capacity = ids->capacity ? 2 * ids->capacity : 64;
        void *items = reallocarray(ids->items, capacity, sizeof(ids->items[0]));
        if (!items)
            return false;
        ids->items = items;
        ids->capacity = capacity;
    }
    memcpy(ids->items[ids->count++], id, CONTAINER_ID_SIZE + 1);
    return true;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Sorted, so that the table of the monitor and the index of its book grow at their ends. */
static void found_directories(struct monitor *m, struct ids *ids)
{
    if (ids->count)
        qsort(ids->items, ids->count, sizeof(ids->items[0]), by_id);
    for (size_t i = 0; i < ids->count; i++)
        found_directory(m, ids->items[i]);
    free(ids->items);
}

void monitor_list_directories(struct monitor *m, bool all)
{
    struct ids ids = {0};
    if (m->root != ROOT_THERE)
        return;
    int fd = openat(m->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(closedir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        close_fd(fd);
        log_line(LOG_WARN, "docker.unlistable", "the containers directory cannot be listed",
                 "path=%s error=%s", LOG_QUOTE(m->containers_directory),
                 LOG_QUOTE(strerror(errno)));
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));)
        if (container_id_valid(entry->d_name) && (all || !monitor_find(m, entry->d_name)) &&
            !add_id(&ids, entry->d_name))
            found_directory(m, entry->d_name);
    found_directories(m, &ids);
    m->discovered = true;
}

static bool is_record_file(const char *name)
{
    return strcmp(name, "config.v2.json") == 0 || strcmp(name, "hostconfig.json") == 0;
}

static void look_everywhere(struct monitor *m)
{
    for (size_t i = 0; i < m->count; i++) {
        m->items[i]->record_stale = m->items[i]->chain_stale = true;
        monitor_mark_stale(m, m->items[i]);
    }
    monitor_list_directories(m, false);
}

/* What no event has told: directories whose names have changed since they were looked at, live
 * files that have grown, and copies in their place. One stat and one fstat a container. */
void monitor_sweep(struct monitor *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct tracked *t = m->items[i];
        if (monitor_directory_mtime(m, t) != t->looked_ns) {
            if (t->unwatched)
                t->created = CHAIN_CREATED_UNKNOWN;
            t->record_stale = t->chain_stale = true;
            monitor_mark_stale(m, t);
        }
        if (t->chain && chain_has_copy(t->chain)) {
            t->chain_stale = true;
            monitor_mark_stale(m, t);
        }
        if (t->unreadable && t->slot)
            monitor_check_readable(m, t);
        uint64_t size = t->chain ? chain_live_size(t->chain) : 0;
        if (size != t->swept_size) {
            t->swept_size = size;
            slot_mark_ready(t->slot);
            m->wake = true;
        }
    }
}

/* Writes were missed: every source is looked at. */
void monitor_lost_writes(struct monitor *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i]->slot)
            slot_mark_ready(m->items[i]->slot);
    m->wake = true;
}

static void lost_events(struct monitor *m)
{
    log_fact(LOG_WARN, "watch.overflow", "events were lost; looking at everything");
    for (size_t i = 0; i < m->count; i++)
        m->items[i]->created = CHAIN_CREATED_UNKNOWN;
    look_everywhere(m);
}

static void lost_directory(struct monitor *m, const char *id)
{
    struct tracked *t = monitor_find(m, id);
    if (t && monitor_root_holds(m))
        monitor_vanished(m, t);
}

/* What a name in a container's directory, or in that of its log, tells. */
static void heard_name(struct monitor *m, struct tracked *t, const struct names_event *event)
{
    enum log_name name = log_name_of(t->kind, t->id, event->name);
    bool itself = !event->name[0];
    if (event->name[0] == '.')
        return; /* Docker's own half-written ones */
    if (event->appeared && is_record_file(event->name))
        t->record_stale = true;
    else if (name != LOG_NAME_OTHER || itself)
        t->chain_stale = true;
    else if (t->slot || !event->appeared)
        return; /* without a source: perhaps what it waits for */
    if (name == LOG_NAME_LIVE && event->appeared && t->created != CHAIN_CREATED_UNKNOWN)
        t->created++;
    monitor_mark_stale(m, t);
}

void monitor_names_event(void *context, const struct names_event *event)
{
    struct monitor *m = context;
    if (event->lost_events) {
        lost_events(m);
        return;
    }
    if (!event->id) {
        if (!event->name[0])
            monitor_root_holds(m);
        else if (event->appeared && container_id_valid(event->name))
            found_directory(m, event->name);
        else if (!event->appeared)
            lost_directory(m, event->name);
        return;
    }
    struct tracked *t = monitor_find(m, event->id);
    if (t)
        heard_name(m, t, event);
}
