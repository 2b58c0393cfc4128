// SPDX-License-Identifier: Apache-2.0
#include "sink/output_table.h"

#include <errno.h>
#include <string.h>

void output_table_deinit(struct output_table *t)
{
    for (size_t i = 0; i < t->count; i++)
        output_free(t->items[i]);
    free(t->items);
    *t = (struct output_table){0};
}

/* Where the output is, or would be. */
static size_t place_of(const struct output_table *t, const char *path)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(t->items[middle]->path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool stands_at(const struct output_table *t, size_t place, const char *path)
{
    return place < t->count && strcmp(t->items[place]->path, path) == 0;
}

static int grow(struct output_table *t)
{
    if (t->count < t->capacity)
        return 0;
    size_t capacity = t->capacity ? 2 * t->capacity : 16;
    struct output **items = reallocarray(t->items, capacity, sizeof(struct output *));
    if (!items)
        return -ENOMEM;
    t->items = items;
    t->capacity = capacity;
    return 0;
}

int output_table_get(struct output_table *t, struct output_shared *shared, const char *path,
                     struct output **ret)
{
    size_t place = place_of(t, path);
    if (stands_at(t, place, path)) {
        *ret = t->items[place];
        return 0;
    }
    int r = grow(t);
    if (r < 0)
        return r;
    struct output *o;
    r = output_new(&o, shared, path);
    if (r < 0)
        return r;
    memmove(t->items + place + 1, t->items + place, (t->count - place) * sizeof(o));
    t->items[place] = o;
    t->count++;
    *ret = o;
    return 0;
}

void output_table_remove(struct output_table *t, struct output *o)
{
    size_t place = place_of(t, o->path);
    t->count--;
    memmove(t->items + place, t->items + place + 1, (t->count - place) * sizeof(o));
    output_free(o);
}
