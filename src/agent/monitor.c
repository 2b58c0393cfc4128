// SPDX-License-Identifier: Apache-2.0
#include "agent/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "agent/monitor_private.h"
#include "agent/own_container.h"
#include "base/clock.h"
#include "base/log.h"
#include "docker/container_record.h"

/* Known containers that the disk no longer tells of: it is gone, and a pin kept something unread,
 * or its record cannot be read now, as in the middle of a removal. What the book says of it holds:
 * the routes take what is not in their first roster for gone. */
static void track_unread(struct monitor *m)
{
    for (size_t i = 0; i < m->options.known->count; i++) {
        const struct known_source *k = &m->options.known->sources[i];
        struct tracked *t = monitor_find(m, k->id);
        if (!container_id_valid(k->id) || (t && t->container))
            continue;
        if (!t && k->pinned)
            t = monitor_track(m, k->id);
        CLEANUP(container_unref) struct container *c = NULL;
        struct error error = {""};
        int r = -ENOENT;
        if (k->record)
            r = container_record_parse(&c, span_of(k->record), &m->options.constants, &error);
        if (r < 0)
            r = container_new(
                &c, &(struct container_fields){.id = k->id, .constants = m->options.constants});
        if (t && r == 0) {
            monitor_learn(m, t, c);
            monitor_mark_stale(m, t);
        }
        if (!t && k->in_book && containers_begin(m->options.book, &error) == 0 &&
            (containers_delete(m->options.book, k->id, &error) < 0 ||
             containers_commit(m->options.book, &error) < 0))
            containers_rollback(m->options.book);
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
        if (t->slot || monitor_directory_path(m, t->id, path, sizeof(path)) < 0)
            continue;
        if (access(path, F_OK) < 0 && errno == ENOENT)
            monitor_forget(m, t);
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
    drop_unknown(m);
    monitor_list_new_directories(m);
    monitor_sweep(m);
    if (m->stale_count == 0)
        checkpoint_when_quiet(m);
    engine_link_reconcile(m);
}

static int open_directory(struct monitor *m, struct error *error)
{
    char path[PATH_BYTES_MAX];
    snprintf(path, sizeof(path), "%s/containers", m->options.docker_root);
    m->containers_directory = strdup(path);
    if (!m->containers_directory)
        return error_set(error, -ENOMEM, "no memory");
    m->shared.containers_directory = m->containers_directory;
    m->containers_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (m->containers_fd < 0)
        return error_set(error, -errno,
                         "%s: %s; is `docker.root` right, and may this user (uid %d) read it (root "
                         "or CAP_DAC_READ_SEARCH)?",
                         path, strerror(errno), (int)geteuid());
    int r = names_watch_add(m->names, path, NULL);
    return r < 0 ? error_set(error, r, "%s: cannot be watched: %s", path, strerror(-r)) : 0;
}

static int open_parts(struct monitor *m, struct error *error)
{
    m->shared.pins = m->options.pins;
    m->shared.route_count = m->options.route_count;
    m->shared.constants = m->options.constants;
    m->shared.scratch = calloc(1, sizeof(*m->shared.scratch));
    if (!m->shared.scratch || batch_init(m->shared.scratch, FORM_JSON) < 0 ||
        reader_new(&m->shared.reader) < 0)
        return error_set(error, -ENOMEM, "no memory");
    own_container_id(m->own_id);
    int r = names_watch_new(&m->names, error);
    if (r == 0)
        r = open_directory(m, error);
    return r == 0 ? engine_link_open(m, error) : r;
}

int monitor_open(struct monitor **ret, const struct monitor_options *options, struct error *error)
{
    struct monitor *m = calloc(1, sizeof(*m));
    if (!m)
        return error_set(error, -ENOMEM, "no memory");
    m->options = *options;
    m->containers_fd = -1;
    m->retry_at_ns = INT64_MAX;
    m->reconcile_at_ns = clock_monotonic_ns() + options->reconcile_ns;
    int r = open_parts(m, error);
    if (r == 0)
        r = monitor_list_directories(m);
    if (r < 0) {
        monitor_close(m, false);
        return r;
    }
    monitor_settle(m);
    track_unread(m);
    m->roster_stale = true;
    monitor_settle(m);
    monitor_keep_quota(m);
    monitor_settle(m);
    known_deinit(m->options.known); /* what was there before is taken up */
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
        if (orderly && t->slot)
            chain_unpin_read(t->chain, slot_needed(t->slot));
        tracked_free(t);
    }
    free(m->items);
    free(m->stale);
    engine_close(m->engine);
    names_watch_free(m->names);
    reader_free(m->shared.reader);
    if (m->shared.scratch)
        batch_deinit(m->shared.scratch);
    free(m->shared.scratch);
    m->containers_fd = close_fd(m->containers_fd);
    free(m->containers_directory);
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
    };
    memcpy(fds + 2, extra, count * sizeof(*extra));
    int r = engine_poll(m->engine, fds, count + 2, timeout_ms);
    memcpy(extra, fds + 2, count * sizeof(*extra));
    return r == -EINTR ? 0 : r;
}

int monitor_step(struct monitor *m, struct pollfd *extra, size_t count, int timeout_ms)
{
    int64_t now = clock_monotonic_ns();
    int r = wait_for(m, extra, count, shortest_ms(m, timeout_ms, now));
    if (r < 0)
        return r;
    now = clock_monotonic_ns();

    bool all = false;
    r = watch_read(m->options.watch, &all);
    m->wake |= r > 0;
    if (all)
        monitor_lost_writes(m);
    r = names_watch_read(m->names, monitor_names_event, m);
    if (r < 0)
        return r;
    engine_step(m->engine);
    engine_link_step(m, now);
    if (now >= m->retry_at_ns)
        retry_due(m, now);
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
    *ret = (struct monitor_status){.containers = m->count};
    for (size_t i = 0; i < m->count; i++)
        ret->sources += m->items[i]->slot != NULL;
}
