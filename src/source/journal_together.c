// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "source/journal_private.h"

enum {
    /* Entries of others that one look passes: then it is the files' turn. */
    LOOK_ENTRIES_MAX = 4 * BATCH_ENTRIES_MAX,
};

int journal_start_together(struct journal *j)
{
    int r = journal_handle_newest(j->handle, 1, &j->reached);
    j->reading = READING_NOTHING;
    j->reached_any = r > 0;
    return r < 0 ? r : 0;
}

int journal_all_catch_up(struct journal *j)
{
    for (size_t i = 0; i < j->member_count; i++) {
        struct journal_source *s = j->members[i];
        s->behind = true;
        j->options.activate(j->options.context, s);
    }
    return journal_start_together(j);
}

/* 0 where the handle goes on behind what was reached together; ALL_CATCH_UP where that is gone. */
enum { ALL_CATCH_UP = 1 };
static int read_together(struct journal *j)
{
    if (j->reading == READING_TOGETHER)
        return 0;
    bool found;
    int r = journal_handle_seek(j->handle, NULL, j->reached_any ? &j->reached : NULL, &found);
    if (r < 0)
        return r;
    if (!found) {
        r = journal_all_catch_up(j);
        return r < 0 ? r : ALL_CATCH_UP;
    }
    j->reading = READING_TOGETHER;
    return 0;
}

/* Puts the record just staged at the end of its source's. */
static void append_staged(struct journal *j, struct journal_source *s)
{
    size_t i = j->together.count - 1;
    if (s->staged_count++ == 0) {
        s->staged_first = i;
        s->next_staged = j->staged;
        j->staged = s;
    } else {
        j->together.next[s->staged_last] = i;
    }
    s->staged_last = i;
}

/* Has a source that has read ahead read this entry? */
static bool is_read(const struct journal *j, struct journal_source *s)
{
    struct journal_place read;
    if (!s->ahead)
        return false;
    if (journal_place_of_cursor(&read, &s->follow->cursor) &&
        journal_place_compare(&j->reached, &read) <= 0)
        return true;
    s->ahead = false;
    return false;
}

/* One entry that the handle stands on. Whose it is may be what cannot be read of it: then each
 * source looks for its own. */
static int stage_entry(struct journal *j)
{
    char id[CONTAINER_ID_SIZE + 1];
    int r = journal_handle_place(j->handle, &j->reached);
    if (r < 0)
        return r;
    j->reached_any = true;
    r = journal_handle_id(j->handle, id);
    if (r < 0)
        return journal_all_catch_up(j);
    struct journal_source *s = r > 0 ? journal_member(j, id) : NULL;
    if (!s || s->behind || is_read(j, s))
        return 0;
    r = journal_stage_add(&j->together, j->handle, &j->reached);
    if (r == 0) {
        append_staged(j, s);
        return 0;
    }
    s->behind = true;
    j->options.activate(j->options.context, s);
    return 0;
}

/* True where more is there right now. */
static bool stage_entries(struct journal *j, bool *ret_any)
{
    *ret_any = false;
    for (size_t looked = 0; looked < LOOK_ENTRIES_MAX; looked++) {
        if (journal_stage_is_full(&j->together))
            return true;
        if (journal_handle_next(j->handle) <= 0)
            return false;
        *ret_any = true;
        if (stage_entry(j) < 0)
            j->reading = READING_NOTHING;
        if (j->reading != READING_TOGETHER)
            return true;
    }
    return true;
}

void journal_drop_staged(struct journal *j, struct journal_source *s)
{
    if (!s->staged_count)
        return;
    struct journal_source **at = &j->staged;
    while (*at != s)
        at = &(*at)->next_staged;
    *at = s->next_staged;
    s->staged_count = 0;
}

/* All up to that entry has been looked at, whosever it is. So the place that is reached lies in the
 * newest file, and not for long in one that may be vacuumed although all of it was read. */
static void go_on_from(struct journal *j, const struct journal_place *newest)
{
    if (j->reached_any && journal_place_compare(newest, &j->reached) <= 0)
        return;
    j->reached = *newest;
    j->reached_any = true;
    j->reading = READING_NOTHING;
}

enum journal_look journal_look(struct journal *j, int64_t now_ns)
{
    CHECK(!j->staged);
    if (!j->member_count)
        return JOURNAL_NOTHING;
    if (!j->handle) {
        if (!journal_try_open(j, now_ns) || journal_all_catch_up(j) < 0)
            return JOURNAL_NOTHING;
        return JOURNAL_SOME;
    }
    if (j->options.once)
        return JOURNAL_NOTHING;
    struct journal_place newest;
    bool changed = journal_handle_process(j->handle);
    if (changed) {
        j->reading = READING_NOTHING; /* so that a place that is gone is noticed */
        changed = journal_handle_newest(j->handle, 1, &newest) > 0;
    }
    if (read_together(j) != 0)
        return JOURNAL_SOME;
    journal_stage_clear(&j->together);
    bool any, more = stage_entries(j, &any);
    if (changed && !more)
        go_on_from(j, &newest);
    for (struct journal_source *s = j->staged; s; s = s->next_staged)
        j->options.activate(j->options.context, s);
    return more ? JOURNAL_MORE : any ? JOURNAL_SOME : JOURNAL_NOTHING;
}

int journal_take_staged(struct journal *j, struct journal_source *s, struct journal_take *t)
{
    journal_take_begin(t);
    while (s->staged_count) {
        const struct journal_record *record = &j->together.records[s->staged_first];
        if (!journal_take_record(t, record, journal_stage_message(&j->together, record)))
            break;
        if (s->staged_count == 1) {
            journal_drop_staged(j, s);
            break;
        }
        s->staged_first = j->together.next[s->staged_first];
        s->staged_count--;
    }
    s->follow->more = s->staged_count > 0;
    return journal_take_end(t);
}

bool journal_is_staged(const struct journal *j)
{
    return j->staged != NULL;
}
