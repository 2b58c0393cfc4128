// SPDX-License-Identifier: Apache-2.0
#include "route/gather.h"

#include <errno.h>

struct place {
    const void *group;
    size_t part, first, count; /* where it was, and its entries */
};

static bool is_gathered(const struct request *q)
{
    for (size_t i = 1; i < q->part_count; i++)
        if (q->parts[i].terms.group != q->parts[0].terms.group)
            return false;
    return true;
}

static int compare_places(const void *a_, const void *b_)
{
    const struct place *a = a_, *b = b_;
    if (a->group != b->group)
        return (uintptr_t)a->group < (uintptr_t)b->group ? -1 : 1;
    return (a->part > b->part) - (a->part < b->part);
}

/* By way of `room`. */
static void move_parts(struct gathered of, const struct place *places, size_t count, char *room)
{
    if (!of.items)
        return;
    for (size_t i = 0; i < count; i++)
        memcpy(room + i * of.size, (char *)of.items + places[i].part * of.size, of.size);
    memcpy(of.items, room, count * of.size);
}

static void move_entries(struct gathered of, const struct place *places, size_t count, char *room)
{
    size_t moved = 0;
    if (!of.items)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct place *p = &places[i];
        memcpy(room + moved * of.size, (char *)of.items + p->first * of.size, p->count * of.size);
        moved += p->count;
    }
    memcpy(of.items, room, moved * of.size);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

int gather(struct request *q, struct gathered of_parts, struct gathered of_entries)
{
    if (is_gathered(q))
        return 0;
    size_t part_size = larger(sizeof(*q->parts), of_parts.size);
    size_t entry_size = larger(sizeof(*q->entries), of_entries.size);
    CLEANUP_FREE struct place *places = reallocarray(NULL, q->part_count, sizeof(*places));
    CLEANUP_FREE char *room = malloc(larger(q->part_count * part_size, q->count * entry_size));
    if (!places || !room)
        return -ENOMEM;
    for (size_t i = 0; i < q->part_count; i++) {
        const struct request_part *part = &q->parts[i];
        places[i] = (struct place){part->terms.group, i, part->first, part->count};
    }
    qsort(places, q->part_count, sizeof(*places), compare_places);
    move_entries((struct gathered){q->entries, sizeof(*q->entries)}, places, q->part_count, room);
    move_entries(of_entries, places, q->part_count, room);
    move_parts((struct gathered){q->parts, sizeof(*q->parts)}, places, q->part_count, room);
    move_parts(of_parts, places, q->part_count, room);
    for (size_t i = 0, first = 0; i < q->part_count; first += q->parts[i++].count)
        q->parts[i].first = first;
    return 0;
}
