// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>

#include "agent/monitor_private.h"
#include "base/clock.h"
#include "base/log.h"

/* From what was learnt to what the routes see, and back: the book before the views before the
 * roster; and what the routes no longer need is let go. */

enum { STALE_KEPT_MAX = 1024 /* room for so many containers is kept */ };

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
        uint64_t suppressed;
        if (log_limit_pass(&m->unwritable_log, 60 * NS_PER_SECOND, &suppressed))
            log_line(LOG_ERROR, "state.unwritable",
                     "what is known of the containers could not be written; a restart may not know "
                     "some segments",
                     "error=%s suppressed=%" PRIu64, LOG_QUOTE(error.text), suppressed);
        return;
    }
    m->book_written = true;
    for (size_t i = 0; i < m->stale_count; i++)
        if (m->stale[i])
            tracked_mark_clean(m->stale[i]);
}

/* In the order of the table: by id, as routes expect it. */
static void publish_roster(struct monitor *m)
{
    struct slot **slots = calloc(m->count + 1, sizeof(struct slot *));
    struct roster *roster;
    size_t count = 0;
    m->roster_stale = false;
    for (size_t i = 0; slots && i < m->count; i++) {
        struct tracked *t = m->items[i];
        if (!t->slot || t->finished || t->own_output)
            continue;
        if (!t->slot->view && tracked_publish(t) < 0)
            continue;
        slots[count++] = t->slot;
    }
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

/* All are stale at the start, and seldom more than a few later. */
static void forget_stale(struct monitor *m)
{
    m->stale_count = 0;
    if (m->stale_capacity <= STALE_KEPT_MAX)
        return;
    free(m->stale);
    m->stale = NULL;
    m->stale_capacity = 0;
}

/* Works through the stale ones: look, write, publish. */
void monitor_settle(struct monitor *m)
{
    for (size_t i = 0; i < m->stale_count; i++)
        if (m->stale[i])
            monitor_look_at(m, m->stale[i]);
    if (m->stale_count)
        write_book(m);
    publish_views(m);
    forget_stale(m);
    if (m->roster_stale)
        publish_roster(m);
    if (m->wake && m->started)
        m->options.wake_routes(m->options.context);
    m->wake = false;
}

bool monitor_hear_routes(struct monitor *m, struct tracked *t)
{
    bool changed = false;
    for (size_t i = 0; i < t->slot->route_count; i++) {
        struct slot_route *word = &t->slot->routes[i];
        unsigned saw = atomic_exchange(&word->saw, 0);
        if (saw & SLOT_SAW_TRUNCATED) {
            changed |= tracked_cut(t, atomic_load(&word->saw_serial));
            slot_mark_ready(t->slot);
            m->wake = true;
        }
        if (saw & SLOT_SAW_HEAD) {
            chain_learn(t->chain);
            monitor_mark_stale(m, t);
        }
    }
    return changed;
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
    if (t->kind == LOG_KIND_STREAM)
        monitor_stream_drop(m, t);
    else if (t->chain) /* its files may still lie in the root that was left */
        chain_unpin_read(t->chain, UINT64_MAX);
    monitor_forget(m, t);
    m->roster_stale = true;
}

void monitor_release(struct monitor *m)
{
    m->routes_changed = false;
    for (size_t i = m->count; i > 0; i--) {
        struct tracked *t = m->items[i - 1];
        bool changed;
        if (!t->slot)
            continue;
        bool heard = monitor_hear_routes(m, t);
        tracked_release(t, &changed);
        if (t->finished) {
            retire(m, t);
            continue;
        }
        if (changed || heard) {
            t->publish_wanted = true;
            monitor_mark_stale(m, t);
        }
    }
    m->quota_due |= m->pins_filling; /* there may be less of them now */
}
