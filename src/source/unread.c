// SPDX-License-Identifier: Apache-2.0
#include "source/unread.h"

static void add(struct unread *u, struct segment *s, uint64_t offset, uint64_t bytes)
{
    if (!u->segment) {
        u->segment = s;
        u->offset = offset;
    }
    u->bytes += bytes;
}

/* Where an era ends within so much of a segment. */
static uint64_t end_of_era(const struct view *v, size_t era, uint64_t serial, uint64_t size)
{
    bool ends = era + 1 < v->era_count && v->eras[era + 1].serial == serial;
    return ends && v->eras[era + 1].offset < size ? v->eras[era + 1].offset : size;
}

struct unread unread_behind(const struct view *v, const struct cursor *c,
                            bool (*wants)(void *context, const struct container *c), void *context)
{
    struct unread u = {0};
    uint64_t serial = c->kind == CURSOR_BEGINNING ? 0 : c->segment.serial + (c->kind != CURSOR_AT);
    for (size_t i = view_find(v, serial); i < v->segment_count; i++) {
        struct segment *s = v->segments[i];
        int64_t size = atomic_load(&s->cut) ? -1 : segment_size(s);
        uint64_t all = size < 0 ? 0 : (uint64_t)size;
        uint64_t from = c->kind == CURSOR_AT && s->serial == serial ? c->offset : 0;
        size_t era = view_era(v, s->serial, from);
        if (s->gzip && all && wants(context, v->eras[era].container))
            add(&u, s, from, all);
        for (; !s->gzip && from < all; era++) {
            uint64_t end = end_of_era(v, era, s->serial, all);
            if (end > from && wants(context, v->eras[era].container))
                add(&u, s, from, end - from);
            from = end;
        }
    }
    return u;
}

int unread_time(const struct unread *u, struct reader *reader, struct batch *scratch,
                int64_t *ret_ns)
{
    struct reader_result read;
    if (u->segment->gzip)
        return READER_AGAIN; /* would have to be inflated up to there */
    int r = reader_read(reader, u->segment, u->offset, &(struct reader_before){0}, &read);
    if (r)
        return r;

    struct records_decoder decoder;
    struct record_result result;
    enum record_format format = u->segment->format;
    struct span first = {read.records.data, records_first(format, read.records)};
    records_init(&decoder, scratch->form);
    batch_reset(scratch);
    records_decode(&decoder, format, first, &(struct record_position){0}, scratch, &result);
    r = scratch->count ? 0 : READER_NUL; /* blank, or damaged */
    if (r == 0)
        *ret_ns = scratch->entries[0].time_ns;
    batch_reset(scratch);
    return r;
}
