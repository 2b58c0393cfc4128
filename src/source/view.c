// SPDX-License-Identifier: Apache-2.0
#include "source/view.h"

#include <errno.h>

#include "base/check.h"

int view_new(struct view **ret, uint32_t version, bool gone, struct segment *const *segments,
             size_t segment_count, const struct era *eras, size_t era_count)
{
    CHECK(era_count > 0);
    struct view *v =
        malloc(sizeof(*v) + segment_count * sizeof(*segments) + era_count * sizeof(*eras));
    if (!v)
        return -ENOMEM;

    *v = (struct view){
        .version = version,
        .gone = gone,
        .segment_count = (uint32_t)segment_count,
        .era_count = (uint32_t)era_count,
    };
    atomic_init(&v->refs, 1);
    v->eras = (struct era *)(v + 1);
    v->segments = (struct segment **)(v->eras + era_count);
    for (size_t i = 0; i < era_count; i++) {
        v->eras[i] = eras[i];
        container_ref(eras[i].container);
    }
    for (size_t i = 0; i < segment_count; i++)
        v->segments[i] = segment_ref(segments[i]);
    *ret = v;
    return 0;
}

struct view *view_ref(struct view *v)
{
    atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
    return v;
}

struct view *view_unref(struct view *v)
{
    if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
        return NULL;
    for (size_t i = 0; i < v->segment_count; i++)
        segment_unref(v->segments[i]);
    for (size_t i = 0; i < v->era_count; i++)
        container_unref(v->eras[i].container);
    free(v);
    return NULL;
}

size_t view_find(const struct view *v, uint64_t serial)
{
    size_t low = 0, high = v->segment_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (v->segments[middle]->serial < serial)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t view_era(const struct view *v, uint64_t serial, uint64_t offset)
{
    size_t i = v->era_count - 1;
    while (i > 0 && (v->eras[i].serial > serial ||
                     (v->eras[i].serial == serial && v->eras[i].offset > offset)))
        i--;
    return i;
}
