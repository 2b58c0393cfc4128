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

/* The law of R1: a book that does not add up must not be written. */
static int put_sources(struct route *r, struct error *error)
{
    for (size_t i = 0; i < r->unwritten_count; i++) {
        const struct unwritten *u = &r->unwritten[i];
        struct route_source *s = u->source;
        CHECK(tally_adds_up(&u->tally));
        int code = ledger_put_source(r->ledger, s->key, &u->cursor, &u->tally, error);
        if (code == 0 && s->bound)
            code = ledger_put_name(r->ledger, s->key, s->bound->name, error);
        if (code < 0)
            return code;
    }
    int64_t now = clock_now_ns();
    for (size_t i = 0; i < r->gap_count; i++) {
        int code = ledger_put_gap(r->ledger, r->gaps[i].source->key, &r->gaps[i].gap, now, error);
        if (code < 0)
            return code;
    }
    return 0;
}

static int commit_books(struct route *r, const struct sink_rows *rows, struct error *error)
{
    int code = ledger_begin(r->ledger, error);
    if (code == 0)
        code = put_sources(r, error);
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

void commit_vouch(struct route *r)
{
    pthread_mutex_lock(&r->status_lock);
    route_sums_move(&r->status.sums, &r->unvouched);
    pthread_mutex_unlock(&r->status_lock);
}

int commit_all(struct route *r, struct error *error)
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
    r->unvouched.commits = 1;
    commit_vouch(r);
    r->gap_count = 0;
    r->dirty = false;
    for (size_t i = 0; i < r->unwritten_count; i++)
        source_publish_needs(r, r->unwritten[i].source);
    unwritten_clear(r);
    return 0;
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
    source_reset(left->route, *left->sources, &row->cursor);
    return 0;
}

static int recover_sources(struct route *r, struct error *error)
{
    unwritten_clear(r);
    if (r->source_count == 0)
        return 0;
    struct route_source **sorted = malloc(r->source_count * sizeof(struct route_source *));
    if (!sorted)
        return error_set(error, -ENOMEM, "no memory");
    memcpy(sorted, r->sources, r->source_count * sizeof(struct route_source *));
    qsort(sorted, r->source_count, sizeof(*sorted), order_by_key);
    struct by_key left = {r, sorted, r->source_count};
    int code = ledger_sources(r->ledger, back_to_row, &left, error);
    free(sorted);
    if (code)
        return code;

    for (size_t i = 0; i < r->source_count; i++) {
        struct route_source *s = r->sources[i];
        s->needs = source_needs(s);
        s->done = false;
        source_activate(r, s, SOURCE_HOT);
    }
    return 0;
}

int commit_recover(struct route *r, struct error *error)
{
    int code = recover_sources(r, error);
    if (code == 0)
        code = recover_sink(r, error);
    if (code)
        return SINK_FAILED;
    r->unvouched = (struct route_sums){0};
    r->gap_count = 0;
    r->dirty = false;
    return 0;
}
