// SPDX-License-Identifier: Apache-2.0
#include "route/start.h"

#include <errno.h>

#include "base/rfc3339.h"

static uint64_t size_of(struct segment *s)
{
    int64_t size = segment_size(s);
    return size < 0 ? 0 : (uint64_t)size;
}

/* What stands before the cursor, so that a change of it is noticed. */
static void remember(struct segment *s, struct cursor *c)
{
    char end[READER_BEFORE_MAX];
    size_t size = c->offset < sizeof(end) ? (size_t)c->offset : sizeof(end);
    int fd;
    if (segment_acquire(s, &fd) != 0)
        return;
    if (pread(fd, end, size, (off_t)(c->offset - size)) == (ssize_t)size) {
        struct reader_before before = reader_remember((struct span){end, size});
        c->last_hash = before.hash;
        c->last_size = before.size;
    }
    segment_release(s);
}

/* Behind the last whole line of a file. */
static uint64_t end_of_lines(struct segment *s, uint64_t size)
{
    char tail[4096];
    int fd;
    if (segment_acquire(s, &fd) != 0)
        return 0;
    uint64_t end = size;
    while (end > 0) {
        size_t want = end < sizeof(tail) ? (size_t)end : sizeof(tail);
        ssize_t n = pread(fd, tail, want, (off_t)(end - want));
        if (n <= 0) {
            end = 0;
            break;
        }
        const char *newline = memrchr(tail, '\n', (size_t)n);
        if (newline) {
            end = end - want + (uint64_t)(newline - tail) + 1;
            break;
        }
        end -= want;
    }
    segment_release(s);
    return end;
}

/* The end of the live segment, as it is now; a source without one begins at its beginning. */
static int place_at_end(const struct view *view, struct cursor *ret, uint64_t *ret_skipped)
{
    struct segment *last = NULL;
    for (size_t i = 0; i < view->segment_count; i++) {
        struct segment *s = view->segments[i];
        if (s->hole || atomic_load(&s->cut))
            continue;
        *ret_skipped += last ? size_of(last) : 0;
        last = s;
    }
    if (!last)
        return 0;
    ret->segment = segment_name(last);
    if (last->gzip) {
        *ret_skipped += size_of(last);
        ret->kind = CURSOR_DONE;
        return 0;
    }
    ret->kind = CURSOR_AT;
    ret->offset = end_of_lines(last, size_of(last));
    remember(last, ret);
    *ret_skipped += ret->offset;
    return 0;
}

/* The first entry of `batch` that is not older than `from_ns`, as a cursor right before it. */
static bool place_before(const struct batch *batch, int64_t from_ns, const struct view *view,
                         struct cursor *ret)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct entry *e = &batch->entries[i];
        if (e->time_ns < from_ns)
            continue;
        size_t k = view_find(view, e->serial);
        if (k == view->segment_count)
            return false;
        *ret = CURSOR_INIT;
        ret->kind = CURSOR_AT;
        ret->segment = segment_name(view->segments[k]);
        ret->offset = e->offset;
        return true;
    }
    return false;
}

/* What a cursor that goes on from `before` passes of its segment. */
static uint64_t bytes_between(const struct cursor *before, const struct cursor *c)
{
    bool same = before->kind == CURSOR_AT && before->segment.serial == c->segment.serial;
    uint64_t from = same ? before->offset : 0;
    return c->offset > from ? c->offset - from : 0;
}

static bool wants_all(void *context, const struct container *c)
{
    return true;
}

/* Reads from the beginning until the time is reached. */
static int place_since(int64_t from_ns, struct slot *slot, struct follow_tools *tools,
                       struct batch *batch, struct cursor *ret, uint64_t *ret_skipped)
{
    struct follow f;
    follow_init(&f, slot, ret);
    __typeof__(tools->wants) wants = tools->wants;
    tools->wants = wants_all;
    tools->hold = (struct slot_hold){.serial = SLOT_NO_HOLD};

    int r;
    CLEANUP(view_unref) struct view *view = slot_view(slot);
    for (;;) {
        r = follow_pull(&f, tools, view, batch);
        if (r != FOLLOW_PROGRESS && r != FOLLOW_AGAIN)
            break;
        struct cursor before = *ret;
        if (place_before(batch, from_ns, view, ret)) {
            *ret_skipped += bytes_between(&before, ret);
            r = FOLLOW_END;
            break;
        }
        *ret_skipped += batch->bytes_consumed;
        *ret = f.cursor;
    }
    tools->wants = wants;
    tools->join_owner = NULL;
    follow_deinit(&f);
    return r < 0 ? r : 0;
}

/* In the journal, before what is received from then on; nobody counts what that skips. */
static int place_in_journal(int64_t from_ns, struct cursor *ret)
{
    ret->kind = CURSOR_AT;
    ret->last_ns = from_ns;
    return 0;
}

/* A container that is gone, and of which nothing is left to be read. */
static bool is_lost(const struct view *view)
{
    bool held = view->segment_count == 0;
    for (size_t i = 0; i < view->segment_count; i++)
        held |= !view->segments[i]->hole;
    return view->gone && !held;
}

int start_place(const struct start *start, int64_t attached_ns, struct slot *slot,
                struct follow_tools *tools, struct batch *batch, struct cursor *ret,
                uint64_t *ret_skipped)
{
    *ret = CURSOR_INIT;
    *ret_skipped = 0;
    CLEANUP(view_unref) struct view *view = slot_view(slot);
    int64_t created_ns = view_container(view)->created_ns;
    bool older = created_ns == RFC3339_ZERO_NS || created_ns < attached_ns;
    if (older && is_lost(view)) { /* before there was a route to miss it */
        ret->kind = CURSOR_ENDED;
        return 0;
    }
    if (start->kind == START_BEGINNING || !older)
        return 0;
    if (slot->journal)
        return place_in_journal(
            start->kind == START_END ? clock_now_ns() : attached_ns - start->since_ns, ret);
    if (start->kind == START_END)
        return place_at_end(view, ret, ret_skipped);
    return place_since(attached_ns - start->since_ns, slot, tools, batch, ret, ret_skipped);
}
