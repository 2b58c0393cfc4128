// SPDX-License-Identifier: Apache-2.0
#include "route/route.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "base/log.h"
#include "base/resource.h"
#include "route/route_private.h"

static bool route_wants(void *context, const struct container *c)
{
    struct route *r = context;
    struct route_source *s = r->serving;
    if (!s)
        return match_container(r->options.match, c);
    if (s->matched != c) {
        container_unref(s->matched);
        s->matched = container_ref((struct container *)c);
        s->matches = match_container(r->options.match, c);
    }
    return s->matches;
}

static void wake(int fd)
{
    uint64_t one = 1;
    if (fd >= 0)
        (void)!write(fd, &one, sizeof(one));
}

static void wake_monitor(void *context)
{
    struct route *r = context;
    wake(r->options.monitor_fd);
}

struct route *route_close(struct route *r)
{
    if (!r)
        return NULL;
    route_stop(r);
    route_join(r);
    attach_free(r);
    journal_free(r->journal);
    if (r->sink)
        r->ops->close(r->sink);
    ledger_close(r->ledger);
    follow_tools_deinit(&r->tools);
    batch_deinit(&r->batch);
    free(r->gaps);
    if (r->wake_fd >= 0)
        resource_closed(RESOURCE_BASE);
    r->wake_fd = close_fd(r->wake_fd);
    pthread_mutex_destroy(&r->status_lock);
    free(r);
    return NULL;
}

static int open_parts(struct route *r, struct error *error)
{
    r->ops = r->options.sink.ops;
    int code = r->ops->open(&r->sink, r->options.sink.options, r->options.environment, error);
    if (code)
        return code < 0 ? code : -EIO;
    code = ledger_open(&r->ledger, r->options.ledger_path, r->options.ledger_vfs, 0, clock_now_ns(),
                       error);
    if (code)
        return code;
    enum message_form form = r->ops->form(r->sink);
    struct journal_options journal = {.directory = r->options.journal_directory,
                                      .health = r->options.health,
                                      .once = r->options.once,
                                      .activate = turn_activate,
                                      .context = r};
    if (follow_tools_init(&r->tools, form) < 0 || batch_init(&r->batch, form) < 0 ||
        journal_new(&r->journal, &journal) < 0)
        return error_set(error, -ENOMEM, "no memory");
    if (r->options.record_bytes_max)
        reader_limit_record(r->tools.reader, r->options.record_bytes_max);
    r->tools.route = r->options.number;
    r->tools.once = r->options.once;
    r->tools.wants = route_wants;
    r->tools.wake_monitor = wake_monitor;
    r->tools.context = r;
    r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (r->wake_fd < 0)
        return error_set(error, -errno, "eventfd: %s", strerror(errno));
    resource_opened(RESOURCE_BASE);
    return 0;
}

int route_open(struct route **ret, const struct route_options *options, struct error *error)
{
    CLEANUP(route_close) struct route *r = calloc(1, sizeof(*r));
    if (!r)
        return error_set(error, -ENOMEM, "no memory");
    r->options = *options;
    r->wake_fd = -1;
    r->backoff_ns = ROUTE_BACKOFF_MIN_NS;
    pthread_mutex_init(&r->status_lock, NULL);
    r->failing = true; /* the first step brings the sink to what is committed */

    int code = open_parts(r, error);
    if (code < 0) {
        error_prefix(error, "route %s", options->name);
        return code;
    }
    *ret = TAKE(r);
    return 0;
}

const char *route_name(const struct route *r)
{
    return r->options.name;
}

const char *route_sink_type(const struct route *r)
{
    return r->options.sink.ops->type;
}

bool route_is_stuck(const struct route *r)
{
    return beat_is_stuck(&r->beat, clock_monotonic_ns());
}

struct cursor_visit {
    int (*visit)(void *context, const char *id, const struct cursor *cursor);
    void *context;
};

static int visit_cursor(void *context, const struct ledger_source *row)
{
    const struct cursor_visit *v = context;
    return row->removed_ns ? 0 : v->visit(v->context, row->id, &row->cursor);
}

int route_each_cursor(struct route *r,
                      int (*visit)(void *context, const char *id, const struct cursor *cursor),
                      void *context, struct error *error)
{
    return ledger_sources(r->ledger, visit_cursor, &(struct cursor_visit){visit, context}, error);
}

void route_status(struct route *r, struct route_status *ret)
{
    pthread_mutex_lock(&r->status_lock);
    *ret = r->status;
    pthread_mutex_unlock(&r->status_lock);
}

static void set_health(struct route *r, int64_t since_ns, const char *reason)
{
    pthread_mutex_lock(&r->status_lock);
    r->status.sums.failures += since_ns != 0;
    r->status.failing_since_ns = since_ns;
    snprintf(r->status.reason, sizeof(r->status.reason), "%s", reason);
    pthread_mutex_unlock(&r->status_lock);
}

/* All since the last commit is void; nothing is pulled until it has worked again. */
static void fail(struct route *r, const struct error *error, int64_t now_ns)
{
    if (r->status.failing_since_ns == 0) {
        log_line(LOG_WARN, "route.waiting",
                 "the route cannot deliver; it waits and tries again, nothing is lost",
                 "route=%s error=%s", r->options.name, LOG_QUOTE(error->text));
        set_health(r, clock_now_ns(), error->text);
    } else {
        set_health(r, r->status.failing_since_ns, error->text);
    }
    r->failing = true;
    int64_t jitter = r->backoff_ns / 4;
    r->retry_at_ns = now_ns + r->backoff_ns - jitter + (jitter ? now_ns % (2 * jitter) : 0);
    r->backoff_ns =
        r->backoff_ns * 2 < ROUTE_BACKOFF_MAX_NS ? r->backoff_ns * 2 : ROUTE_BACKOFF_MAX_NS;
}

/* After a whole commit: it works again. */
static void heal(struct route *r)
{
    r->backoff_ns = ROUTE_BACKOFF_MIN_NS;
    if (r->status.failing_since_ns == 0)
        return;
    int64_t waited = clock_now_ns() - r->status.failing_since_ns;
    set_health(r, 0, "");
    log_line(LOG_INFO, "route.delivering", "the route delivers again",
             "route=%s waited_ms=%" PRId64, r->options.name, waited / NS_PER_MS);
}

static bool try_commit(struct route *r, int64_t now_ns)
{
    struct error error = {""};
    if (commit_all(r, &error)) {
        fail(r, &error, now_ns);
        return false;
    }
    heal(r);
    return true;
}

bool route_commit_now(struct route *r)
{
    if (r->failing)
        return false;
    return !r->dirty || try_commit(r, clock_monotonic_ns());
}

static void collect_ready(struct route *r)
{
    for (size_t i = 0; i < r->source_count; i++)
        if (slot_take_ready(r->sources[i]->follow.slot, r->options.number))
            source_activate(r, r->sources[i], SOURCE_HOT);
}

/* With `batch.age: 0` a commit follows as soon as nothing is left to read; while there always is,
 * one a tick has to do. */
static int64_t commit_interval(const struct route *r)
{
    return r->options.batch_age_ns ? r->options.batch_age_ns : ROUTE_TICK_MIN_NS;
}

/* One turn for each source that is not quiet. False where the sink failed. */
static bool serve_all(struct route *r, bool tick, int64_t now_ns)
{
    struct error error = {""};
    for (size_t i = 0; i < r->active_count;) {
        struct route_source *s = r->active[i];
        if ((s->heat == SOURCE_HOT || tick) && serve_source(r, s, &error)) {
            fail(r, &error, now_ns);
            return false;
        }
        if (s->heat == SOURCE_QUIET) {
            s->listed = false;
            r->active[i] = r->active[--r->active_count];
        } else {
            i++;
        }
        if (r->dirty && r->commit_due_ns == INT64_MAX)
            r->commit_due_ns = now_ns + commit_interval(r);
    }
    return true;
}

static bool any_hot(const struct route *r)
{
    for (size_t i = 0; i < r->active_count; i++)
        if (r->active[i]->heat == SOURCE_HOT)
            return true;
    return false;
}

static int64_t tick_interval(const struct route *r)
{
    int64_t tick = r->options.batch_age_ns / 10;
    return tick < ROUTE_TICK_MIN_NS ? ROUTE_TICK_MIN_NS : tick;
}

static void leave_undelivered(struct route *r)
{
    pthread_mutex_lock(&r->status_lock);
    r->status.undelivered = true;
    pthread_mutex_unlock(&r->status_lock);
}

/* `once`: everything up to the discovery's sizes is read; ends what is open, commits, is done. */
static void finish_once(struct route *r, int64_t now_ns)
{
    struct error error = {""};
    for (size_t i = 0; i < r->source_count; i++)
        if (serve_finish(r, r->sources[i], &error)) {
            fail(r, &error, now_ns);
            return;
        }
    if (!r->dirty || try_commit(r, now_ns)) {
        if (journal_missing(r->journal))
            leave_undelivered(r);
        atomic_store(&r->done, true);
        wake(r->options.monitor_fd);
    }
}

/* Once an hour, in a transaction of its own. */
static void fold(struct route *r, int64_t now_ns)
{
    struct error error = {""};
    uint64_t folded;
    if (now_ns < r->fold_due_ns || r->dirty || r->options.ledger_keep_ns == 0)
        return;
    r->fold_due_ns = now_ns + ROUTE_FOLD_INTERVAL_NS;
    if (ledger_fold(r->ledger, clock_now_ns() - r->options.ledger_keep_ns, &folded, &error) < 0)
        log_line(LOG_WARN, "ledger.not_folded", "old rows stay for another hour",
                 "route=%s error=%s", r->options.name, LOG_QUOTE(error.text));
}

static bool recover(struct route *r, int64_t now_ns)
{
    if (!r->failing)
        return true;
    if (now_ns < r->retry_at_ns)
        return false;
    struct error error = {""};
    if (commit_recover(r, &error)) {
        fail(r, &error, now_ns);
        return false;
    }
    r->failing = false;
    r->commit_due_ns = INT64_MAX;
    return true;
}

static int64_t time_until(int64_t due_ns, int64_t now_ns)
{
    return due_ns > now_ns ? due_ns - now_ns : 0;
}

static int64_t next_timeout(struct route *r, int64_t now_ns)
{
    if (r->failing)
        return time_until(r->retry_at_ns, now_ns);
    if (any_hot(r))
        return 0;
    int64_t due = r->dirty ? r->commit_due_ns : INT64_MAX;
    if (r->active_count && r->tick_due_ns < due)
        due = r->tick_due_ns;
    int64_t journal_due = turn_due_ns(r);
    if (journal_due < due)
        due = journal_due;
    return due == INT64_MAX ? INT64_MAX : time_until(due, now_ns);
}

void route_step(struct route *r, int64_t now_ns, int64_t *ret_timeout_ns)
{
    struct error error = {""};
    if (recover(r, now_ns)) {
        if (attach_reconcile(r, &error) < 0)
            fail(r, &error, now_ns);
        collect_ready(r);
        bool tick = now_ns >= r->tick_due_ns;
        if (tick)
            r->tick_due_ns = now_ns + tick_interval(r);
        if (!r->failing)
            turn_journal(r, tick, now_ns);
        if (!r->failing && serve_all(r, tick, now_ns) && r->dirty &&
            (now_ns >= r->commit_due_ns || (r->options.batch_age_ns == 0 && !any_hot(r)))) {
            try_commit(r, now_ns);
            r->commit_due_ns = INT64_MAX;
        }
        if (!r->failing && r->options.once && r->roster && r->active_count == 0 &&
            !atomic_load(&r->done))
            finish_once(r, now_ns);
        if (!r->failing)
            fold(r, now_ns);
    }
    *ret_timeout_ns = next_timeout(r, now_ns);
}

static void wait_for(struct route *r, int64_t timeout_ns)
{
    struct pollfd fds[] = {{.fd = r->wake_fd, .events = POLLIN},
                           {.fd = turn_fd(r), .events = POLLIN}};
    struct timespec timeout = {timeout_ns / NS_PER_SECOND, timeout_ns % NS_PER_SECOND};
    ppoll(fds, ARRAY_SIZE(fds), timeout_ns == INT64_MAX ? NULL : &timeout, NULL);
    uint64_t count;
    if (fds[0].revents & POLLIN)
        (void)!read(r->wake_fd, &count, sizeof(count));
}

static void *run(void *context)
{
    struct route *r = context;
    while (!atomic_load(&r->stopping) && !atomic_load(&r->done)) {
        int64_t timeout_ns;
        beat_mark(&r->beat, BEAT_WORKING);
        route_step(r, clock_monotonic_ns(), &timeout_ns);
        beat_mark(&r->beat, BEAT_WAITING);
        if (timeout_ns > 0)
            wait_for(r, timeout_ns);
    }
    if (!route_commit_now(r))
        leave_undelivered(r);
    beat_mark(&r->beat, BEAT_WAITING);
    return NULL;
}

int route_start(struct route *r, struct error *error)
{
    int code = pthread_create(&r->thread, NULL, run, r);
    if (code)
        return error_set(error, -code, "route %s: cannot start its thread: %s", r->options.name,
                         strerror(code));
    char name[16];
    snprintf(name, sizeof(name), "route-%.9s", r->options.name);
    pthread_setname_np(r->thread, name);
    r->started = true;
    resource_thread_started();
    return 0;
}

void route_wake(struct route *r)
{
    wake(r->wake_fd);
}

void route_stop(struct route *r)
{
    atomic_store(&r->stopping, true);
    wake(r->wake_fd);
}

void route_join(struct route *r)
{
    if (!r->started)
        return;
    pthread_join(r->thread, NULL);
    resource_thread_joined();
    r->started = false;
}

bool route_is_done(const struct route *r)
{
    return atomic_load(&r->done);
}
