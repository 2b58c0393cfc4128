// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/target.h"

#include "base/limits.h"

static void take_out(struct loki_targets *l, struct sink_target *t)
{
    *(t->newer ? &t->newer->older : &l->newest) = t->older;
    *(t->older ? &t->older->newer : &l->oldest) = t->newer;
    l->count--;
}

static void put_first(struct loki_targets *l, struct sink_target *t)
{
    t->newer = NULL;
    t->older = l->newest;
    *(t->older ? &t->older->newer : &l->oldest) = t;
    l->newest = t;
    l->count++;
}

int loki_target_use(struct loki_targets *l, struct sink_target *t, const struct loki_labels *labels,
                    const struct container *c)
{
    if (t->there) {
        take_out(l, t);
    } else {
        int r = loki_labels_render(labels, c, &t->texts);
        if (r < 0)
            return r;
        t->there = true;
    }
    put_first(l, t);
    return 0;
}

void loki_target_drop(struct loki_targets *l, struct sink_target *t)
{
    if (!t->there)
        return;
    take_out(l, t);
    loki_texts_deinit(&t->texts);
    t->there = false;
}

void loki_targets_trim(struct loki_targets *l)
{
    while (l->count > TEXTS_KEPT_MAX)
        loki_target_drop(l, l->oldest);
}
