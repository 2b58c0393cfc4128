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
#include "docker/disk.h"

enum { RETRY_MS = 100 /* for a container whose files are not complete yet */ };

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

static void forget(struct monitor *m, struct tracked *t)
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

void monitor_learn(struct monitor *m, struct tracked *t, struct container *c)
{
    struct error error = {""};
    bool rendered;
    int r = tracked_set_record(t, c, &rendered);
    if (r == 0)
        r = log_place_of(
            &t->place, c,
            &(struct log_surroundings){.root = m->options.docker_root, .engine = m->engine_up},
            &error);
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
        t->retry_at_ns = clock_monotonic_ns() + 10 * RETRY_MS * NS_PER_MS;
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
    t->retry_at_ns = clock_monotonic_ns() + RETRY_MS * NS_PER_MS;
    t->record_stale = true;
    if (r < 0)
        log_line(LOG_WARN, "container.unreadable", "a container costs only itself; trying again",
                 "container=%.12s error=%s", t->id, LOG_QUOTE(error.text));
}

static bool captures_own_output(struct monitor *m, struct tracked *t)
{
    struct segment *live = t->chain ? chain_live(t->chain) : NULL;
    return live && output_registry_has(m->options.outputs, live->file);
}

static void look_at(struct monitor *m, struct tracked *t)
{
    struct error error = {""};
    bool changed = false;
    if (t->record_stale)
        read_record(m, t);
    if (!t->slot || !t->chain_stale)
        return;
    int r = tracked_sync(t, &changed, &error);
    if (r < 0) {
        t->chain_stale = true;
        t->created = CHAIN_CREATED_UNKNOWN;
        t->retry_at_ns = clock_monotonic_ns() + RETRY_MS * NS_PER_MS;
        if (r != -ESTALE)
            log_line(LOG_WARN, "source.unreadable", "a log directory cannot be read; trying again",
                     "container=%.12s error=%s", t->id, LOG_QUOTE(error.text));
    }
    if (captures_own_output(m, t)) {
        log_line(LOG_WARN, "source.own_output", "an output of ours is never captured",
                 "container=%.12s", t->id);
        return;
    }
    hold_or_lift(m, t);
    t->publish_wanted |= changed;
}

/* One transaction for all that a burst of events has changed, before any of it is published. */
static void write_book(struct monitor *m)
{
    struct error error = {""};
    int r = containers_begin(m->options.book, &error);
    for (size_t i = 0; r == 0 && i < m->stale_count; i++)
        if (m->stale[i])
            r = tracked_put(m->stale[i], m->options.book, &error);
    if (r == 0)
        r = containers_commit(m->options.book, &error);
    if (r < 0) {
        containers_rollback(m->options.book);
        log_line(LOG_ERROR, "state.unwritable",
                 "what is known of the containers could not be written; a restart may read some of "
                 "it again",
                 "error=%s", LOG_QUOTE(error.text));
        return;
    }
    for (size_t i = 0; i < m->stale_count; i++)
        if (m->stale[i])
            tracked_mark_clean(m->stale[i]);
}

static int by_address(const void *a, const void *b)
{
    const struct slot *x = *(struct slot *const *)a, *y = *(struct slot *const *)b;
    return x < y ? -1 : x > y;
}

/* Routes merge rosters: both sides are ordered by address. */
static void publish_roster(struct monitor *m)
{
    struct slot **slots = calloc(m->count + 1, sizeof(struct slot *));
    struct roster *roster;
    size_t count = 0;
    m->roster_stale = false;
    for (size_t i = 0; slots && i < m->count; i++) {
        struct tracked *t = m->items[i];
        if (!t->slot || t->finished)
            continue;
        if (!t->slot->view && tracked_publish(t) < 0)
            continue;
        slots[count++] = t->slot;
    }
    if (slots)
        qsort(slots, count, sizeof(*slots), by_address);
    if (!slots || roster_new(&roster, ++m->roster_version, slots, count) < 0) {
        m->roster_stale = true;
        free(slots);
        return;
    }
    roster_board_publish(m->options.board, roster);
    m->wake = true;
    free(slots);
}

static void publish_views(struct monitor *m)
{
    for (size_t i = 0; i < m->stale_count; i++) {
        struct tracked *t = m->stale[i];
        if (!t)
            continue;
        t->listed_stale = false;
        if (!t->publish_wanted || !t->slot)
            continue;
        t->publish_wanted = tracked_publish(t) < 0;
        m->wake = true;
    }
}

/* Works through the stale ones: look, write, publish. */
static void settle(struct monitor *m)
{
    for (size_t i = 0; i < m->stale_count; i++)
        if (m->stale[i])
            look_at(m, m->stale[i]);
    if (m->stale_count)
        write_book(m);
    publish_views(m);
    m->stale_count = 0;
    if (m->roster_stale)
        publish_roster(m);
    if (m->wake && m->started)
        m->options.wake_routes(m->options.context);
    m->wake = false;
}

static int directory_path(const struct monitor *m, const char *id, char *path, size_t size)
{
    return snprintf(path, size, "%s/%s", m->containers_directory, id) < (int)size ? 0
                                                                                  : -ENAMETOOLONG;
}

/* A container's directory is there: watched before it is looked at, so that nothing is missed. */
static void found_directory(struct monitor *m, const char *id)
{
    struct tracked *t = monitor_track(m, id);
    char path[PATH_BYTES_MAX];
    if (!t || directory_path(m, id, path, sizeof(path)) < 0)
        return;
    int r = names_watch_add(m->names, path, id);
    if (r < 0 && r != -ENOENT)
        log_line(LOG_WARN, "watch.refused",
                 "a directory cannot be watched; it is looked at with each reconciliation",
                 "path=%s error=%s", LOG_QUOTE(path),
                 LOG_QUOTE(r == -ENOSPC ? "fs.inotify.max_user_watches is reached" : strerror(-r)));
    t->record_stale = t->chain_stale = true;
    monitor_mark_stale(m, t);
}

static int list_directories(struct monitor *m)
{
    int fd = openat(m->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(closedir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        close_fd(fd);
        return -errno;
    }
    for (struct dirent *entry; (entry = readdir(dir));)
        if (container_id_valid(entry->d_name))
            found_directory(m, entry->d_name);
    return 0;
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
    if (list_directories(m) < 0)
        log_line(LOG_WARN, "docker.unlistable", "the containers directory cannot be listed",
                 "path=%s", LOG_QUOTE(m->containers_directory));
}

static void lost_events(struct monitor *m)
{
    log_fact(LOG_WARN, "watch.overflow", "events were lost; looking at everything");
    for (size_t i = 0; i < m->count; i++)
        m->items[i]->created = CHAIN_CREATED_UNKNOWN;
    look_everywhere(m);
}

static void names_event(void *context, const struct names_event *event)
{
    struct monitor *m = context;
    if (event->lost_events) {
        lost_events(m);
        return;
    }
    if (!event->id) {
        if (event->appeared && container_id_valid(event->name))
            found_directory(m, event->name);
        struct tracked *t = monitor_find(m, event->name);
        if (t && !event->appeared) {
            t->chain_stale = true;
            monitor_mark_stale(m, t);
        }
        return;
    }
    struct tracked *t = monitor_find(m, event->id);
    if (!t)
        return;
    if (is_record_file(event->name) && event->appeared) {
        t->record_stale = true;
        monitor_mark_stale(m, t);
    } else if (strncmp(event->name, event->id, CONTAINER_ID_SIZE) == 0 || !event->name[0]) {
        bool live = event->appeared && strcmp(event->name + CONTAINER_ID_SIZE, "-json.log") == 0;
        if (live && t->created != CHAIN_CREATED_UNKNOWN)
            t->created++;
        t->chain_stale = true;
        monitor_mark_stale(m, t);
    }
}

static void take_what_routes_saw(struct monitor *m, struct tracked *t, bool *changed)
{
    for (size_t i = 0; i < t->slot->route_count; i++) {
        struct slot_route *word = &t->slot->routes[i];
        unsigned saw = atomic_exchange(&word->saw, 0);
        if (saw & SLOT_SAW_TRUNCATED) {
            *changed |= chain_cut(t->chain, atomic_load(&word->saw_serial));
            slot_mark_ready(t->slot);
            m->wake = true;
        }
        if (saw & SLOT_SAW_HEAD) {
            chain_learn(t->chain);
            monitor_mark_stale(m, t);
        }
    }
}

/* The container is gone and read to its end. */
static void retire(struct monitor *m, struct tracked *t)
{
    struct error error = {""};
    watch_forget(m->options.watch, t->slot);
    int r = containers_begin(m->options.book, &error);
    if (r == 0)
        r = containers_delete(m->options.book, t->id, &error);
    if (r == 0)
        r = containers_commit(m->options.book, &error);
    if (r < 0)
        containers_rollback(m->options.book);
    forget(m, t);
    m->roster_stale = true;
}

static void keep_quota(struct monitor *m)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < m->count; i++)
        bytes += m->items[i]->chain ? chain_pinned_bytes(m->items[i]->chain) : 0;
    while (bytes > m->options.pins_max_bytes) {
        struct tracked *oldest = NULL;
        for (size_t i = 0; i < m->count; i++) {
            struct tracked *t = m->items[i];
            if (t->chain && chain_pinned_bytes(t->chain) &&
                (!oldest || chain_let_go_ns(t->chain) < chain_let_go_ns(oldest->chain)))
                oldest = t;
        }
        if (!oldest)
            return;
        uint64_t given_up = chain_give_up(oldest->chain, GAP_PIN_QUOTA);
        log_line(LOG_WARN, "pins.quota",
                 "unread bytes were given up: more is pinned than `pins_max` allows",
                 "container=%.12s bytes=%" PRIu64, oldest->id, given_up);
        bytes -= given_up < bytes ? given_up : bytes;
        oldest->publish_wanted = true;
        monitor_mark_stale(m, oldest);
    }
}

static void release_all(struct monitor *m)
{
    m->routes_changed = false;
    for (size_t i = m->count; i > 0; i--) {
        struct tracked *t = m->items[i - 1];
        bool changed = false, saw = false;
        if (!t->slot)
            continue;
        take_what_routes_saw(m, t, &saw);
        tracked_release(t, &changed);
        if (t->finished) {
            retire(m, t);
            continue;
        }
        if (changed || saw) {
            t->publish_wanted = true;
            monitor_mark_stale(m, t);
        }
    }
    keep_quota(m);
}

/* A container that is gone, but of which a pin kept something unread. */
static void track_removed(struct monitor *m)
{
    for (size_t i = 0; i < m->options.known->count; i++) {
        const struct known_source *k = &m->options.known->sources[i];
        if (!container_id_valid(k->id) || monitor_find(m, k->id))
            continue;
        struct tracked *t = k->pinned ? monitor_track(m, k->id) : NULL;
        CLEANUP(container_unref) struct container *c = NULL;
        struct error error = {""};
        int r = -ENOENT;
        if (k->record)
            r = container_record_parse(&c, span_of(k->record), &m->options.constants, &error);
        if (r < 0)
            r = container_new(
                &c, &(struct container_fields){.id = k->id, .constants = m->options.constants});
        if (t && r == 0) {
            t->record_stale = false;
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

/* Directories that went before anything could be read of them. */
static void drop_unknown(struct monitor *m)
{
    for (size_t i = m->count; i > 0; i--) {
        struct tracked *t = m->items[i - 1];
        char path[PATH_BYTES_MAX];
        if (t->slot || !t->retry_at_ns || directory_path(m, t->id, path, sizeof(path)) < 0)
            continue;
        if (access(path, F_OK) < 0 && errno == ENOENT)
            forget(m, t);
    }
}

static void reconcile(struct monitor *m, int64_t now)
{
    m->reconcile_at_ns = now + m->options.reconcile_ns;
    drop_unknown(m);
    look_everywhere(m);
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i]->slot)
            slot_mark_ready(m->items[i]->slot);
    m->wake = true;
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
        r = list_directories(m);
    if (r < 0) {
        monitor_close(m, false);
        return r;
    }
    track_removed(m);
    m->roster_stale = true;
    settle(m);
    keep_quota(m);
    settle(m);
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
        reconcile(m, now);
    r = names_watch_read(m->names, names_event, m);
    if (r < 0)
        return r;
    engine_step(m->engine);
    engine_link_step(m, now);
    if (now >= m->retry_at_ns)
        retry_due(m, now);
    if (now >= m->reconcile_at_ns)
        reconcile(m, now);
    settle(m);
    if (m->routes_changed) {
        release_all(m);
        settle(m);
    }
    note_retries(m);
    return 0;
}

void monitor_status(const struct monitor *m, struct monitor_status *ret)
{
    *ret = (struct monitor_status){.containers = m->count, .engine_connected = m->engine_up};
    for (size_t i = 0; i < m->count; i++) {
        const struct tracked *t = m->items[i];
        bool json_file = t->container && t->place.kind == LOG_KIND_JSON_FILE;
        ret->sources += t->slot != NULL;
        ret->json_file += json_file;
        ret->other += t->container && !json_file;
        ret->unreadable += t->container == NULL;
    }
}
