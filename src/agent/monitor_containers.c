// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/monitor_private.h"
#include "base/clock.h"
#include "base/log.h"
#include "docker/disk.h"
#include "source/descriptors.h"

/* The monitor's table of containers, and what is learnt of each. */

static size_t place_of(const struct monitor *m, const char *id)
{
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(m->items[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct tracked *monitor_find(const struct monitor *m, const char *id)
{
    size_t i = place_of(m, id);
    return i < m->count && strcmp(m->items[i]->id, id) == 0 ? m->items[i] : NULL;
}

struct tracked *monitor_track(struct monitor *m, const char *id)
{
    size_t i = place_of(m, id);
    if (i < m->count && strcmp(m->items[i]->id, id) == 0)
        return m->items[i];
    if (m->count == m->capacity) {
        size_t capacity = m->capacity ? 2 * m->capacity : 64;
        void *items = reallocarray(m->items, capacity, sizeof(*m->items));
        if (!items)
            return NULL;
        m->items = items;
        m->capacity = capacity;
    }
    struct tracked *t;
    if (tracked_new(&t, id) < 0)
        return NULL;
    memmove(&m->items[i + 1], &m->items[i], (m->count - i) * sizeof(*m->items));
    m->items[i] = t;
    m->count++;
    return t;
}

bool monitor_retry(struct tracked *t)
{
    bool first = t->retry_after_ns == 0;
    int64_t after = first ? MONITOR_RETRY_MS * NS_PER_MS : 2 * t->retry_after_ns;
    if (after > MONITOR_RETRY_MAX_MS * NS_PER_MS)
        after = MONITOR_RETRY_MAX_MS * NS_PER_MS;
    t->retry_after_ns = after;
    t->retry_at_ns = clock_monotonic_ns() + after;
    return first;
}

void monitor_want_inspect(struct monitor *m, struct tracked *t)
{
    if (!m->engine_up)
        return;
    metadata_cache_delete(m->cache, t->id);
    t->inspect_wanted = m->inspects_due = true;
}

void monitor_forget(struct monitor *m, struct tracked *t)
{
    monitor_set_unreadable(m, t, false);
    monitor_forget_driver(m, t);
    metadata_cache_delete(m->cache, t->id);
    size_t i = place_of(m, t->id);
    memmove(&m->items[i], &m->items[i + 1], (m->count - i - 1) * sizeof(*m->items));
    m->count--;
    for (size_t k = 0; k < m->stale_count; k++)
        if (m->stale[k] == t)
            m->stale[k] = NULL;
    tracked_free(t);
}

void monitor_mark_stale(struct monitor *m, struct tracked *t)
{
    if (t->listed_stale)
        return;
    if (m->stale_count == m->stale_capacity) {
        size_t capacity = m->stale_capacity ? 2 * m->stale_capacity : 64;
        void *stale = reallocarray(m->stale, capacity, sizeof(*m->stale));
        if (!stale)
            return; /* the next reconciliation comes to it */
        m->stale = stale;
        m->stale_capacity = capacity;
    }
    m->stale[m->stale_count++] = t;
    t->listed_stale = true;
}

/* What a container writes while its record says that it does not run waits for the record. */
static void hold_or_lift(struct monitor *m, struct tracked *t)
{
    if (!t->slot || m->options.once) /* what is there by now is all that is read */
        return;
    bool runs = strcmp(t->container->state, "running") == 0 || tracked_is_gone(t);
    int64_t until = atomic_load(&t->slot->hold_until_ns);
    if (!runs && until == 0 && m->started) {
        atomic_store(&t->slot->hold_serial, t->quiet_serial);
        atomic_store(&t->slot->hold_offset, t->quiet_offset);
        atomic_store_explicit(&t->slot->hold_until_ns, SLOT_HELD, memory_order_release);
    } else if (runs && until != 0) {
        atomic_store(&t->slot->hold_until_ns, 0);
        slot_mark_ready(t->slot);
        m->wake = true;
    }
}

static bool captures_own_output(struct monitor *m, struct tracked *t)
{
    struct segment *live = t->chain ? chain_live(t->chain) : NULL;
    return live && output_registry_has(m->options.outputs, live->file);
}

/* Docker's directories only while they are there: what is missing because all is missing is not
 * gone. */
static bool may_look(struct monitor *m, const struct tracked *t)
{
    if (t->kind == LOG_KIND_STREAM)
        return true;
    return m->root == ROOT_THERE && (t->looked_ns != 0 || monitor_root_holds(m));
}

/* Brings the chain up to what lies in the directory. */
static void sync_chain(struct monitor *m, struct tracked *t)
{
    struct error error = {""};
    bool changed = false;
    if (!t->chain || !t->chain_stale || !may_look(m, t))
        return;
    /* A file that was emptied and then rotated: what followed in it comes before its successor. */
    bool heard = monitor_hear_routes(m, t);
    bool looked = chain_has_looked(t->chain);
    int r = tracked_sync(t, &changed, &error);
    changed |= chain_has_looked(t->chain) != looked;
    if (r == -EACCES || r == -EPERM)
        monitor_set_unreadable(m, t, true);
    if (r < 0) {
        t->chain_stale = true;
        if (monitor_retry(t) && r != -ESTALE && !t->unreadable)
            log_line(LOG_WARN, "source.unreadable", "a log directory cannot be read; trying again",
                     "container=%.12s error=%s", t->id, LOG_QUOTE(error.text));
    } else {
        t->retry_after_ns = 0;
        if (t->unreadable)
            monitor_check_readable(m, t);
    }
    if (!t->own_output && captures_own_output(m, t)) {
        log_line(LOG_WARN, "source.own_output", "an output of ours is never captured",
                 "container=%.12s", t->id);
        t->own_output = m->roster_stale = true;
    }
    hold_or_lift(m, t);
    t->publish_wanted |= changed || heard;
    m->quota_due |= changed;
}

static void tell_unusable(struct tracked *t, const char *why)
{
    if (monitor_retry(t))
        log_line(LOG_WARN, "container.unusable", "a container costs only itself; trying again",
                 "container=%.12s error=%s", t->id, LOG_QUOTE(why));
}

static void open_source(struct monitor *m, struct tracked *t)
{
    struct error error = {""};
    if (monitor_open_source(m, t, &error) < 0)
        tell_unusable(t, error.text);
    hold_or_lift(m, t);
}

void monitor_learn(struct monitor *m, struct tracked *t, struct container *c)
{
    bool rendered;
    sync_chain(m, t); /* what is written by now is the old record's */
    int r = tracked_set_record(t, c, &rendered);
    if (r < 0) {
        tell_unusable(t, strerror(-r));
        return;
    }
    if (m->engine_configured) /* whom else it spares a question */
        metadata_cache_set(m->cache, t->container, METADATA_CACHE_OWN_TTL, clock_monotonic_ns());
    t->publish_wanted |= rendered && t->slot;
    if (t->slot && t->kind == LOG_KIND_STREAM)
        monitor_stream_tell(m, t);
    monitor_check_driver(m, t);
    open_source(m, t);
}

static void read_record(struct monitor *m, struct tracked *t)
{
    CLEANUP(container_unref) struct container *c = NULL;
    struct error error = {""};
    t->record_stale = false;
    t->retry_at_ns = 0;
    if (m->root != ROOT_THERE)
        return;
    int r = disk_read_container(&c, m->containers_fd, t->id, &m->options.constants, &error);
    t->disk_reads++;
    if (r == 0) {
        t->retry_after_ns = 0;
        monitor_learn(m, t, c);
        if (t->unreadable && t->slot)
            monitor_check_readable(m, t);
        monitor_want_inspect(m, t);
        return;
    }
    if (r == DISK_E_GONE || (t->container && r == DISK_E_NOT_YET))
        return; /* what we know stays; the chain tells what became of its log */
    if (r == -EACCES || r == -EPERM) {
        monitor_set_unreadable(m, t, true);
        monitor_want_inspect(m, t);
    }
    t->record_stale = true;
    bool relieved = descriptors_relieve(r);
    if (monitor_retry(t) && r < 0 && !relieved && !t->unreadable)
        log_line(LOG_WARN, "container.unreadable", "a container costs only itself; trying again",
                 "container=%.12s error=%s", t->id, LOG_QUOTE(error.text));
}

static int64_t mtime_of(int dirfd, const char *path)
{
    struct stat st;
    if (fstatat(dirfd, path, &st, 0) < 0)
        return 0;
    return (int64_t)st.st_mtim.tv_sec * NS_PER_SECOND + st.st_mtim.tv_nsec;
}

int64_t monitor_directory_mtime(const struct monitor *m, const struct tracked *t)
{
    int64_t own = m->containers_fd < 0 ? 0 : mtime_of(m->containers_fd, t->id);
    if (m->containers_fd >= 0 && own == 0)
        return 0;
    if (!t->chain || (t->kind != LOG_KIND_LOCAL && t->kind != LOG_KIND_STREAM))
        return own;
    char directory[PATH_MAX];
    chain_directory(t->chain, directory);
    return own + mtime_of(AT_FDCWD, directory);
}

void monitor_look_at(struct monitor *m, struct tracked *t)
{
    if (t->record_stale || t->chain_stale)
        t->looked_ns = monitor_directory_mtime(m, t);
    bool elsewhere = t->slot && (t->kind == LOG_KIND_JOURNALD || t->kind == LOG_KIND_STREAM);
    if (elsewhere && t->looked_ns == 0 && !t->vanished && monitor_root_holds(m))
        monitor_vanished(m, t);
    if (t->record_stale)
        read_record(m, t);
    else if (t->container && !t->slot)
        open_source(m, t);
    sync_chain(m, t);
}
