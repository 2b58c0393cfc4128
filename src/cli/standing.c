// SPDX-License-Identifier: Apache-2.0
#include "cli/standing.h"

#include <errno.h>

#include "base/limits.h"

void standing_deinit(struct standing *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->sources[i].id);
        free(s->sources[i].gaps);
    }
    free(s->sources);
    *s = (struct standing){.route = s->route};
}

static int by_id(const void *a, const void *b)
{
    const struct standing_source *x = a, *y = b;
    return strcmp(x->id, y->id);
}

static struct standing_source *find(const struct standing *s, const char *id)
{
    struct standing_source wanted = {.id = (char *)id};
    return s->count ? bsearch(&wanted, s->sources, s->count, sizeof(*s->sources), by_id) : NULL;
}

const struct standing_source *standing_find(const struct standing *s, const char *id)
{
    return find(s, id);
}

static int add_source(void *context, const struct ledger_source *row)
{
    struct standing *s = context;
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 64;
        void *sources = reallocarray(s->sources, capacity, sizeof(*s->sources));
        if (!sources)
            return -ENOMEM;
        s->sources = sources;
        s->capacity = capacity;
    }
    char *id = strdup(row->id);
    if (!id)
        return -ENOMEM;
    s->sources[s->count++] =
        (struct standing_source){.id = id, .cursor = row->cursor, .tally = row->tally};
    return 0;
}

static int add_gap(void *context, const struct ledger_gap *row)
{
    struct standing_source *source = find(context, row->source_id);
    if (!source)
        return 0; /* it came after the sources were read */
    void *gaps = reallocarray(source->gaps, source->gap_count + 1, sizeof(*source->gaps));
    if (!gaps)
        return -ENOMEM;
    source->gaps = gaps;
    source->gaps[source->gap_count++] = row->gap;
    return 0;
}

int standing_read(struct standing *ret, const char *state, const struct route_config *route,
                  struct error *error)
{
    *ret = (struct standing){.route = route};
    char path[PATH_BYTES_MAX];
    if (snprintf(path, sizeof(path), "%s/routes/%s.db", state, route->name) >= (int)sizeof(path))
        return error_set(error, -ENAMETOOLONG, "%s: too long", state);

    CLEANUP(ledger_close) struct ledger *ledger = NULL;
    int r = ledger_open(&ledger, path, NULL, LEDGER_READ_ONLY, 0, error);
    if (r == -ENOENT)
        return 0;
    if (r == 0)
        r = ledger_sources(ledger, add_source, ret, error);
    if (ret->count)
        qsort(ret->sources, ret->count, sizeof(*ret->sources), by_id);
    if (r == 0)
        r = ledger_gaps(ledger, add_gap, ret, error);
    return r == -ENOMEM ? error_set(error, r, "no memory") : r;
}

uint64_t standing_needs(const struct cursor *c)
{
    if (c->kind == CURSOR_BEGINNING)
        return 0;
    uint64_t lowest = c->segment.serial + (c->kind != CURSOR_AT);
    for (int i = 0; i < STREAM_COUNT; i++)
        if (c->open[i].kind == OPEN_LINE && c->open[i].segment.serial < lowest)
            lowest = c->open[i].segment.serial;
    return lowest;
}
