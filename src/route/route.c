// SPDX-License-Identifier: Apache-2.0
#include "route/route.h"

#include <errno.h>
#include <inttypes.h>
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

void route_signal(int fd)
{
    uint64_t one = 1;
    if (fd >= 0)
        (void)!write(fd, &one, sizeof(one));
}

static void wake_monitor(void *context)
{
    struct route *r = context;
    route_signal(r->options.monitor_fd);
}

struct route *route_close(struct route *r)
{
    if (!r)
        return NULL;
    route_stop(r);
    route_join(r);
    requests_deinit(r);
    attach_free(r);
    draft_deinit(&r->written);
    journal_free(r->journal);
    if (r->sink)
        r->ops->close(r->sink);
    ledger_close(r->ledger);
    follow_tools_deinit(&r->tools);
    batch_deinit(&r->batch);
    if (r->wake_fd >= 0)
        resource_closed(RESOURCE_BASE);
    r->wake_fd = close_fd(r->wake_fd);
    backlog_deinit(&r->backlog);
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
    code = ledger_open(&r->ledger, r->options.ledger_path, r->options.ledger_vfs,
                       sink_is_exact(r->ops) ? 0 : LEDGER_SYNC_LATER, clock_now_ns(), error);
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
    return requests_init(r, error);
}

int route_open(struct route **ret, const struct route_options *options, struct error *error)
{
    CLEANUP(route_close) struct route *r = calloc(1, sizeof(*r));
    if (!r)
        return error_set(error, -ENOMEM, "no memory");
    r->options = *options;
    r->wake_fd = -1;
    r->sync_due_ns = INT64_MAX;
    pthread_mutex_init(&r->status_lock, NULL);
    backlog_init(&r->backlog);
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
    ret->events = r->options.sink.ops->events;
    if (ret->events)
        r->options.sink.ops->count(r->sink, ret->event_counts);
}

/* All since the last commit is void; nothing is pulled until it has worked again. */
static void fail(struct route *r, const struct error *error, int64_t now_ns)
{
    if (!r->failing)
        backlog_abandon(r);
    requests_abandon(r);
    r->failing = true;
    waiting_begin(r, error->text, 0, now_ns);
}

/* Gaps alone tell nothing of whether the sink works again. */
static int commit_lines(struct route *r, struct error *error)
{
    bool lines = draft_has_lines(&r->written);
    int code = commit_written(r, error);
    if (code == 0 && lines)
        waiting_end(r);
    return code;
}

static bool try_commit(struct route *r, int64_t now_ns)
{
    struct error error = {""};
    if (commit_lines(r, &error) == 0)
        return true;
    fail(r, &error, now_ns);
    return false;
}

bool route_is_dirty(const struct route *r)
{
    return r->filling && r->filling->count > 0;
}

bool route_commit_now(struct route *r)
{
    if (r->failing)
        return false;
    if (r->requests.ops)
        return !route_is_dirty(r) && r->requests.count == 0;
    if (route_is_dirty(r) && !try_commit(r, clock_monotonic_ns()))
        return false;
    return r->status.failing_since_ns == 0; /* else it was stopped between two tries */
}

static void collect_ready(struct route *r)
{
    for (size_t i = 0; i < r->source_count; i++)
        if (slot_take_ready(r->sources[i]->slot, r->options.number))
            source_activate(r, r->sources[i], SOURCE_HOT);
}

/* What may wait as long is looked for as seldom: each look at a busy file costs a call, however
 * little has come, and each commit a row, however few lines of the source are in it. */
static int64_t tick_interval(const struct route *r)
{
    int64_t tick = r->options.batch_age_ns;
    if (tick > ROUTE_TICK_MAX_NS)
        return ROUTE_TICK_MAX_NS;
    return tick < ROUTE_TICK_MIN_NS ? ROUTE_TICK_MIN_NS : tick;
}

/* With `batch.age: 0` a commit follows as soon as nothing is left to read; while there always is,
 * one a tick has to do. */
static int64_t commit_interval(const struct route *r)
{
    return r->options.batch_age_ns ? r->options.batch_age_ns : ROUTE_TICK_MIN_NS;
}

/* The sources that are held in requests are due when they are let go. */
static bool begin_tick(struct route *r, int64_t now_ns)
{
    if (now_ns < r->tick_due_ns)
        return false;
    r->tick_due_ns = now_ns + tick_interval(r);
    r->ticking |= r->journal_heat == SOURCE_WARM;
    for (size_t i = 0; i < r->source_count; i++)
        if (r->sources[i]->heat == SOURCE_WARM) {
            r->sources[i]->heat = SOURCE_DUE;
            r->ticking = true;
        }
    return true;
}

/* One pull; into a request as many as there is room for. What is behind then fills requests of its
 * own, of which several are under way, instead of a part of each, and one at a time. */
static int serve_turn(struct route *r, struct route_source *s, struct error *error)
{
    uint64_t before;
    int code;
    do {
        before = r->requests.filling ? r->requests.filling->load.request.bytes : 0;
        code = serve_source(r, s, error);
    } while (code == 0 && s->heat == SOURCE_HOT && !requests_are_full(r) && r->requests.filling &&
             r->requests.filling->load.request.bytes > before);
    return code;
}

/* One turn for each source that is to be looked at now, until a request is full. Those that had
 * none come before those that are in it now, which are listed anew behind them. */
static int serve_all(struct route *r, struct error *error)
{
    size_t served = 0, kept = 0;
    int code = requests_begin(r) < 0 ? error_set(error, -ENOMEM, "no memory") : 0;
    while (served < r->active_count && code == 0 && !requests_are_full(r)) {
        struct route_source *s = r->active[served++];
        if (s->heat > SOURCE_WARM)
            code = serve_turn(r, s, error);
        s->listed = s->heat != SOURCE_QUIET;
        if (s->listed)
            r->active[kept++] = s;
        if (route_is_dirty(r) && r->commit_due_ns == INT64_MAX)
            r->commit_due_ns = r->tick_due_ns - tick_interval(r) + commit_interval(r);
    }
    while (served < r->active_count)
        r->active[kept++] = r->active[served++];
    r->active_count = kept;
    return code;
}

static bool any_hot(const struct route *r)
{
    for (size_t i = 0; i < r->active_count; i++)
        if (r->active[i]->heat > SOURCE_WARM)
            return true;
    return false;
}

void route_leave_undelivered(struct route *r)
{
    pthread_mutex_lock(&r->status_lock);
    r->status.undelivered = true;
    pthread_mutex_unlock(&r->status_lock);
}

bool route_may_pull(const struct route *r)
{
    bool stopping = r->requests.ops && atomic_load(&r->stopping);
    return !r->failing && !stopping && requests_may_fill(r);
}

/* `once`: everything up to the discovery's sizes is read. */
static bool is_read(const struct route *r)
{
    return r->options.once && r->roster && r->active_count == 0;
}

/* All has been read, and what the last tick found must not wait for the next one: it has waited for
 * the last. */
static bool is_looked_through(const struct route *r)
{
    bool closing = r->ticking && r->commit_due_ns <= r->tick_due_ns;
    return (closing || r->options.batch_age_ns == 0) && !any_hot(r);
}

static bool is_due(const struct route *r, int64_t now_ns)
{
    if (!route_is_dirty(r))
        return false;
    if (now_ns >= r->commit_due_ns || is_looked_through(r))
        return true;
    return r->requests.ops && (atomic_load(&r->stopping) || is_read(r) || requests_are_full(r));
}

/* What was handed over is written, or to be sent. */
static int deliver_due(struct route *r, int64_t now_ns, struct error *error)
{
    if (r->requests.waiting || !is_due(r, now_ns))
        return 0;
    r->commit_due_ns = INT64_MAX;
    if (r->requests.ops)
        return requests_queue(r) < 0 ? error_set(error, -ENOMEM, "no memory") : 0;
    return commit_lines(r, error);
}

/* Takes answers, and commits what they settle. */
static int settle(struct route *r, int64_t now_ns, struct error *error)
{
    int code = answers_take(r, now_ns, error);
    if (code == 0 && r->requests.ops)
        code = commit_settled(r, error);
    return code;
}

/* `once`: ends the lines that are open. True where there is nothing left to be ended. */
static bool finish_sources(struct route *r, struct error *error, int *ret_code)
{
    for (size_t i = 0; i < r->source_count; i++) {
        struct route_source *s = r->sources[i];
        if (s->finished)
            continue;
        if (!route_may_pull(r) || requests_begin(r) < 0 || requests_are_full(r))
            return false;
        *ret_code = serve_finish(r, s, error);
        if (*ret_code)
            return false;
        s->finished = true;
    }
    return true;
}

static int finish_once(struct route *r, int64_t now_ns, struct error *error)
{
    int code = 0;
    if (!is_read(r) || r->requests.count || atomic_load(&r->done))
        return 0;
    if (!finish_sources(r, error, &code) || (route_is_dirty(r) && r->requests.ops))
        return code;
    if (route_is_dirty(r))
        code = commit_lines(r, error);
    if (code)
        return code;
    r->finishing = r->ops->unfinished && r->ops->unfinished(r->sink, now_ns);
    if (r->finishing)
        return 0;
    if (journal_missing(r->journal))
        route_leave_undelivered(r);
    atomic_store(&r->done, true);
    route_signal(r->options.monitor_fd);
    return 0;
}

/* Once an hour, in a transaction of its own. */
static void fold(struct route *r, int64_t now_ns)
{
    struct error error = {""};
    uint64_t folded;
    if (now_ns < r->fold_due_ns || route_is_dirty(r) || r->options.ledger_keep_ns == 0)
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
    if (now_ns < r->backoff.until_ns)
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

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Goes on with what can wait, and has the sink do so. When there will be more. */
static int64_t tend(struct route *r, int64_t now_ns)
{
    int64_t sink_ns = r->failing || !r->ops->tend ? INT64_MAX : r->ops->tend(r->sink, now_ns);
    return r->requests.ops ? earlier(sink_ns, requests_rest(r, now_ns)) : sink_ns;
}

static int64_t next_timeout(struct route *r, int64_t now_ns, int64_t tend_due_ns)
{
    if (r->failing)
        return time_until(earlier(r->backoff.until_ns, r->sync_due_ns), now_ns);
    if (r->finishing)
        return 0;
    int64_t due = earlier(tend_due_ns, r->sync_due_ns);
    if (r->requests.ops)
        due = earlier(due, requests_due_ns(r));
    if (!r->requests.waiting && is_due(r, now_ns))
        return 0;
    if (route_may_pull(r)) {
        if (any_hot(r))
            return 0;
        if (route_is_dirty(r))
            due = earlier(due, r->commit_due_ns);
        if (r->active_count)
            due = earlier(due, r->tick_due_ns);
        due = earlier(due, turn_due_ns(r));
    }
    return due == INT64_MAX ? INT64_MAX : time_until(due, now_ns);
}

/* Nothing is to be read, and nothing under way. */
static bool is_idle(const struct route *r)
{
    return r->active_count == 0 && !route_is_dirty(r) && r->requests.count == 0;
}

/* Reads, hands over, delivers, commits. */
static int work(struct route *r, int64_t now_ns, struct error *error)
{
    int code = attach_reconcile(r, error);
    if (code == 0)
        code = settle(r, now_ns, error);
    if (code)
        return code;
    collect_ready(r);
    if (route_may_pull(r)) {
        turn_journal(r, begin_tick(r, now_ns), now_ns);
        code = serve_all(r, error);
    }
    if (code == 0)
        code = deliver_due(r, now_ns, error);
    r->ticking = r->ticking && any_hot(r);
    if (code == 0)
        code = finish_once(r, now_ns, error);
    if (code == 0 && r->requests.ops) {
        code = commit_settled(r, error); /* requests without lines */
        if (code == 0)
            code = replay_step(r, now_ns, error);
        if (code == 0)
            requests_send(r, now_ns);
    }
    if (code == 0)
        fold(r, now_ns);
    if (code == 0 && is_idle(r)) {
        waiting_end(r);
        ledger_rest(r->ledger);
    }
    return code;
}

static void show_requests(struct route *r)
{
    struct request_counts *counts = &r->requests.counts;
    if (!r->requests.ops)
        return;
    counts->in_flight = (uint64_t)__builtin_popcount(r->requests.slots);
    counts->aside = 0;
    for (size_t i = 0; i < r->requests.count; i++)
        counts->aside += r->requests.items[i]->aside;
    pthread_mutex_lock(&r->status_lock);
    r->status.requests = *counts;
    pthread_mutex_unlock(&r->status_lock);
}

void route_step(struct route *r, int64_t now_ns, int64_t *ret_timeout_ns)
{
    struct error error = {""};
    if (recover(r, now_ns) && work(r, now_ns, &error))
        fail(r, &error, now_ns);
    drop_step(r);
    if (commit_sync(r, now_ns, &error) && !r->failing)
        fail(r, &error, now_ns);
    show_requests(r);
    backlog_answer(r);
    *ret_timeout_ns = next_timeout(r, now_ns, tend(r, now_ns));
}

bool route_is_done(const struct route *r)
{
    return atomic_load(&r->done);
}
