// SPDX-License-Identifier: Apache-2.0
#include "route/load.h"

#include <errno.h>

#include "route/gather.h"
#include "route/route_private.h"

enum { PARTS_KEPT_MAX = 1024 /* places kept from request to request */ };

void load_init(struct load *l, enum message_form form)
{
    *l = (struct load){0};
    request_init(&l->request, form);
}

static void drop_refusals(struct load *l)
{
    for (size_t i = 0; i < l->refusal_count; i++)
        free(l->refusals[i].answer);
    free(l->refusals);
    l->refusals = NULL;
    l->refusal_count = 0;
}

static void drop_blamed(struct load *l)
{
    free(l->blamed);
    l->blamed = NULL;
    l->blamed_count = 0;
}

static void drop_bindings(struct load *l, struct route *r)
{
    for (size_t i = 0; i < l->request.part_count; i++)
        binding_release(r, l->parts[i].binding);
}

void load_clear(struct load *l, struct route *r)
{
    drop_bindings(l, r);
    drop_refusals(l);
    drop_blamed(l);
    pieces_clear(&l->pieces);
    request_clear(&l->request);
    if (l->part_capacity > PARTS_KEPT_MAX) {
        free(l->parts);
        l->parts = NULL;
        l->part_capacity = 0;
    }
}

void load_deinit(struct load *l, struct route *r)
{
    drop_bindings(l, r);
    drop_refusals(l);
    drop_blamed(l);
    pieces_deinit(&l->pieces);
    request_deinit(&l->request);
    free(l->parts);
    l->parts = NULL;
    l->part_capacity = 0;
}

int load_add(struct load *l, struct binding *binding, struct request_terms terms, uint32_t key,
             const struct batch *batch)
{
    size_t at = l->request.part_count;
    if (batch->count == 0)
        return 0;
    if (at == l->part_capacity) {
        size_t capacity = at ? 2 * at : 16;
        void *parts = reallocarray(l->parts, capacity, sizeof(*l->parts));
        if (!parts)
            return -ENOMEM;
        l->parts = parts;
        l->part_capacity = capacity;
    }
    int code = request_add(&l->request, binding->target, terms, batch);
    if (code < 0)
        return code;
    l->request.parts[at].container = binding->container; /* the batch's is the view's */
    l->parts[at] = (struct load_part){.binding = binding_hold(binding), .key = key};
    return 0;
}

int load_cut(struct load *l, uint64_t bytes_max, size_t lines_max)
{
    const struct gathered parts = {l->parts, sizeof(*l->parts)};
    int code = gather(&l->request, parts, (struct gathered){0});
    return code < 0 ? code : pieces_begin(&l->pieces, &l->request, bytes_max, lines_max);
}

int load_refuse(struct load *l, struct request_range range, const char *reason, const char *answer,
                int64_t now_ns)
{
    CLEANUP_FREE char *copy = strdup(answer);
    void *refusals = reallocarray(l->refusals, l->refusal_count + 1, sizeof(*l->refusals));
    if (refusals)
        l->refusals = refusals;
    if (!copy || !refusals)
        return -ENOMEM;
    struct refusal *refusal = &l->refusals[l->refusal_count++];
    *refusal = (struct refusal){.range = range, .refused_ns = now_ns, .answer = TAKE(copy)};
    snprintf(refusal->reason, sizeof(refusal->reason), "%s", reason);
    return 0;
}

/* The part of the next piece that has lines of the target; NULL: none. */
static const struct load_part *find_target(const struct load *l, const struct sink_target *target)
{
    const struct request *q = &l->request;
    struct request_range range = pieces_next(&l->pieces);
    for (const struct request_part *part = request_part_at(q, range.first);
         part < q->parts + q->part_count && part->first < range.end; part++)
        if (part->target == target)
            return &l->parts[part - q->parts];
    return NULL;
}

static int order_keys(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

bool load_blames(const struct load *l, uint32_t key)
{
    return l->blamed_count &&
           bsearch(&key, l->blamed, l->blamed_count, sizeof(key), order_keys) != NULL;
}

/* So many at most, and none yet. */
static bool begin_blame(struct load *l, size_t count)
{
    drop_blamed(l);
    l->blamed = calloc(count, sizeof(*l->blamed));
    return l->blamed;
}

bool load_blame_target(struct load *l, const struct sink_target *target)
{
    const struct load_part *found = find_target(l, target);
    if (!found || !begin_blame(l, 1))
        return false;
    l->blamed[l->blamed_count++] = found->key;
    return true;
}

bool load_blame_group(struct load *l)
{
    const struct request *q = &l->request;
    const void *group = request_part_at(q, pieces_next(&l->pieces).first)->terms.group;
    if (!begin_blame(l, q->part_count))
        return false;
    for (size_t i = 0; i < q->part_count; i++)
        if (q->parts[i].terms.group == group)
            l->blamed[l->blamed_count++] = l->parts[i].key;
    qsort(l->blamed, l->blamed_count, sizeof(*l->blamed), order_keys);
    return true;
}

/* The share's part of a range; *ret is where it stands in `to`. */
static int copy_range(const struct load *from, struct load *to, struct request_range range,
                      enum load_share share, struct request_range *ret)
{
    const struct request *q = &from->request;
    ret->first = to->request.count;
    for (size_t at = range.first; at < range.end;) {
        const struct request_part *part = request_part_at(q, at);
        const struct load_part *mine = &from->parts[part - q->parts];
        size_t end = part->first + part->count < range.end ? part->first + part->count : range.end;
        struct batch lines = {.form = q->form,
                              .container = part->container,
                              .entries = q->entries + at,
                              .count = end - at};
        if (load_blames(from, mine->key) == (share == LOAD_OF_BLAMED) &&
            load_add(to, mine->binding, part->terms, mine->key, &lines) < 0)
            return -ENOMEM;
        at = end;
    }
    ret->end = to->request.count;
    return 0;
}

int load_copy(const struct load *from, struct load *to, enum load_share share)
{
    struct request_range range;
    size_t in_hand = 0;
    for (size_t i = 0; i < from->refusal_count; i++) {
        const struct refusal *refusal = &from->refusals[i];
        int code = copy_range(from, to, refusal->range, share, &range);
        if (code == 0 && range.first < range.end)
            code = load_refuse(to, range, refusal->reason, refusal->answer, refusal->refused_ns);
        if (code < 0)
            return code;
    }
    for (size_t i = from->pieces.count; i > 0; i--) {
        int code = copy_range(from, to, from->pieces.items[i - 1], share, &range);
        if (code == 0 && range.first < range.end)
            code = pieces_append(&to->pieces, range);
        if (code < 0)
            return code;
        in_hand += range.first < range.end && i > from->pieces.whole_count;
    }
    to->pieces.whole_count = to->pieces.count - in_hand;
    to->pieces.sparing = from->pieces.sparing;
    to->pieces.splits_left = from->pieces.splits_left;
    return 0;
}
