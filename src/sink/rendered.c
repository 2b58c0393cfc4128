// SPDX-License-Identifier: Apache-2.0
#include "sink/rendered.h"

#include "base/limits.h"

static void take_out(struct rendered_list *l, struct rendered *r)
{
    *(r->newer ? &r->newer->older : &l->newest) = r->older;
    *(r->older ? &r->older->newer : &l->oldest) = r->newer;
    l->count--;
}

static void put_first(struct rendered_list *l, struct rendered *r)
{
    r->newer = NULL;
    r->older = l->newest;
    *(r->older ? &r->older->newer : &l->oldest) = r;
    l->newest = r;
    l->count++;
}

int rendered_use(struct rendered_list *l, struct rendered *r, const struct encoder *encoder,
                 const struct container *c, struct error *error)
{
    if (l->newest == r)
        return 0;
    if (r->there) {
        take_out(l, r);
        put_first(l, r);
        return 0;
    }
    int code = encoder_render(encoder, c, &r->texts, error);
    if (code < 0)
        return code;
    r->there = true;
    put_first(l, r);
    if (l->count > TEXTS_KEPT_MAX)
        rendered_drop(l, l->oldest);
    return 0;
}

void rendered_drop(struct rendered_list *l, struct rendered *r)
{
    if (!r->there)
        return;
    take_out(l, r);
    stream_texts_deinit(&r->texts);
    r->there = false;
}
