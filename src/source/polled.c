// SPDX-License-Identifier: Apache-2.0
#include "source/polled.h"

#include <errno.h>

static void let_go(struct polled_file *f)
{
    atomic_store(&f->segment->polled, false);
    segment_unref(f->segment);
    slot_unref(f->slot);
}

void polled_deinit(struct polled *p)
{
    for (size_t i = 0; i < p->count; i++)
        let_go(&p->files[i]);
    free(p->files);
    *p = (struct polled){0};
}

int polled_add(struct polled *p, struct segment *s, struct slot *slot)
{
    if (atomic_load(&s->polled))
        return 0;
    if (p->count == p->capacity) {
        size_t capacity = p->capacity ? 2 * p->capacity : 16;
        void *files = reallocarray(p->files, capacity, sizeof(*p->files));
        if (!files)
            return -ENOMEM;
        p->files = files;
        p->capacity = capacity;
    }
    atomic_store(&s->polled, true);
    p->files[p->count++] = (struct polled_file){slot_ref(slot), segment_ref(s), segment_size(s)};
    return 0;
}

size_t polled_look(struct polled *p, size_t anyway)
{
    size_t kept = 0, count = p->count;
    for (size_t i = 0; i < count; i++) {
        struct polled_file *f = &p->files[i];
        if (i >= anyway && segment_size(f->segment) == f->size) {
            p->files[kept++] = *f;
            continue;
        }
        slot_mark_ready(f->slot);
        let_go(f);
    }
    p->count = kept;
    return count - kept;
}

void polled_forget(struct polled *p, const struct slot *slot)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (p->files[i].slot == slot)
            let_go(&p->files[i]);
        else
            p->files[kept++] = p->files[i];
    }
    p->count = kept;
}
