// SPDX-License-Identifier: Apache-2.0
#include "source/slot.h"

#include <errno.h>

#include "base/check.h"
#include "base/word.h"

int slot_new(struct slot **ret, const char *id, size_t route_count)
{
    CHECK(route_count <= ROUTES_MAX);
    struct slot *s = calloc(1, sizeof(*s) + route_count * sizeof(struct slot_route));
    if (!s)
        return -ENOMEM;
    s->id = word_take(id);
    if (!s->id) {
        free(s);
        return -ENOMEM;
    }
    atomic_init(&s->refs, 1);
    s->route_count = (uint16_t)route_count;
    *ret = s;
    return 0;
}

struct slot *slot_ref(struct slot *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

struct slot *slot_unref(struct slot *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return NULL;
    view_unref(s->view);
    word_drop(s->id);
    free(s);
    return NULL;
}

struct view *slot_view(struct slot *s)
{
    lock_take(&s->lock);
    struct view *view = view_ref(s->view);
    lock_give(&s->lock);
    return view;
}

void slot_publish(struct slot *s, struct view *view)
{
    lock_take(&s->lock);
    struct view *old = s->view;
    s->view = view;
    lock_give(&s->lock);
    view_unref(old);
}

/* Has anything been written behind the hold? */
static bool has_grown(struct slot *s, const struct view *view)
{
    struct segment *last = view->segment_count ? view->segments[view->segment_count - 1] : NULL;
    if (!last)
        return false;
    if (last->serial != atomic_load(&s->hold_serial))
        return last->serial > atomic_load(&s->hold_serial);
    int64_t size = segment_size(last);
    return size > 0 && (uint64_t)size > atomic_load(&s->hold_offset);
}

struct slot_hold slot_hold(struct slot *s, const struct view *view, int64_t now_ns)
{
    struct slot_hold hold = {.serial = SLOT_NO_HOLD};
    int64_t until = atomic_load_explicit(&s->hold_until_ns, memory_order_acquire);
    if (until <= now_ns)
        return hold;
    hold.serial = atomic_load(&s->hold_serial);
    hold.offset = atomic_load(&s->hold_offset);
    hold.waiting = has_grown(s, view);
    if (hold.waiting && until == SLOT_HELD)
        atomic_compare_exchange_strong(&s->hold_until_ns, &until, now_ns + SLOT_HOLD_NS);
    return hold;
}

uint64_t slot_needed(struct slot *s)
{
    uint64_t lowest = SLOT_NEEDS_NOTHING;
    for (size_t i = 0; i < s->route_count; i++) {
        uint64_t needs = atomic_load_explicit(&s->routes[i].needs, memory_order_acquire);
        lowest = needs < lowest ? needs : lowest;
    }
    return lowest;
}

int roster_new(struct roster **ret, uint64_t version, struct slot *const *slots, size_t count)
{
    struct roster *r = malloc(sizeof(*r) + count * sizeof(r->slots[0]));
    if (!r)
        return -ENOMEM;
    r->version = version;
    r->count = count;
    atomic_init(&r->refs, 1);
    for (size_t i = 0; i < count; i++)
        r->slots[i] = slot_ref(slots[i]);
    *ret = r;
    return 0;
}

struct roster *roster_ref(struct roster *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

struct roster *roster_unref(struct roster *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return NULL;
    for (size_t i = 0; i < r->count; i++)
        slot_unref(r->slots[i]);
    free(r);
    return NULL;
}

void roster_board_init(struct roster_board *b)
{
    *b = (struct roster_board){0};
    pthread_mutex_init(&b->lock, NULL);
}

void roster_board_deinit(struct roster_board *b)
{
    b->roster = roster_unref(b->roster);
    pthread_mutex_destroy(&b->lock);
}

void roster_board_publish(struct roster_board *b, struct roster *r)
{
    pthread_mutex_lock(&b->lock);
    struct roster *old = b->roster;
    b->roster = r;
    atomic_store_explicit(&b->version, r->version, memory_order_release);
    pthread_mutex_unlock(&b->lock);
    roster_unref(old);
}

struct roster *roster_board_take(struct roster_board *b)
{
    pthread_mutex_lock(&b->lock);
    struct roster *r = b->roster ? roster_ref(b->roster) : NULL;
    pthread_mutex_unlock(&b->lock);
    return r;
}
