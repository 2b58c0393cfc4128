// SPDX-License-Identifier: Apache-2.0
#include "source/follow_rest.h"

static bool holds_more(const struct follow *f)
{
    for (int i = 0; i < STREAM_COUNT; i++)
        if (f->cursor.open[i].kind != OPEN_NONE)
            return true;
    return f->cursor.kind == CURSOR_ENDED || f->unwanted || f->more || f->ambiguous_booked ||
           f->cursor.skipping;
}

bool follow_rest(struct follow *f, struct follow_tools *t, struct follow_rest *ret)
{
    if (holds_more(f))
        return false;
    const struct cursor *c = &f->cursor;
    *ret = (struct follow_rest){.segment = TAKE(f->segment),
                                .kind = c->kind,
                                .at = c->segment,
                                .offset = c->offset,
                                .last_ns = c->last_ns,
                                .last_hash = c->last_hash,
                                .last_size = c->last_size};
    if (t->join_owner == f)
        t->join_owner = NULL; /* another may come to lie there */
    follow_deinit(f);
    return true;
}

struct cursor follow_rest_cursor(const struct follow_rest *rest)
{
    return (struct cursor){.kind = rest->kind,
                           .segment = rest->at,
                           .offset = rest->offset,
                           .last_ns = rest->last_ns,
                           .last_hash = rest->last_hash,
                           .last_size = rest->last_size};
}

void follow_wake(struct follow *f, struct slot *slot, struct follow_rest *rest)
{
    struct cursor cursor = follow_rest_cursor(rest);
    follow_init(f, slot, &cursor);
    f->segment = TAKE(rest->segment);
}

void follow_rest_deinit(struct follow_rest *rest)
{
    rest->segment = segment_unref(rest->segment);
}
