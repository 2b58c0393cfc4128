// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/check.h"
#include "route/route_private.h"

enum { KEPT_MAX = 256 /* places kept from commit to commit */ };

static int take_tally(void *context, const struct ledger_source *row)
{
    *(struct tally *)context = row->tally;
    return 0;
}

static int make_room(struct route *r, struct error *error)
{
    if (r->unwritten_count < r->unwritten_capacity)
        return 0;
    size_t capacity = r->unwritten_capacity ? 2 * r->unwritten_capacity : 16;
    void *places = reallocarray(r->unwritten, capacity, sizeof(*r->unwritten));
    if (!places)
        return error_set(error, -ENOMEM, "no memory");
    r->unwritten = places;
    r->unwritten_capacity = capacity;
    return 0;
}

int unwritten_of(struct route *r, struct route_source *s, struct unwritten **ret,
                 struct error *error)
{
    if (!s->unwritten) {
        struct tally tally;
        int code = make_room(r, error);
        if (code == 0)
            code = ledger_find(r->ledger, s->follow.slot->id, take_tally, &tally, error);
        if (code == LEDGER_NO_SUCH_SOURCE)
            code = error_set(error, -ENOENT, "%s: the ledger has lost its row", s->follow.slot->id);
        if (code < 0)
            return code;
        r->unwritten[r->unwritten_count] = (struct unwritten){.source = s, .tally = tally};
        s->unwritten = (uint32_t)++r->unwritten_count;
    }
    *ret = &r->unwritten[s->unwritten - 1];
    return 0;
}

void unwritten_drop(struct route *r, struct route_source *s)
{
    if (!s->unwritten)
        return;
    CHECK(s->unwritten <= r->unwritten_count);
    struct unwritten *last = &r->unwritten[--r->unwritten_count];
    last->source->unwritten = s->unwritten;
    r->unwritten[s->unwritten - 1] = *last;
    s->unwritten = 0;
}

void unwritten_clear(struct route *r)
{
    for (size_t i = 0; i < r->unwritten_count; i++)
        r->unwritten[i].source->unwritten = 0;
    r->unwritten_count = 0;
    if (r->unwritten_capacity > KEPT_MAX) {
        free(r->unwritten);
        r->unwritten = NULL;
        r->unwritten_capacity = 0;
    }
}
