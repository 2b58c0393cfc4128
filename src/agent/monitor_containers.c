// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sys/stat.h>

#include "agent/monitor_private.h"
#include "base/clock.h"
#include "base/log.h"
#include "docker/disk.h"

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

void monitor_forget(struct monitor *m, struct tracked *t)
{
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
    if (!t->slot)
        return;
    bool runs = strcmp(t->container->state, "running") == 0 || chain_is_gone(t->chain);
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

/* Brings the chain up to what lies in the directory. */
static void sync_chain(struct monitor *m, struct tracked *t)
{
    struct error error = {""};
    bool changed = false;
    if (!t->slot || !t->chain_stale)
        return;
    /* A file that was emptied and then rotated: what followed in it comes before its successor. */
    bool heard = monitor_hear_routes(m, t);
    bool looked = chain_has_looked(t->chain);
    int r = tracked_sync(t, &changed, &error);
    changed |= chain_has_looked(t->chain) != looked;
    if (r < 0) {
        t->chain_stale = true;
        t->created = CHAIN_CREATED_UNKNOWN;
        t->retry_at_ns = clock_monotonic_ns() + MONITOR_RETRY_MS * NS_PER_MS;
        if (r != -ESTALE)
            log_line(LOG_WARN, "source.unreadable", "a log directory cannot be read; trying again",
                     "container=%.12s error=%s", t->id, LOG_QUOTE(error.text));
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

void monitor_learn(struct monitor *m, struct tracked *t, struct container *c)
{
    struct error error = {""};
    struct log_place place;
    bool rendered;
    sync_chain(m, t); /* what is written by now is the old record's */
    int r = tracked_set_record(t, c, &rendered);
    if (r == 0)
        r = log_place_of(
            &place, c,
            &(struct log_surroundings){.root = m->options.docker_root, .engine = m->engine_up},
            &error);
    t->kind = r == 0 ? place.kind : LOG_KIND_NONE;
    if (r == 0 && !t->chain && strcmp(t->id, m->own_id) != 0) {
        r = tracked_open_source(t, &m->shared, known_find(m->options.known, t->id), &error);
        m->roster_stale |= t->slot != NULL;
    } else if (rendered) {
        t->publish_wanted = true;
    }
    if (r < 0) {
        log_line(LOG_WARN, "container.unusable", "a container costs only itself; trying again",
                 "container=%.12s error=%s", t->id,
                 LOG_QUOTE(error.text[0] ? error.text : strerror(-r)));
        t->retry_at_ns = clock_monotonic_ns() + 10 * MONITOR_RETRY_MS * NS_PER_MS;
        return;
    }
    hold_or_lift(m, t);
}

static void read_record(struct monitor *m, struct tracked *t)
{
    CLEANUP(container_unref) struct container *c = NULL;
    struct error error = {""};
    t->record_stale = false;
    t->retry_at_ns = 0;
    int r = disk_read_container(&c, m->containers_fd, t->id, &m->options.constants, &error);
    t->disk_reads++;
    if (r == 0) {
        monitor_learn(m, t, c);
        t->inspect_wanted = m->engine_up;
        return;
    }
    if (r == DISK_E_GONE || (t->container && r == DISK_E_NOT_YET))
        return; /* what we know stays; the chain tells what became of its log */
    t->retry_at_ns = clock_monotonic_ns() + MONITOR_RETRY_MS * NS_PER_MS;
    t->record_stale = true;
    if (r < 0)
        log_line(LOG_WARN, "container.unreadable", "a container costs only itself; trying again",
                 "container=%.12s error=%s", t->id, LOG_QUOTE(error.text));
}

int64_t monitor_directory_mtime(const struct monitor *m, const char *id)
{
    struct stat st;
    if (fstatat(m->containers_fd, id, &st, 0) < 0)
        return 0;
    return (int64_t)st.st_mtim.tv_sec * NS_PER_SECOND + st.st_mtim.tv_nsec;
}

void monitor_look_at(struct monitor *m, struct tracked *t)
{
    if (t->record_stale || t->chain_stale)
        t->looked_ns = monitor_directory_mtime(m, t->id);
    if (t->record_stale)
        read_record(m, t);
    sync_chain(m, t);
}
