// SPDX-License-Identifier: Apache-2.0
#include "source/journal.h"

#include <errno.h>

#include "base/check.h"
#include "source/journal_private.h"

enum {
    /* What a pull may give: its records, and the lines that they end, each byte as six. */
    ESCAPED_MAX = 6 * (READ_QUANTUM_BYTES + JOURNAL_MESSAGE_MAX +
                       STREAM_COUNT * (LINE_BYTES_MAX + JOURNAL_MESSAGE_MAX)),
};

int journal_new(struct journal **ret, const struct journal_options *options)
{
    CLEANUP(journal_free) struct journal *j = calloc(1, sizeof(*j));
    if (!j)
        return -ENOMEM;
    j->options = *options;
    j->escaped = BUF_INIT(ESCAPED_MAX);
    *ret = TAKE(j);
    return 0;
}

static void close_handle(struct journal *j)
{
    j->handle = journal_handle_close(j->handle);
    journal_stage_deinit(&j->together);
    journal_stage_deinit(&j->own);
    buf_deinit(&j->escaped);
    j->escaped = BUF_INIT(ESCAPED_MAX);
    j->reading = READING_NOTHING;
    j->reached_any = false;
}

struct journal *journal_free(struct journal *j)
{
    if (!j)
        return NULL;
    close_handle(j);
    free(j->members);
    free(j);
    return NULL;
}

/* Where the member of that id stands, or would. */
static size_t member_index(const struct journal *j, const char *id)
{
    size_t low = 0, high = j->member_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(j->members[middle]->follow->slot->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct journal_source *journal_member(const struct journal *j, const char *id)
{
    size_t i = member_index(j, id);
    return i < j->member_count && strcmp(j->members[i]->follow->slot->id, id) == 0 ? j->members[i]
                                                                                   : NULL;
}

static int join_members(struct journal *j, struct journal_source *s)
{
    if (j->member_count == j->member_capacity) {
        size_t capacity = j->member_capacity ? 2 * j->member_capacity : 16;
        void *members = reallocarray(j->members, capacity, sizeof(struct journal_source *));
        if (!members)
            return -ENOMEM;
        j->members = members;
        j->member_capacity = capacity;
    }
    size_t i = member_index(j, s->follow->slot->id);
    memmove(&j->members[i + 1], &j->members[i],
            (j->member_count - i) * sizeof(struct journal_source *));
    j->members[i] = s;
    j->member_count++;
    s->member = true;
    s->behind = true;
    return 0;
}

static const char *subject(const struct journal *j)
{
    return j->options.directory ? j->options.directory : "system";
}

/* Nothing is wrong (any more), or nobody is left to mind. */
static void forgive(struct journal *j)
{
    j->retry_at_ns = j->backoff_ns = 0;
    health_clear(j->options.health, "journal.unreadable", subject(j));
}

void journal_leave(struct journal *j, struct journal_source *s)
{
    if (!s->member)
        return;
    journal_drop_staged(j, s);
    size_t i = member_index(j, s->follow->slot->id);
    CHECK(i < j->member_count && j->members[i] == s);
    j->member_count--;
    memmove(&j->members[i], &j->members[i + 1],
            (j->member_count - i) * sizeof(struct journal_source *));
    if (j->reading_source == s)
        j->reading = READING_NOTHING;
    s->member = false;
    if (j->member_count)
        return;
    close_handle(j);
    forgive(j);
}

void journal_reset(struct journal *j, struct journal_source *s)
{
    journal_drop_staged(j, s);
    if (j->reading_source == s)
        j->reading = READING_NOTHING;
    s->behind = true;
    s->ahead = s->lost = s->last_look = false;
    s->numbers = (struct journal_numbers){0};
    memset(s->chunk, 0, sizeof(s->chunk));
}

static void postpone(struct journal *j, int64_t now_ns)
{
    int64_t backoff = j->backoff_ns ? 2 * j->backoff_ns : JOURNAL_RETRY_MIN_NS;
    j->backoff_ns = backoff < JOURNAL_RETRY_MAX_NS ? backoff : JOURNAL_RETRY_MAX_NS;
    j->retry_at_ns = now_ns + j->backoff_ns;
    health_raise(j->options.health, "journal.unreadable", subject(j), j->error.text);
}

static int open_parts(struct journal *j, struct error *error)
{
    int r = journal_handle_open(&j->handle, j->options.directory, error);
    if (r < 0)
        return r;
    r = journal_handle_newest(j->handle, 0, &j->end);
    j->has_end = r > 0;
    if (r >= 0)
        r = journal_start_together(j);
    if (r == 0)
        r = journal_stage_init(&j->together);
    if (r == 0)
        r = journal_stage_init(&j->own);
    return r < 0
               ? error_set(error, r, "the journal %s cannot be read: %s", subject(j), strerror(-r))
               : 0;
}

/* True where it is open. */
bool journal_try_open(struct journal *j, int64_t now_ns)
{
    if (j->handle)
        return true;
    if (now_ns < j->retry_at_ns)
        return false;
    if (open_parts(j, &j->error) < 0) {
        close_handle(j);
        postpone(j, now_ns);
        return false;
    }
    forgive(j);
    return true;
}

const char *journal_missing(const struct journal *j)
{
    return j->member_count && !j->handle ? j->error.text : NULL;
}

int journal_fd(const struct journal *j)
{
    return j->handle ? journal_handle_fd(j->handle) : -1;
}

int64_t journal_due_ns(const struct journal *j)
{
    if (!j->member_count)
        return INT64_MAX;
    return j->handle ? journal_handle_due_ns(j->handle) : j->retry_at_ns;
}

/* Finds out whether the route wants anything of what is to come. */
static bool is_wanted(struct journal_source *s, const struct follow_tools *t,
                      const struct view *view)
{
    if (s->wanted_version == view->version && s->wanted_known)
        return s->wanted;
    struct journal_place at;
    bool placed = journal_place_of_cursor(&at, &s->follow->cursor);
    bool wanted = false;
    for (size_t i = placed ? view_era(view, 0, at.realtime_us) : 0; i < view->era_count; i++)
        wanted |= t->wants(t->context, view->eras[i].container);
    s->wanted_known = true;
    s->wanted_version = view->version;
    s->wanted = wanted;
    return wanted;
}

/* The source has come to its end: ends its open lines, books what never came. */
static int end_source(struct journal_source *s, struct journal_take *t)
{
    struct follow *f = s->follow;
    bool dropped = journal_numbers_end(&s->numbers) > 0;
    if (s->lost || dropped)
        journal_book(s, t->batch,
                     (struct gap){s->lost ? GAP_ROTATED : GAP_DROPPED, .offset = f->cursor.offset,
                                  .bytes = GAP_BYTES_UNKNOWN, .before_ns = GAP_TIME_UNKNOWN});
    join_finish(&t->tools->join, f->cursor.open, OPEN_NONE, t->batch);
    journal_escape(t->batch, t->escaped);
    f->cursor.kind = CURSOR_ENDED;
    return FOLLOW_PROGRESS;
}

/* How long its directory has been gone. */
static int64_t gone_for_ns(struct journal_source *s)
{
    int64_t now_ns = clock_monotonic_ns();
    if (!s->gone_ns)
        s->gone_ns = now_ns;
    return now_ns - s->gone_ns;
}

/* Nothing more is there: for now, or for ever. */
static int at_end(struct journal *j, struct journal_source *s, struct journal_take *t)
{
    if (!t->view->gone || j->options.once)
        return FOLLOW_IDLE;
    if (gone_for_ns(s) < JOURNAL_LINGER_NS) {
        s->waiting = true;
        return FOLLOW_IDLE;
    }
    if (s->last_look)
        return end_source(s, t);
    s->last_look = s->behind = true;
    return FOLLOW_AGAIN;
}

/* The journal cannot be read. A removed container is not remembered for ever. */
static int without_journal(struct journal_source *s, const struct view *view, struct batch *batch)
{
    if (!view->gone)
        return FOLLOW_IDLE;
    s->waiting = true;
    if (gone_for_ns(s) < JOURNAL_GIVE_UP_NS)
        return FOLLOW_IDLE;
    journal_book(s, batch,
                 (struct gap){GAP_REMOVED, .offset = s->follow->cursor.offset,
                              .bytes = GAP_BYTES_UNKNOWN, .before_ns = GAP_TIME_UNKNOWN});
    s->follow->cursor.kind = CURSOR_ENDED;
    return FOLLOW_PROGRESS;
}

static int without_interest(struct journal *j, struct journal_source *s, const struct view *view)
{
    journal_leave(j, s);
    if (!view->gone)
        return FOLLOW_IDLE;
    s->follow->cursor.kind = CURSOR_ENDED;
    return FOLLOW_PROGRESS;
}

/* What is held is read again, with the next tick: meanwhile others go on. The first to meet it
 * starts the hold's time. */
static int wait_for_record(struct journal *j, struct journal_source *s, int outcome)
{
    int64_t held = SLOT_HELD;
    atomic_compare_exchange_strong(&s->follow->slot->hold_until_ns, &held,
                                   clock_monotonic_ns() + SLOT_HOLD_NS);
    journal_drop_staged(j, s);
    s->behind = s->waiting = true;
    s->follow->more = false;
    return outcome == FOLLOW_PROGRESS ? FOLLOW_PROGRESS : FOLLOW_IDLE;
}

/* The next part of what there is. */
static int read_on(struct journal *j, struct journal_source *s, struct journal_take *t)
{
    if (!s->staged_count && !s->behind && !s->last_look)
        return at_end(j, s, t);
    if (t->tools->join_owner != s->follow && join_is_open(s->follow->cursor.open))
        j->reading = READING_NOTHING;
    int r = journal_own_join(s, t->tools, j->handle, &j->own, t->batch);
    if (r < 0)
        return r;
    if (t->batch->gap_count)
        return FOLLOW_PROGRESS;
    if (s->staged_count)
        r = journal_take_staged(j, s, t);
    else
        r = s->behind ? journal_catch_up(j, s, t) : FOLLOW_IDLE;
    if (t->held)
        return wait_for_record(j, s, r);
    return r == FOLLOW_IDLE ? at_end(j, s, t) : r;
}

int journal_pull(struct journal *j, struct journal_source *s, struct follow_tools *t,
                 const struct view *view, struct batch *batch)
{
    batch_reset(batch);
    s->waiting = s->follow->more = false;
    if (s->follow->cursor.kind == CURSOR_ENDED)
        return FOLLOW_END;
    batch->container = view_container(view);
    if (!is_wanted(s, t, view))
        return without_interest(j, s, view);
    int r = s->member ? 0 : join_members(j, s);
    if (r < 0)
        return r;
    if (!journal_try_open(j, clock_monotonic_ns()))
        return without_journal(s, view, batch);
    struct journal_take take = {
        .source = s, .tools = t, .view = view, .batch = batch, .escaped = &j->escaped};
    return read_on(j, s, &take);
}

int journal_finish(struct journal *j, struct journal_source *s, struct follow_tools *t,
                   const struct view *view, struct batch *batch)
{
    struct cursor *c = &s->follow->cursor;
    batch_reset(batch);
    if (c->kind == CURSOR_ENDED || !join_is_open(c->open) || !j->handle)
        return FOLLOW_IDLE;

    struct journal_place at;
    journal_place_of_cursor(&at, c);
    batch->container = view->eras[view_era(view, 0, at.realtime_us)].container;
    j->reading = READING_NOTHING;
    int r = journal_own_join(s, t, j->handle, &j->own, batch);
    if (r < 0)
        return r;
    join_finish(&t->join, c->open, OPEN_CUT, batch);
    journal_escape(batch, &j->escaped);
    return FOLLOW_PROGRESS;
}
