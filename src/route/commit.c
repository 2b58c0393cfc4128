// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/check.h"
#include "route/route_private.h"

static int put_rows(struct route *r, const struct sink_rows *rows, struct error *error)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct ledger_output output = {rows->items[i].path, rows->items[i].file,
                                       rows->items[i].length};
        int code = ledger_put_output(r->ledger, &output, error);
        if (code < 0)
            return code;
    }
    return 0;
}

/* Rows alone, in a transaction of their own. */
static int commit_rows(struct route *r, const struct sink_rows *rows, struct error *error)
{
    if (rows->count == 0)
        return 0;
    int code = ledger_begin(r->ledger, error);
    if (code == 0)
        code = put_rows(r, rows, error);
    return code == 0 ? ledger_commit(r->ledger, error) : code;
}

static int take_tally(void *context, const struct ledger_source *row)
{
    *(struct tally *)context = row->tally;
    return 0;
}

/* The law of R1: a book that does not add up must not be written. */
static int put_source(struct route *r, const struct draft_source *of, struct error *error)
{
    struct tally tally = {0};
    int code = ledger_find(r->ledger, of->slot->id, take_tally, &tally, error);
    if (code == LEDGER_NO_SUCH_SOURCE)
        return error_set(error, -ENOENT, "%s: the ledger has lost its row", of->slot->id);
    if (code < 0)
        return code;
    tally_add(&tally, &of->tally);
    CHECK(tally_adds_up(&tally));
    code = ledger_put_source(r->ledger, of->key, &of->cursor, &tally, error);
    if (code == 0 && of->source && of->source->binding)
        code = ledger_put_name(r->ledger, of->key, of->source->binding->record->name, error);
    return code;
}

static int put_draft(struct route *r, const struct draft *d, struct error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < d->count; i++)
        code = put_source(r, &d->sources[i], error);
    int64_t now = clock_now_ns();
    for (size_t i = 0; code == 0 && i < d->gap_count; i++)
        code = ledger_put_gap(r->ledger, d->gaps[i].key, &d->gaps[i].gap, now, error);
    return code;
}

static int commit_books(struct route *r, const struct sink_rows *rows, struct error *error)
{
    int code = ledger_begin(r->ledger, error);
    if (code == 0)
        code = put_draft(r, &r->written, error);
    if (code == 0)
        code = put_rows(r, rows, error);
    return code == 0 ? ledger_commit(r->ledger, error) : code;
}

static int deliver_and_commit(struct route *r, struct sink_rows *rows, struct error *error)
{
    int code = r->ops->prepare ? r->ops->prepare(r->sink, rows, error) : 0;
    if (code == 0)
        code = commit_rows(r, rows, error);
    if (code == 0)
        code = r->ops->flush(r->sink, error);
    rows->count = 0;
    if (code == 0 && r->ops->checkpoint)
        code = r->ops->checkpoint(r->sink, rows, error);
    return code == 0 ? commit_books(r, rows, error) : code;
}

void commit_vouch(struct route *r, struct route_sums *sums)
{
    pthread_mutex_lock(&r->status_lock);
    route_sums_move(&r->status.sums, sums);
    pthread_mutex_unlock(&r->status_lock);
}

static int sync_now(struct route *r, struct error *error)
{
    beat_mark(&r->beat, BEAT_DELIVERING);
    int code = ledger_sync(r->ledger, error);
    beat_mark(&r->beat, BEAT_WORKING);
    return code;
}

/* Something will be given back that was needed before. */
static bool lets_go(const struct route *r, const struct draft *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->sources[i].source && source_needs_moved(r, d->sources[i].source))
            return true;
    return false;
}

/* It is committed: shown, and nothing of it is pending any more. What it needs no longer is given
 * back, which nothing undoes, only where that is `synced`. */
static void conclude(struct route *r, struct draft *d, bool synced)
{
    struct route_sums sums;
    draft_sum(d, &sums);
    commit_vouch(r, &sums);
    for (size_t i = 0; i < d->count; i++) {
        struct route_source *s = d->sources[i].source;
        if (!s)
            continue;
        draft_forget(s);
        if (synced)
            source_publish_needs(r, s);
        source_let_go(r, s);
        source_rest(r, s);
    }
    draft_clear(d);
}

static void count_commit(struct route *r)
{
    commit_vouch(r, &(struct route_sums){.commits = 1});
}

int commit_written(struct route *r, struct error *error)
{
    struct sink_rows rows = {0};
    beat_mark(&r->beat, BEAT_DELIVERING);
    int code = deliver_and_commit(r, &rows, error);
    beat_mark(&r->beat, BEAT_WORKING);
    sink_rows_deinit(&rows);
    if (code) {
        ledger_rollback(r->ledger);
        return SINK_FAILED;
    }
    count_commit(r);
    code = lets_go(r, &r->written) ? sync_now(r, error) : 0;
    conclude(r, &r->written, code == 0);
    return code ? SINK_FAILED : 0;
}

static int put_settled(struct route *r, struct error *error)
{
    const struct requests *q = &r->requests;
    int code = ledger_begin(r->ledger, error);
    for (size_t i = 0; code == 0 && i < q->count; i++) {
        if (q->items[i]->state != REQUEST_SETTLED)
            continue;
        code = refusals_put(r, q->items[i], error);
        if (code == 0)
            code = put_draft(r, &q->items[i]->draft, error);
    }
    return code == 0 ? ledger_commit(r->ledger, error) : code;
}

static bool settled_let_go(const struct route *r)
{
    const struct requests *q = &r->requests;
    for (size_t i = 0; i < q->count; i++)
        if (q->items[i]->state == REQUEST_SETTLED && lets_go(r, &q->items[i]->draft))
            return true;
    return false;
}

static bool any_settled(const struct requests *q)
{
    for (size_t i = 0; i < q->count; i++)
        if (q->items[i]->state == REQUEST_SETTLED)
            return true;
    return false;
}

int commit_settled(struct route *r, struct error *error)
{
    struct requests *q = &r->requests;
    if (!any_settled(q))
        return 0;
    beat_mark(&r->beat, BEAT_DELIVERING);
    int code = put_settled(r, error);
    beat_mark(&r->beat, BEAT_WORKING);
    if (code) {
        ledger_rollback(r->ledger);
        return code;
    }
    count_commit(r);
    code = settled_let_go(r) ? sync_now(r, error) : 0;
    size_t kept = 0;
    for (size_t i = 0; i < q->count; i++) {
        if (q->items[i]->state == REQUEST_SETTLED) {
            conclude(r, &q->items[i]->draft, code == 0);
            requests_free(r, q->items[i]);
        } else {
            q->items[kept++] = q->items[i];
        }
    }
    q->count = kept;
    if (code)
        return code;
    if (!q->waiting)
        waiting_end(r);
    return refusals_count(r, error);
}

int commit_sync(struct route *r, int64_t now_ns, struct error *error)
{
    int64_t due_ns = r->sync_due_ns;
    r->sync_due_ns = INT64_MAX;
    if (ledger_is_synced(r->ledger))
        return 0;
    if (now_ns >= due_ns)
        return sync_now(r, error);
    r->sync_due_ns = due_ns < INT64_MAX ? due_ns : now_ns + LEDGER_SYNC_MS * NS_PER_MS;
    return 0;
}

void commit_end(struct route *r)
{
    struct error error = {""};
    if (ledger_sync(r->ledger, &error))
        log_line(LOG_WARN, "ledger.not_synced",
                 "what was delivered last comes again if the power fails now", "route=%s error=%s",
                 r->options.name, LOG_QUOTE(error.text));
}

struct rows_copy {
    struct sink_rows rows;
    char **paths;
};

static int copy_row(void *context, const struct ledger_output *o)
{
    struct rows_copy *copy = context;
    char **paths = reallocarray(copy->paths, copy->rows.count + 1, sizeof(*paths));
    if (!paths)
        return -ENOMEM;
    copy->paths = paths;
    char *path = strdup(o->path);
    if (!path)
        return -ENOMEM;
    copy->paths[copy->rows.count] = path;
    return sink_rows_add(&copy->rows, (struct sink_row){path, o->file, o->length});
}

static int recover_sink(struct route *r, struct error *error)
{
    if (!r->ops->recover)
        return 0;
    struct rows_copy copy = {0};
    struct sink_rows changed = {0};
    int code = ledger_outputs(r->ledger, copy_row, &copy, error);
    if (code == 0)
        code = r->ops->recover(r->sink, &copy.rows, &changed, error);
    if (code == 0)
        code = commit_rows(r, &changed, error);
    if (code)
        ledger_rollback(r->ledger);
    for (size_t i = 0; i < copy.rows.count; i++)
        free(copy.paths[i]);
    free(copy.paths);
    sink_rows_deinit(&copy.rows);
    sink_rows_deinit(&changed);
    return code;
}

struct by_key {
    struct route *route;
    struct route_source **sources;
    size_t count;
    struct error *error;
};

static int order_by_key(const void *a, const void *b)
{
    uint32_t x = (*(struct route_source *const *)a)->key;
    uint32_t y = (*(struct route_source *const *)b)->key;
    return x < y ? -1 : x > y;
}

/* Both lists go by key. */
static int back_to_row(void *context, const struct ledger_source *row)
{
    struct by_key *left = context;
    while (left->count && (*left->sources)->key < row->key) {
        left->sources++;
        left->count--;
    }
    if (!left->count || (*left->sources)->key != row->key)
        return 0;
    if (source_wake(*left->sources) < 0)
        return error_set(left->error, -ENOMEM, "no memory");
    source_reset(left->route, *left->sources, &row->cursor);
    return 0;
}

static int recover_sources(struct route *r, struct error *error)
{
    draft_clear(&r->written);
    if (r->source_count == 0)
        return 0;
    struct route_source **sorted = malloc(r->source_count * sizeof(struct route_source *));
    if (!sorted)
        return error_set(error, -ENOMEM, "no memory");
    memcpy(sorted, r->sources, r->source_count * sizeof(struct route_source *));
    qsort(sorted, r->source_count, sizeof(*sorted), order_by_key);
    struct by_key left = {r, sorted, r->source_count, error};
    int code = ledger_sources(r->ledger, back_to_row, &left, error);
    free(sorted);
    if (code)
        return code;

    for (size_t i = 0; i < r->source_count; i++) {
        struct route_source *s = r->sources[i];
        s->needs = source_needs(s);
        s->done = s->finished = false;
        s->gap_open = false;
        source_activate(r, s, SOURCE_HOT);
    }
    return 0;
}

int commit_recover(struct route *r, struct error *error)
{
    int code = ledger_sync(r->ledger, error);
    if (code == 0)
        code = recover_sources(r, error);
    if (code == 0)
        backlog_recovered(r);
    if (code == 0 && !r->roster) /* what there is counts as unread, whatever the sink does */
        code = attach_reconcile(r, error);
    if (code == 0)
        code = recover_sink(r, error);
    return code ? SINK_FAILED : 0;
}
