// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "route/route_private.h"

int source_wake(struct route_source *s)
{
    if (s->follow)
        return 0;
    s->follow = malloc(sizeof(*s->follow));
    if (!s->follow)
        return -ENOMEM;
    follow_wake(s->follow, s->slot, &s->rest);
    return 0;
}

void source_drop_follow(struct route *r, struct route_source *s)
{
    follow_rest_deinit(&s->rest);
    if (!s->follow)
        return;
    if (r->tools.join_owner == s->follow)
        r->tools.join_owner = NULL;
    follow_deinit(s->follow);
    free(TAKE(s->follow));
}

struct cursor source_cursor(const struct route_source *s)
{
    return s->follow ? s->follow->cursor : follow_rest_cursor(&s->rest);
}

int source_pull(struct route *r, struct route_source *s, const struct view *view)
{
    return s->journal ? journal_pull(r->journal, s->journal, &r->tools, view, &r->batch)
                      : follow_pull(s->follow, &r->tools, view, &r->batch);
}

int source_finish(struct route *r, struct route_source *s, const struct view *view)
{
    return s->journal ? journal_finish(r->journal, s->journal, &r->tools, view, &r->batch)
                      : follow_finish(s->follow, &r->tools, view, &r->batch);
}

bool source_once_done(const struct route_source *s)
{
    return !s->journal && follow_once_done(s->follow);
}

void source_reset(struct route *r, struct route_source *s, const struct cursor *cursor)
{
    follow_reset(s->follow, &r->tools, cursor);
    if (s->journal)
        journal_reset(r->journal, s->journal);
}

/* The journal keeps what it keeps, whatever a route still needs of it. */
uint64_t source_needs(const struct route_source *s)
{
    if (!s->follow)
        return s->needs; /* nothing was read since */
    return s->journal && s->follow->cursor.kind != CURSOR_ENDED ? 0 : follow_needs(s->follow);
}

void source_activate(struct route *r, struct route_source *s, enum source_heat heat)
{
    if (s->heat < heat)
        s->heat = heat;
    if (s->listed || source_is_held(r, s))
        return;
    r->active[r->active_count++] = s; /* there is room for every source */
    s->listed = true;
}

bool source_is_held(const struct route *r, const struct route_source *s)
{
    return s->draft && s->draft != r->filling;
}

void source_unlist_held(struct route *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->active_count; i++) {
        struct route_source *s = r->active[i];
        s->listed = !source_is_held(r, s);
        if (s->listed)
            r->active[kept++] = s;
    }
    r->active_count = kept;
}

/* One that was quiet is woken by whoever writes. */
void source_let_go(struct route *r, struct route_source *s)
{
    if (s->heat == SOURCE_QUIET)
        return;
    r->ticking |= s->heat == SOURCE_DUE;
    source_activate(r, s, s->heat);
}

void source_rest_follow(struct route *r, struct route_source *s)
{
    if (s->follow && !s->journal && !s->draft && follow_rest(s->follow, &r->tools, &s->rest))
        free(TAKE(s->follow));
}

void source_rest(struct route *r, struct route_source *s)
{
    if (r->options.once) /* its open lines are still to be ended */
        return;
    if (s->heat != SOURCE_QUIET || s->draft)
        return;
    s->binding = binding_rest(r, s->binding);
    source_rest_follow(r, s);
}

bool source_needs_moved(const struct route *r, const struct route_source *s)
{
    const struct slot_route *mine = &s->slot->routes[r->options.number];
    return atomic_load_explicit(&mine->needs, memory_order_relaxed) != s->needs;
}

void source_publish_needs(struct route *r, struct route_source *s)
{
    struct slot_route *mine = &s->slot->routes[r->options.number];
    uint64_t before = atomic_exchange_explicit(&mine->needs, s->needs, memory_order_acq_rel);
    if (before != s->needs)
        route_signal(r->options.monitor_fd);
}
