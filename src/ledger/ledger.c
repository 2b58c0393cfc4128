// SPDX-License-Identifier: Apache-2.0
#include "ledger/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ledger/columns.h"
#include "ledger/ledger_private.h"
#include "ledger/ledger_schema.h"

struct ledger *ledger_close(struct ledger *l)
{
    if (!l)
        return NULL;

    database_close(l->database);
    buf_deinit(&l->labels);
    free(l);
    return NULL;
}

static int read_attached(struct ledger *l, struct error *error)
{
    CLEANUP(row_end) struct row row = database_row(l->database, SELECT_ATTACHED);

    int r = database_next(l->database, &row, error);
    if (r > 0)
        l->attached_ns = row_get_i64(&row);
    if (r == 0)
        return error_set(error, -EBADMSG, "%s: the ledger is damaged (its first row is gone)",
                         database_path(l->database));
    return r < 0 ? r : 0;
}

int ledger_open(struct ledger **ret, const char *path, const char *vfs, unsigned flags,
                int64_t attached_ns, struct error *error)
{
    CLEANUP(ledger_close) struct ledger *l = calloc(1, sizeof(*l));
    if (!l)
        return error_set(error, -ENOMEM, "%s: out of memory", path);
    l->labels = BUF_INIT(LABELS_TEXT_MAX);

    char first_rows[96];
    snprintf(first_rows, sizeof(first_rows),
             "INSERT INTO route (only, attached_ns) VALUES (1, %" PRId64 ")", attached_ns);
    struct schema schema = ledger_schema;
    schema.first_rows = first_rows;
    if (flags & LEDGER_SYNC_LATER)
        schema.settings = ledger_settings_sync_later;
    l->sync_later = flags & LEDGER_SYNC_LATER;

    int r = database_open(&l->database, path, vfs,
                          flags & LEDGER_READ_ONLY ? DATABASE_READ_ONLY : 0, &schema, error);
    if (r == 0)
        r = read_attached(l, error);
    if (r < 0)
        return r;

    *ret = TAKE(l);
    return 0;
}

int64_t ledger_attached_ns(const struct ledger *l)
{
    return l->attached_ns;
}

/* A commit whose fsync failed may stand whole in the write-ahead log: this connection does not see
 * it, but a start after kill -9 would, and cursors that the caller was told are not committed would
 * come back to life, over outputs that were cut back since. So before anything is read or written
 * after a failed commit, another small one goes over its place in the log. Until that succeeds
 * nobody knows what is committed, and nothing is answered. */
int ledger_settle(struct ledger *l, struct error *error)
{
    if (!l->unsettled)
        return 0;

    int r = database_begin(l->database, error);
    if (r < 0)
        return r;
    struct row row = database_row(l->database, SETTLE);
    r = database_run(l->database, &row, NULL, error);
    if (r == 0)
        r = database_commit(l->database, NULL, error);
    if (r < 0)
        return r;

    l->unsettled = false;
    l->unsynced = l->sync_later;
    return 0;
}

static void read_source(struct row *row, struct ledger_source *ret)
{
    ret->key = (uint32_t)row_get_i64(row);
    ret->id = row_get_text(row);
    ret->name = row_get_text(row);
    ret->removed_ns = row_get_unless(row, 0);
    get_cursor(row, &ret->cursor);
    add_tally(row, &ret->tally);
    for (unsigned stream = 0; stream < STREAM_COUNT; stream++)
        get_open_line(row, &ret->cursor.open[stream]);
}

int ledger_sources(struct ledger *l, int (*visit)(void *, const struct ledger_source *),
                   void *context, struct error *error)
{
    int r = ledger_settle(l, error);
    if (r < 0)
        return r;

    CLEANUP(row_end) struct row row = database_row(l->database, SELECT_SOURCES);
    while ((r = database_next(l->database, &row, error)) > 0) {
        struct ledger_source s = {0};
        read_source(&row, &s);
        r = database_got(l->database, &row, error);
        if (r == 0)
            r = visit(context, &s);
        if (r)
            return r;
    }
    return r;
}

int ledger_find(struct ledger *l, const char *id,
                int (*visit)(void *, const struct ledger_source *), void *context,
                struct error *error)
{
    int r = ledger_settle(l, error);
    if (r < 0)
        return r;

    CLEANUP(row_end) struct row row = database_row(l->database, SELECT_SOURCE);
    row_put_text(&row, id);
    r = database_next(l->database, &row, error);
    if (r <= 0)
        return r < 0 ? r : LEDGER_NO_SUCH_SOURCE;

    struct ledger_source s = {0};
    read_source(&row, &s);
    r = database_got(l->database, &row, error);
    return r < 0 ? r : visit(context, &s);
}

int ledger_outputs(struct ledger *l, int (*visit)(void *, const struct ledger_output *),
                   void *context, struct error *error)
{
    int r = ledger_settle(l, error);
    if (r < 0)
        return r;

    CLEANUP(row_end) struct row row = database_row(l->database, SELECT_OUTPUTS);
    while ((r = database_next(l->database, &row, error)) > 0) {
        struct ledger_output o = {.path = row_get_text(&row)};
        get_file(&row, &o.file);
        o.length = row_get_u64(&row);
        r = database_got(l->database, &row, error);
        if (r == 0)
            r = visit(context, &o);
        if (r)
            return r;
    }
    return r;
}

static void read_gap(struct row *row, struct ledger_gap *ret)
{
    ret->source_id = row_get_text(row);
    ret->booked_ns = row_get_i64(row);
    ret->gap.reason = get_reason(row);
    ret->gap.serial = row_get_u64(row);
    ret->gap.offset = row_get_u64(row);
    ret->gap.bytes = row_get_unless(row, GAP_BYTES_UNKNOWN);
    ret->gap.after_ns = row_get_unless(row, GAP_TIME_UNKNOWN);
    ret->gap.before_ns = row_get_unless(row, GAP_TIME_UNKNOWN);
}

int ledger_gaps(struct ledger *l, int (*visit)(void *, const struct ledger_gap *), void *context,
                struct error *error)
{
    int r = ledger_settle(l, error);
    if (r < 0)
        return r;

    CLEANUP(row_end) struct row row = database_row(l->database, SELECT_GAPS);
    while ((r = database_next(l->database, &row, error)) > 0) {
        struct ledger_gap g = {0};
        read_gap(&row, &g);
        r = database_got(l->database, &row, error);
        if (r == 0)
            r = visit(context, &g);
        if (r)
            return r;
    }
    return r;
}

int ledger_begin(struct ledger *l, struct error *error)
{
    int r = ledger_settle(l, error);
    l->labels_of = NULL;
    return r < 0 ? r : database_begin(l->database, error);
}

static int put_open_lines(struct ledger *l, uint32_t key, const struct cursor *cursor,
                          struct error *error)
{
    int r = 0;

    for (unsigned stream = 0; r == 0 && stream < STREAM_COUNT; stream++) {
        if (cursor->open[stream].kind == OPEN_NONE)
            continue;
        struct row row = database_row(l->database, PUT_OPEN_LINE);
        row_put_i64(&row, key);
        row_put_text(&row, stream_word(stream));
        put_open_line(&row, &cursor->open[stream]);
        r = database_run(l->database, &row, NULL, error);
    }
    return r;
}

int ledger_add_source(struct ledger *l, const char *id, const char *name,
                      const struct cursor *cursor, uint32_t *ret_key, struct error *error)
{
    struct row row = database_row(l->database, INSERT_SOURCE);
    row_put_text(&row, id);
    row_put_text(&row, name);
    put_cursor(&row, cursor);

    int r = database_run_one(l->database, &row, "source", error);
    if (r < 0)
        return r;

    uint32_t key = (uint32_t)database_last_key(l->database);
    r = put_open_lines(l, key, cursor, error);
    if (r == 0)
        *ret_key = key;
    return r;
}

int ledger_put_source(struct ledger *l, uint32_t key, const struct cursor *cursor,
                      const struct tally *tally, struct error *error)
{
    if (!tally_adds_up(tally)) {
        database_rollback(l->database);
        return error_set(error, -EINVAL,
                         "%s: the tally of source %" PRIu32 " does not add up: this is a fault of "
                         "tallyman, its cursor stays",
                         database_path(l->database), key);
    }

    struct row row = database_row(l->database, UPDATE_SOURCE);
    put_cursor(&row, cursor);
    put_tally(&row, tally);
    row_put_i64(&row, key);
    int r = database_run_one(l->database, &row, "source", error);
    return r < 0 ? r : put_open_lines(l, key, cursor, error);
}

int ledger_put_name(struct ledger *l, uint32_t key, const char *name, struct error *error)
{
    struct row row = database_row(l->database, UPDATE_NAME);
    row_put_text(&row, name);
    row_put_i64(&row, key);
    return database_run_one(l->database, &row, "source", error);
}

int ledger_put_removed(struct ledger *l, uint32_t key, int64_t removed_ns, struct error *error)
{
    struct row row = database_row(l->database, UPDATE_REMOVED);
    row_put_unless(&row, removed_ns, 0);
    row_put_i64(&row, key);
    return database_run_one(l->database, &row, "source", error);
}

int ledger_put_gap(struct ledger *l, uint32_t key, const struct gap *gap, int64_t booked_ns,
                   struct error *error)
{
    struct row row = database_row(l->database, INSERT_GAP);
    row_put_i64(&row, booked_ns);
    put_reason(&row, gap->reason);
    row_put_u64(&row, gap->serial);
    row_put_u64(&row, gap->offset);
    row_put_unless(&row, gap->bytes, GAP_BYTES_UNKNOWN);
    row_put_unless(&row, gap->after_ns, GAP_TIME_UNKNOWN);
    row_put_unless(&row, gap->before_ns, GAP_TIME_UNKNOWN);
    row_put_i64(&row, key);
    int r = database_run_one(l->database, &row, "source", error);
    if (r < 0)
        return r;

    struct row trim = database_row(l->database, TRIM_GAPS);
    row_put_i64(&trim, LEDGER_GAPS_MAX);
    return database_run(l->database, &trim, NULL, error);
}

int ledger_put_output(struct ledger *l, const struct ledger_output *output, struct error *error)
{
    struct row row = database_row(l->database, PUT_OUTPUT);
    row_put_text(&row, output->path);
    put_file(&row, &output->file);
    row_put_u64(&row, output->length);
    return database_run_one(l->database, &row, "output", error);
}

int ledger_commit(struct ledger *l, struct error *error)
{
    int r = database_commit(l->database, &l->unsettled, error);
    if (r == 0)
        l->unsynced = l->sync_later;
    return r;
}

int ledger_sync(struct ledger *l, struct error *error)
{
    int r = ledger_settle(l, error);
    if (r == 0 && l->unsynced)
        r = database_sync(l->database, error);
    if (r == 0)
        l->unsynced = false;
    return r;
}

bool ledger_is_synced(const struct ledger *l)
{
    return !l->unsynced;
}

void ledger_rollback(struct ledger *l)
{
    database_rollback(l->database);
}

/* Adds `sum` to the totals of a day. */
static int add_to_day(struct ledger *l, const char *day, struct tally *sum, struct error *error)
{
    struct row before = database_row(l->database, SELECT_DAY);
    row_put_text(&before, day);
    int r = database_next(l->database, &before, error);
    if (r > 0)
        add_tally(&before, sum);
    row_end(&before);
    if (r < 0)
        return r;

    struct row row = database_row(l->database, PUT_DAY);
    row_put_text(&row, day);
    put_tally(&row, sum);
    return database_run(l->database, &row, NULL, error);
}

/* Sums the tallies of the sources day by day, which is how they come. */
static int fold_tallies(struct ledger *l, int64_t before_ns, struct error *error)
{
    char day[sizeof("2026-11-23")] = "";
    struct tally sum = {0};
    int r;

    CLEANUP(row_end) struct row row = database_row(l->database, SELECT_FOLDABLE);
    row_put_i64(&row, before_ns);
    while ((r = database_next(l->database, &row, error)) > 0) {
        const char *next_day = row_get_text(&row);
        if (strcmp(day, next_day) != 0) {
            r = *day ? add_to_day(l, day, &sum, error) : 0;
            if (r < 0)
                return r;
            snprintf(day, sizeof(day), "%s", next_day);
            sum = (struct tally){0};
        }
        add_tally(&row, &sum);
        r = database_got(l->database, &row, error);
        if (r < 0)
            return r;
    }
    return r == 0 && *day ? add_to_day(l, day, &sum, error) : r;
}

static int run_before(struct ledger *l, enum ledger_statement statement, int64_t before_ns,
                      int64_t *ret_changed, struct error *error)
{
    struct row row = database_row(l->database, statement);
    row_put_i64(&row, before_ns);
    return database_run(l->database, &row, ret_changed, error);
}

int ledger_fold(struct ledger *l, int64_t before_ns, uint64_t *ret_folded, struct error *error)
{
    int64_t folded = 0;
    int r = ledger_begin(l, error);
    if (r < 0)
        return r;

    r = fold_tallies(l, before_ns, error);
    if (r == 0)
        r = run_before(l, FOLD_LETTERS, before_ns, NULL, error);
    if (r == 0)
        r = run_before(l, DELETE_FOLDED_GAPS, before_ns, NULL, error);
    if (r == 0)
        r = run_before(l, DELETE_FOLDED_OPEN_LINES, before_ns, NULL, error);
    if (r == 0)
        r = run_before(l, DELETE_FOLDED_SOURCES, before_ns, &folded, error);
    if (r < 0) {
        database_rollback(l->database);
        return r;
    }

    r = ledger_commit(l, error);
    if (r == 0)
        *ret_folded = (uint64_t)folded;
    return r;
}

void ledger_rest(struct ledger *l)
{
    database_rest(l->database);
}

int ledger_total(struct ledger *l, struct tally *ret, struct error *error)
{
    struct tally sum = {0};
    int r = ledger_settle(l, error);
    if (r < 0)
        return r;

    CLEANUP(row_end) struct row row = database_row(l->database, SELECT_TALLIES);
    while ((r = database_next(l->database, &row, error)) > 0)
        add_tally(&row, &sum);
    if (r == 0)
        *ret = sum;
    return r;
}
