// SPDX-License-Identifier: Apache-2.0
#include "source/follow_rest.h"

static bool holds_more(const struct follow *f)
{
    for (int i = 0; i < STREAM_COUNT; i++)
        if (f->cursor.open[i].kind != OPEN_NONE)
            return true;
    return f->cursor.kind == CURSOR_ENDED || f->unwanted || f->more || f->ambiguous_booked ||
           f->cursor.skipping || f->cursor.last_size > READER_BEFORE_MAX;
}

static bool is_nowhere(const struct segment_ref *at)
{
    return at->serial == 0 && at->file.inode == 0 && !fingerprint_known(at->fingerprint);
}

/* The segment's own name may tell more: its first record can have come since. */
static bool is_named_so(struct segment *s, const struct segment_ref *at)
{
    struct segment_ref name = segment_name(s);
    bool same = fingerprint_equal(name.fingerprint, at->fingerprint);
    return name.serial == at->serial && file_id_equal(name.file, at->file) &&
           (same || !fingerprint_known(at->fingerprint));
}

bool follow_rest(struct follow *f, struct follow_tools *t, struct follow_rest *ret)
{
    const struct cursor *c = &f->cursor;
    CLEANUP_FREE struct segment_ref *at = NULL;
    if (holds_more(f))
        return false;
    if (f->segment ? !is_named_so(f->segment, &c->segment) : !is_nowhere(&c->segment)) {
        at = malloc(sizeof(*at));
        if (!at)
            return false;
        *at = c->segment;
    }
    *ret = (struct follow_rest){.segment = TAKE(f->segment),
                                .at = TAKE(at),
                                .offset = c->offset,
                                .last_ns = c->last_ns,
                                .last_hash = c->last_hash,
                                .last_size = (uint32_t)c->last_size,
                                .kind = c->kind};
    if (t->join_owner == f)
        t->join_owner = NULL; /* another may come to lie there */
    follow_deinit(f);
    return true;
}

static struct segment_ref place_of(const struct follow_rest *rest)
{
    if (rest->at)
        return *rest->at;
    return rest->segment ? segment_name(rest->segment) : (struct segment_ref){0};
}

struct cursor follow_rest_cursor(const struct follow_rest *rest)
{
    return (struct cursor){.kind = rest->kind,
                           .segment = place_of(rest),
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
    free(TAKE(rest->at));
}

void follow_rest_deinit(struct follow_rest *rest)
{
    rest->segment = segment_unref(rest->segment);
    free(TAKE(rest->at));
}
