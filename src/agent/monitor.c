// SPDX-License-Identifier: Apache-2.0
#include "agent/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <sys/stat.h>

#include "agent/monitor_private.h"
#include "agent/own_container.h"
#include "base/clock.h"
#include "base/log.h"
#include "docker/container_record.h"

static int known_container(struct monitor *m, const struct known_source *k, struct container **ret)
{
    struct error error = {""};
    int r = -ENOENT;
    if (k->record)
        r = container_record_parse(ret, span_of(k->record), &m->options.constants, &error);
    return r == 0 ? 0
                  : container_new(ret, &(struct container_fields){
                                           .id = k->id, .constants = m->options.constants});
}

static void drop_from_book(struct monitor *m, const char *id)
{
    struct error error = {""};
    int r = containers_begin(m->options.book, &error);
    if (r == 0)
        r = containers_delete(m->options.book, id, &error);
    if (r == 0)
        r = containers_commit(m->options.book, &error);
    if (r < 0)
        containers_rollback(m->options.book);
}

/* Does something of it lie where the disk's silence says nothing about it? Asked of what the book
 * does not have, of which nobody knows who wants it. */
static bool may_be_held(const struct monitor *m, const struct known_source *k,
                        const struct container *c)
{
    return k->pinned || m->root != ROOT_THERE || monitor_has_spool(m, k->id) ||
           strcmp(c->log_driver, "journald") == 0;
}

/* Known containers that the disk does not tell of: it is gone; or its record cannot be read now, as
 * in the middle of a removal; or there is no disk to look at. What the book says of it holds, so
 * that each route that wants it reads what is kept of it, and books what is not. */
static void track_unread(struct monitor *m)
{
    for (size_t i = 0; i < m->options.known->count; i++) {
        const struct known_source *k = &m->options.known->sources[i];
        struct tracked *t = monitor_find(m, k->id);
        CLEANUP(container_unref) struct container *c = NULL;
        if (!container_id_valid(k->id) || (t && t->container) || known_container(m, k, &c) < 0)
            continue;
        if (!t && (k->in_book || may_be_held(m, k, c)))
            t = monitor_track(m, k->id);
        if (t) {
            monitor_learn(m, t, c);
            monitor_mark_stale(m, t);
        }
    }
}

static void retry_due(struct monitor *m, int64_t now)
{
    m->retry_at_ns = INT64_MAX;
    for (size_t i = 0; i < m->count; i++) {
        struct tracked *t = m->items[i];
        if (t->retry_at_ns && t->retry_at_ns <= now) {
            t->retry_at_ns = 0;
            t->record_stale |= t->container == NULL;
            monitor_mark_stale(m, t);
        } else if (t->retry_at_ns && t->retry_at_ns < m->retry_at_ns) {
            m->retry_at_ns = t->retry_at_ns;
        }
    }
}

static void note_retries(struct monitor *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i]->retry_at_ns && m->items[i]->retry_at_ns < m->retry_at_ns)
            m->retry_at_ns = m->items[i]->retry_at_ns;
}

/* Containers without a source whose directories are gone, should the event have been lost. */
static void drop_unknown(struct monitor *m)
{
    for (size_t i = m->count; i > 0; i--) {
        struct tracked *t = m->items[i - 1];
        char path[PATH_BYTES_MAX];
        struct stat st;
        if (t->slot || m->root != ROOT_THERE ||
            monitor_directory_path(m, t->id, path, sizeof(path)) < 0)
            continue;
        if (stat(path, &st) < 0 && errno == ENOENT) {
            drop_from_book(m, t->id);
            monitor_forget(m, t);
        }
    }
}

/* Nothing has happened since the last reconciliation: the time for an fsync. */
static void checkpoint_when_quiet(struct monitor *m)
{
    struct error error = {""};
    if (!m->book_written)
        return;
    if (containers_checkpoint(m->options.book, &error) < 0)
        log_line(LOG_WARN, "state.not_checkpointed", "the book of the containers stays in its log",
                 "error=%s", LOG_QUOTE(error.text));
    m->book_written = false;
}

static void reconcile(struct monitor *m, int64_t now)
{
    m->reconcile_at_ns = now + m->options.reconcile_ns;
    if (monitor_root_holds(m))
        monitor_leave_old_root(m);
    monitor_look_for_journal(m);
    drop_unknown(m);
    monitor_list_directories(m, false);
    monitor_sweep(m);
    bool all;
    watch_sweep(m->options.watch, &all);
    if (all)
        monitor_lost_writes(m);
    if (m->stale_count == 0)
        checkpoint_when_quiet(m);
    if (!m->trimmed) { /* what the routes needed to read what was there, too */
        m->trimmed = true;
        malloc_trim(0);
    }
    engine_link_reconcile(m);
}

static int open_parts(struct monitor *m, struct error *error)
{
    m->engine_configured = strcmp(m->options.docker_host, "none") != 0;
    m->shared.tools.pins = m->options.pins;
    m->shared.route_count = m->options.route_count;
    m->shared.constants = m->options.constants;
    m->shared.tools.scratch = calloc(1, sizeof(*m->shared.tools.scratch));
    if (!m->shared.tools.scratch || batch_init(m->shared.tools.scratch, FORM_JSON) < 0 ||
        reader_new(&m->shared.tools.reader) < 0)
        return error_set(error, -ENOMEM, "no memory");
    if (metadata_cache_new(&m->cache, METADATA_CACHE_TTL_NS) < 0)
        return error_set(error, -ENOMEM, "no memory");
    own_container_id(m->own_id);
    int r = names_watch_new(&m->names, error);
    if (r == 0)
        r = monitor_root_open(m, error);
    monitor_look_for_journal(m);
    return r == 0 ? engine_link_open(m, error) : r;
}

int monitor_open(struct monitor **ret, const struct monitor_options *options, struct error *error)
{
    struct monitor *m = calloc(1, sizeof(*m));
    if (!m)
        return error_set(error, -ENOMEM, "no memory");
    m->options = *options;
    m->containers_fd = m->streams_fd = -1;
    m->retry_at_ns = INT64_MAX;
    m->reconcile_at_ns = clock_monotonic_ns() + options->reconcile_ns;
    int r = open_parts(m, error);
    if (r < 0) {
        monitor_close(m, false);
        return r;
    }
    monitor_list_directories(m, false);
    monitor_settle(m);
    track_unread(m);
    m->roster_stale = true;
    monitor_settle(m);
    monitor_keep_quota(m);
    monitor_settle(m);
    monitor_drop_stray_spools(m);
    known_deinit(m->options.known); /* what was there before is taken up */
    malloc_trim(0); /* of many it was much, and what lies behind it would keep it here */
    note_retries(m);
    m->started = true;
    *ret = m;
    return 0;
}

struct monitor *monitor_close(struct monitor *m, bool orderly)
{
    if (!m)
        return NULL;
    for (size_t i = 0; i < m->count; i++) {
        struct tracked *t = m->items[i];
        if (orderly && t->chain)
            chain_unpin_read(t->chain, slot_needed(t->slot));
        tracked_free(t);
    }
    free(m->items);
    free(m->stale);
    monitor_streams_close(m);
    engine_close(m->engine);
    metadata_cache_free(m->cache);
    names_watch_free(m->names);
    reader_free(m->shared.tools.reader);
    if (m->shared.tools.scratch)
        batch_deinit(m->shared.tools.scratch);
    free(m->shared.tools.scratch);
    monitor_root_close(m);
    free(m);
    return NULL;
}

void monitor_routes_changed(struct monitor *m)
{
    m->routes_changed = true;
}

static int shortest_ms(const struct monitor *m, int timeout_ms, int64_t now)
{
    if (m->routes_changed)
        return 0;
    int64_t due = m->reconcile_at_ns < m->retry_at_ns ? m->reconcile_at_ns : m->retry_at_ns;
    if (m->connect_at_ns < due)
        due = m->connect_at_ns;
    if (m->events_by_ns < due)
        due = m->events_by_ns;
    if (m->root_at_ns < due)
        due = m->root_at_ns;
    if (m->names_polled && m->names_poll_at_ns < due)
        due = m->names_poll_at_ns;
    if (watch_due_ns(m->options.watch) < due)
        due = watch_due_ns(m->options.watch);
    int64_t ms = due <= now ? 0 : (due - now) / NS_PER_MS + 1;
    if (timeout_ms >= 0 && timeout_ms < ms)
        return timeout_ms;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static int wait_for(struct monitor *m, struct pollfd *extra, size_t count, int timeout_ms)
{
    struct pollfd fds[ENGINE_POLL_EXTRA_MAX] = {
        {.fd = names_watch_fd(m->names), .events = POLLIN},
        {.fd = watch_fd(m->options.watch), .events = POLLIN},
        {.fd = m->streams_fd, .events = POLLIN},
    };
    size_t own = m->streams_fd < 0 ? 2 : 3;
    memcpy(fds + own, extra, count * sizeof(*extra));
    int r = engine_poll(m->engine, fds, count + own, timeout_ms);
    memcpy(extra, fds + own, count * sizeof(*extra));
    return r == -EINTR ? 0 : r;
}

/* What was written, and what happened to names. */
static int hear_files(struct monitor *m)
{
    bool all = false;
    int r = watch_read(m->options.watch, &all);
    m->wake |= r > 0;
    if (all)
        monitor_lost_writes(m);
    return names_watch_read(m->names, monitor_names_event, m);
}

static void hear_streams(struct monitor *m)
{
    uint64_t count;
    if (m->streams_fd >= 0 && read(m->streams_fd, &count, sizeof(count)) > 0)
        monitor_streams_changed(m);
}

int monitor_step(struct monitor *m, struct pollfd *extra, size_t count, int timeout_ms)
{
    int64_t now = clock_monotonic_ns();
    int r = wait_for(m, extra, count, shortest_ms(m, timeout_ms, now));
    m->wakeups++;
    if (r >= 0)
        r = hear_files(m);
    if (r < 0)
        return r;
    hear_streams(m);
    now = clock_monotonic_ns();
    engine_step(m->engine);
    engine_link_step(m, now);
    if (monitor_root_step(m, now))
        monitor_list_directories(m, true);
    if (now >= m->retry_at_ns)
        retry_due(m, now);
    m->wake |= watch_poll(m->options.watch, now) > 0;
    monitor_poll_names(m, now);
    if (now >= m->reconcile_at_ns)
        reconcile(m, now);
    monitor_settle(m);
    if (m->routes_changed) {
        monitor_release(m);
        monitor_settle(m);
    }
    if (m->quota_due) {
        monitor_keep_quota(m);
        monitor_settle(m);
    }
    note_retries(m);
    return 0;
}

void monitor_status(const struct monitor *m, struct monitor_status *ret)
{
    *ret = (struct monitor_status){
        .containers = m->count,
        .unreadable = m->unreadable,
        .discovered = m->discovered,
        .cache = metadata_cache_stats(m->cache),
        .engine_up = m->engine_up,
        .engine_version = engine_version_spoken(m->engine),
        .wakeups = m->wakeups,
    };
    if (m->streams)
        streams_status(m->streams, &ret->streams);
    for (size_t i = 0; i < m->count; i++) {
        const struct tracked *t = m->items[i];
        ret->sources += t->slot != NULL;
        ret->kinds[t->kind]++;
    }
    monitor_count_pins(m, &ret->pins);
}
