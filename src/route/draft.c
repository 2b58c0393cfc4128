// SPDX-License-Identifier: Apache-2.0
#include "route/draft.h"

#include <errno.h>

#include "base/check.h"
#include "route/route_private.h"

enum { KEPT_MAX = 256 /* places kept from commit to commit */ };

static void forget_all(struct draft *d)
{
    for (size_t i = 0; i < d->count; i++) {
        draft_forget(d->sources[i].source);
        slot_unref(d->sources[i].slot);
    }
    d->count = 0;
    d->gap_count = 0;
}

void draft_deinit(struct draft *d)
{
    forget_all(d);
    free(d->sources);
    free(d->gaps);
    *d = (struct draft){0};
}

void draft_clear(struct draft *d)
{
    if (d->capacity > KEPT_MAX || d->gap_capacity > KEPT_MAX)
        draft_deinit(d);
    else
        forget_all(d);
}

static int make_room(struct draft *d)
{
    if (d->count < d->capacity)
        return 0;
    size_t capacity = d->capacity ? 2 * d->capacity : 16;
    void *sources = reallocarray(d->sources, capacity, sizeof(*d->sources));
    if (!sources)
        return -ENOMEM;
    d->sources = sources;
    d->capacity = capacity;
    return 0;
}

int draft_take(struct draft *d, struct route_source *s, struct draft_source **ret)
{
    if (!s->draft) {
        int code = make_room(d);
        if (code < 0)
            return code;
        d->sources[d->count] =
            (struct draft_source){.slot = slot_ref(s->slot), .source = s, .key = s->key};
        s->draft = d;
        s->draft_place = (uint32_t)d->count++;
    }
    CHECK(s->draft == d);
    *ret = &d->sources[s->draft_place];
    return 0;
}

int draft_add_gap(struct draft *d, uint32_t key, const struct gap *gap)
{
    if (d->gap_count == d->gap_capacity) {
        size_t capacity = d->gap_capacity ? 2 * d->gap_capacity : BATCH_GAPS_MAX;
        void *gaps = reallocarray(d->gaps, capacity, sizeof(*d->gaps));
        if (!gaps)
            return -ENOMEM;
        d->gaps = gaps;
        d->gap_capacity = capacity;
    }
    d->gaps[d->gap_count++] = (struct draft_gap){key, *gap};
    return 0;
}

void draft_close_gaps(struct draft *d, uint32_t key, int64_t before_ns)
{
    for (size_t i = 0; i < d->gap_count; i++)
        if (d->gaps[i].key == key && d->gaps[i].gap.before_ns == GAP_TIME_UNKNOWN)
            d->gaps[i].gap.before_ns = before_ns;
}

static size_t place_of(const struct draft *d, uint32_t key)
{
    size_t at = 0;
    while (at < d->count && d->sources[at].key != key)
        at++;
    CHECK(at < d->count);
    return at;
}

void draft_refuse(struct draft *d, uint32_t key, uint64_t lines)
{
    struct tally *t = &d->sources[place_of(d, key)].tally;
    CHECK(t->lines_delivered >= lines);
    t->lines_delivered -= lines;
    t->lines_refused += lines;
}

static void settle_place(struct draft *d, size_t place)
{
    struct route_source *s = d->sources[place].source;
    if (s) {
        s->draft = d;
        s->draft_place = (uint32_t)place;
    }
}

static int copy_gaps(const struct draft *from, struct draft *to, uint32_t key)
{
    size_t before = to->gap_count;
    for (size_t i = 0; i < from->gap_count; i++)
        if (from->gaps[i].key == key && draft_add_gap(to, key, &from->gaps[i].gap) < 0) {
            to->gap_count = before;
            return -ENOMEM;
        }
    return 0;
}

int draft_move(struct draft *from, struct draft *to, size_t place)
{
    uint32_t key = from->sources[place].key;
    if (make_room(to) < 0 || copy_gaps(from, to, key) < 0)
        return -ENOMEM;
    size_t kept = 0;
    for (size_t i = 0; i < from->gap_count; i++)
        if (from->gaps[i].key != key)
            from->gaps[kept++] = from->gaps[i];
    from->gap_count = kept;

    to->sources[to->count] = from->sources[place];
    settle_place(to, to->count++);
    from->count--;
    if (place < from->count) {
        from->sources[place] = from->sources[from->count];
        settle_place(from, place);
    }
    return 0;
}

void draft_forget(struct route_source *s)
{
    if (!s || !s->draft)
        return;
    s->draft->sources[s->draft_place].source = NULL;
    s->draft = NULL;
}

bool draft_has_lines(const struct draft *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->sources[i].tally.lines_delivered)
            return true;
    return false;
}

void draft_sum(const struct draft *d, struct route_sums *ret)
{
    *ret = (struct route_sums){0};
    for (size_t i = 0; i < d->count; i++) {
        tally_add(&ret->tally, &d->sources[i].tally);
        ret->lines_too_old += d->sources[i].lines_too_old;
    }
    for (size_t i = 0; i < d->gap_count; i++)
        route_sums_count_reason(ret, &d->gaps[i].gap);
}
