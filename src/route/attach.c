// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>

#include "base/log.h"
#include "route/route_private.h"

/* The journal's part of a source, and whose it is. */
static int journal_part_new(struct route_source *s)
{
    struct journal_part *part = calloc(1, sizeof(*part));
    if (!part)
        return -ENOMEM;
    part->source = s;
    part->journal.follow = s->follow;
    s->journal = &part->journal;
    return 0;
}

static void journal_part_free(struct route_source *s)
{
    if (s->journal)
        free(CONTAINER_OF(s->journal, struct journal_part, journal));
}

static void source_free(struct route *r, struct route_source *s)
{
    binding_let_go(r, s->binding);
    container_unref(s->matched);
    if (s->journal)
        journal_leave(r->journal, s->journal);
    journal_part_free(s);
    draft_forget(s);
    source_drop_follow(r, s);
    slot_unref(s->slot);
    free(s);
}

void attach_free(struct route *r)
{
    for (size_t i = 0; i < r->source_count; i++)
        source_free(r, r->sources[i]);
    free(r->sources);
    free(r->active);
    r->roster = roster_unref(r->roster);
}

/* A source the route has never seen: its row, with its start position, is part of the transaction
 * that the caller has begun. */
static int add_row(struct route *r, struct route_source *s, struct error *error)
{
    struct slot *slot = s->slot;
    struct cursor *cursor = &s->follow->cursor;
    struct tally tally = {0};
    int code = start_place(&r->options.start, ledger_attached_ns(r->ledger), slot, &r->tools,
                           &r->batch, cursor, &tally.bytes_skipped);
    if (code < 0)
        return error_set(error, code, "%s: %s", slot->id, strerror(-code));
    CLEANUP(view_unref) struct view *view = slot_view(slot);
    code =
        ledger_add_source(r->ledger, slot->id, view_container(view)->name, cursor, &s->key, error);
    if (code == 0 && tally.bytes_skipped)
        code = ledger_put_source(r->ledger, s->key, cursor, &tally, error);
    return code;
}

static int take_row(void *context, const struct ledger_source *row)
{
    struct route_source *s = context;
    s->key = row->key;
    s->follow->cursor = row->cursor;
    s->removed = row->removed_ns != 0;
    return 0;
}

/* The segment of the view that is `at`, whatever its number: the file itself, or its content; or
 * one of which the content is not known yet, which the reader then holds against the cursor. */
static struct segment *segment_like(const struct view *view, const struct segment_ref *at)
{
    struct segment *found = NULL, *blank = NULL;
    for (size_t i = 0; i < view->segment_count; i++) {
        struct segment *s = view->segments[i];
        struct segment_ref name = segment_name(s);
        if (s->hole)
            continue;
        if (file_id_equal(name.file, at->file))
            return s;
        if (!fingerprint_known(name.fingerprint))
            blank = s;
        else if (!found && fingerprint_equal(name.fingerprint, at->fingerprint))
            found = s;
    }
    return found ? found : blank;
}

/* What had ended, or was given up, goes on where its directory is there all the same. A container
 * that was away (its disk was not mounted) writes on into its last file; its chain may begin anew
 * by then, and number that file otherwise. */
static void go_on(struct route_source *s)
{
    CLEANUP(view_unref) struct view *view = slot_view(s->slot);
    struct cursor *c = &s->follow->cursor;
    bool ended = c->kind == CURSOR_ENDED;
    if (view->gone || !(ended || s->removed))
        return;
    struct segment *last = segment_like(view, &c->segment);
    bool anew = view->segment_count && view->segments[0]->serial <= c->segment.serial;
    if (last) {
        c->segment.serial = last->serial;
        c->kind = ended ? CURSOR_AT : c->kind;
    } else if (s->removed && anew) {
        *c = CURSOR_INIT; /* all that is there came later */
    } else if (ended) {
        c->kind = CURSOR_DONE;
    }
}

static int find_or_add_row(struct route *r, struct route_source *s, struct error *error)
{
    int code = ledger_find(r->ledger, s->slot->id, take_row, s, error);
    if (code == LEDGER_NO_SUCH_SOURCE)
        return add_row(r, s, error);
    if (code == 0)
        go_on(s);
    if (code == 0 && s->removed)
        code = ledger_put_removed(r->ledger, s->key, 0, error); /* it came back */
    return code;
}

static int source_new(struct route *r, struct slot *slot, struct route_source **ret,
                      struct error *error)
{
    struct route_source *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(error, -ENOMEM, "no memory");
    s->slot = slot_ref(slot);
    s->rest.last_ns = CURSOR_INIT.last_ns;
    int code = source_wake(s);
    if (code == 0 && slot->journal)
        code = journal_part_new(s);
    code = code < 0 ? error_set(error, code, "no memory") : find_or_add_row(r, s, error);
    if (code < 0) {
        source_free(r, s);
        return code;
    }
    s->needs = source_needs(s);
    source_rest(r, s); /* so that many lie close together */
    *ret = s;
    return 0;
}

/* A source has left the roster: every route is through with it. */
static int retire(struct route *r, struct route_source *s, struct error *error)
{
    return ledger_put_removed(r->ledger, s->key, clock_now_ns(), error);
}

/* Bytes that nobody can count any more, in a transaction that the caller has begun. */
static int put_lost(struct route *r, const struct ledger_source *row, struct tally *tally,
                    struct gap gap, struct route_sums *sums, struct error *error)
{
    gap.bytes = GAP_BYTES_UNKNOWN;
    gap.after_ns = row->cursor.last_ns;
    gap.before_ns = GAP_TIME_UNKNOWN;
    tally->gaps++;
    tally->gaps_unknown++;
    route_sums_add_gap(sums, &gap);
    return ledger_put_gap(r->ledger, row->key, &gap, clock_now_ns(), error);
}

/* A container that was removed while we were down, and of which no pin kept anything: neither what
 * was unread, nor what had been read of lines that had not ended. */
static int book_unclaimed(struct route *r, const struct ledger_source *row, struct route_sums *sums,
                          struct error *error)
{
    struct cursor cursor = row->cursor;
    struct tally tally = row->tally;
    struct gap rest = {GAP_REMOVED, .serial = cursor.segment.serial, .offset = cursor.offset};
    int code = 0;
    for (int i = 0; code == 0 && i < STREAM_COUNT; i++) {
        struct open_line *open = &cursor.open[i];
        struct gap line = {GAP_OPEN_LINE, .serial = open->segment.serial, .offset = open->offset};
        if (open->kind == OPEN_LINE)
            code = put_lost(r, row, &tally, line, sums, error);
        open->kind = OPEN_NONE;
    }
    if (code == 0)
        code = put_lost(r, row, &tally, rest, sums, error);
    if (code == 0)
        code = ledger_put_source(r->ledger, row->key, &cursor, &tally, error);
    if (code == 0)
        log_line(LOG_WARN, "source.removed",
                 "a container was removed while nobody watched; what was unread of it is lost",
                 "route=%s container=%.12s", r->options.name, row->id);
    return code;
}

/* Where the route had read it to its end, nothing is missing: it died before it could say so. */
static int retire_unclaimed(struct route *r, const struct ledger_source *row,
                            struct route_sums *sums, struct error *error)
{
    int code = row->cursor.kind == CURSOR_ENDED ? 0 : book_unclaimed(r, row, sums, error);
    return code == 0 ? ledger_put_removed(r->ledger, row->key, clock_now_ns(), error) : code;
}

struct unclaimed {
    const char **ids; /* of the roster, sorted */
    size_t id_count;
    struct ledger_source *rows;
    size_t count;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int collect_unclaimed(void *context, const struct ledger_source *row)
{
    struct unclaimed *u = context;
    if (row->removed_ns || bsearch(&row->id, u->ids, u->id_count, sizeof(*u->ids), by_text))
        return 0;
    void *rows = reallocarray(u->rows, u->count + 1, sizeof(*u->rows));
    if (!rows)
        return -ENOMEM;
    u->rows = rows;
    u->rows[u->count] = *row;
    u->rows[u->count].id = strdup(row->id);
    u->rows[u->count].name = NULL;
    return u->rows[u->count++].id ? 0 : -ENOMEM;
}

/* With the first roster: what the ledger knows and the disk does not. */
static int retire_all_unclaimed(struct route *r, const struct roster *roster, struct error *error)
{
    struct route_sums sums = {0};
    struct unclaimed u = {.ids = calloc(roster->count + 1, sizeof(char *))};
    int code = u.ids ? 0 : -ENOMEM;
    for (size_t i = 0; code == 0 && i < roster->count; i++)
        u.ids[u.id_count++] = roster->slots[i]->id;
    if (code == 0) {
        qsort(u.ids, u.id_count, sizeof(*u.ids), by_text);
        code = ledger_sources(r->ledger, collect_unclaimed, &u, error);
    }
    if (code == 0 && u.count)
        code = ledger_begin(r->ledger, error);
    for (size_t i = 0; code == 0 && i < u.count; i++)
        code = retire_unclaimed(r, &u.rows[i], &sums, error);
    if (code == 0 && u.count)
        code = ledger_commit(r->ledger, error);
    if (code == 0)
        commit_vouch(r, &sums);
    if (code < 0 && u.count)
        ledger_rollback(r->ledger);
    for (size_t i = 0; i < u.count; i++)
        free((char *)u.rows[i].id);
    free(u.rows);
    free(u.ids);
    return code;
}

/* The sources of `roster` in its order: those we have, and new ones. Both are ordered by id. */
static int merge(struct route *r, struct roster *roster, struct route_source **sources,
                 struct error *error)
{
    size_t old = 0;
    for (size_t i = 0; i < roster->count; i++) {
        const char *id = roster->slots[i]->id;
        while (old < r->source_count && strcmp(r->sources[old]->slot->id, id) < 0)
            old++;
        if (old < r->source_count && r->sources[old]->slot == roster->slots[i]) {
            sources[i] = r->sources[old++];
            continue;
        }
        int code = source_new(r, roster->slots[i], &sources[i], error);
        if (code < 0)
            return code;
    }
    return 0;
}

static bool is_ours(struct route *r, const struct route_source *s)
{
    for (size_t low = 0, high = r->source_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(r->sources[middle]->slot->id, s->slot->id);
        if (order == 0)
            return r->sources[middle] == s;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool in_roster(const struct roster *roster, const struct slot *slot)
{
    for (size_t low = 0, high = roster->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(roster->slots[middle]->id, slot->id);
        if (order == 0)
            return roster->slots[middle] == slot;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* After the transaction: the new list counts. */
static void adopt(struct route *r, struct roster *roster, struct route_source **sources,
                  struct route_source **active)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->active_count; i++)
        if (in_roster(roster, r->active[i]->slot))
            active[kept++] = r->active[i];
    struct route_source **old = r->sources;
    size_t old_count = r->source_count;
    free(r->active);
    r->active = active;
    r->active_count = kept;

    for (size_t i = 0; i < roster->count; i++) {
        if (!is_ours(r, sources[i]))
            source_activate(r, sources[i], SOURCE_HOT);
    }
    for (size_t i = 0; i < old_count; i++)
        if (!in_roster(roster, old[i]->slot))
            source_free(r, old[i]);
    r->sources = sources;
    r->source_count = roster->count;
    free(old);
    roster_unref(r->roster);
    r->roster = roster_ref(roster);
    for (size_t i = 0; i < r->source_count; i++)
        if (!r->sources[i]->draft) /* else with its commit: until then a crash goes back */
            source_publish_needs(r, r->sources[i]);
}

static int reconcile_rows(struct route *r, struct roster *roster, struct route_source **sources,
                          struct error *error)
{
    int code = ledger_begin(r->ledger, error);
    if (code == 0)
        code = merge(r, roster, sources, error);
    for (size_t i = 0; code == 0 && i < r->source_count; i++)
        if (!in_roster(roster, r->sources[i]->slot))
            code = retire(r, r->sources[i], error);
    if (code == 0)
        code = ledger_commit(r->ledger, error);
    return code == 0 ? ledger_sync(r->ledger, error) : code; /* where a source begins is for good */
}

int attach_reconcile(struct route *r, struct error *error)
{
    uint64_t version = atomic_load_explicit(&r->options.board->version, memory_order_acquire);
    if (r->roster && r->roster->version == version)
        return 0;
    CLEANUP(roster_unref) struct roster *roster = roster_board_take(r->options.board);
    if (!roster)
        return 0;

    if (!r->roster) {
        int code = retire_all_unclaimed(r, roster, error);
        if (code < 0)
            return code;
    }
    struct route_source **sources = calloc(roster->count + 1, sizeof(struct route_source *));
    struct route_source **active = calloc(roster->count + 1, sizeof(struct route_source *));
    int code = sources && active ? reconcile_rows(r, roster, sources, error)
                                 : error_set(error, -ENOMEM, "no memory");
    if (code < 0) {
        ledger_rollback(r->ledger);
        for (size_t i = 0; sources && i < roster->count; i++)
            if (sources[i] && !is_ours(r, sources[i]))
                source_free(r, sources[i]);
        free(sources);
        free(active);
        return code;
    }
    adopt(r, roster, sources, active);
    return 0;
}
