// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "source/journal_private.h"

/* Where a source that catches up begins. False: at the oldest entry. *ret_cursor: that is where its
 * cursor stands; else at the first era that the route wants. */
static bool catch_up_from(const struct journal_source *s, const struct follow_tools *t,
                          const struct view *view, struct journal_place *ret, bool *ret_cursor)
{
    bool placed = journal_place_of_cursor(ret, &s->follow->cursor);
    size_t era = placed ? view_era(view, 0, ret->realtime_us) : 0;
    *ret_cursor = true;
    if (join_is_open(s->follow->cursor.open))
        return placed;
    size_t first = era;
    while (first + 1 < view->era_count && !t->wants(t->context, view->eras[first].container))
        first++;
    if (first == era)
        return placed;
    *ret_cursor = false;
    *ret = (struct journal_place){.realtime_us = view->eras[first].offset};
    return true;
}

static int read_source(struct journal *j, struct journal_source *s, const struct follow_tools *t,
                       const struct view *view)
{
    if (j->reading == READING_SOURCE && j->reading_source == s)
        return 0;
    struct journal_place from;
    bool found, at_cursor;
    bool placed = catch_up_from(s, t, view, &from, &at_cursor);
    j->reading = READING_NOTHING;
    int r = journal_handle_seek(j->handle, s->follow->slot->id, placed ? &from : NULL, &found);
    if (r < 0)
        return r;
    s->numbers = (struct journal_numbers){0};
    s->lost |= !found;
    if (!at_cursor) {
        s->lost = false;
        s->follow->cursor.last_size = 0;
    }
    j->reading = READING_SOURCE;
    j->reading_source = s;
    return 0;
}

/* Reads a quantum of one source's entries. True where there are no more of them. */
static int stage_own(struct journal *j, bool *ret_end)
{
    struct journal_place at;
    int r;
    journal_stage_clear(&j->own);
    *ret_end = false;
    while (!journal_stage_is_full(&j->own)) {
        r = journal_handle_next(j->handle);
        if (r > 0)
            r = journal_handle_place(j->handle, &at) < 0 ? -EBADMSG : 1;
        if (r < 0)
            return r;
        if (r == 0 ||
            (j->options.once && (!j->has_end || journal_place_compare(&at, &j->end) > 0))) {
            *ret_end = true;
            return 0;
        }
        r = journal_stage_add(&j->own, j->handle, &at);
        if (r < 0)
            return r;
    }
    return 0;
}

/* It has read all there is: from now on it takes part in the reading together. */
static void caught_up(struct journal *j, struct journal_source *s)
{
    struct journal_place read;
    s->behind = false;
    s->ahead = journal_place_of_cursor(&read, &s->follow->cursor) &&
               journal_place_is_entry(&read) &&
               (!j->reached_any || journal_place_compare(&read, &j->reached) > 0);
}

int journal_catch_up(struct journal *j, struct journal_source *s, struct journal_take *t)
{
    bool end;
    int r = read_source(j, s, t->tools, t->view);
    if (r == 0)
        r = stage_own(j, &end);
    if (r < 0) {
        j->reading = READING_NOTHING;
        return r;
    }
    size_t i = 0;
    journal_take_begin(t);
    for (; i < j->own.count; i++) {
        const struct journal_record *record = &j->own.records[i];
        if (!journal_take_record(t, record, journal_stage_message(&j->own, record)))
            break;
    }
    if (i < j->own.count) {
        j->reading = READING_NOTHING; /* the rest is read again */
        end = false;
    }
    if (end)
        caught_up(j, s);
    r = journal_take_end(t);
    s->follow->more = !end;
    return r == FOLLOW_IDLE && !end ? FOLLOW_AGAIN : r;
}
