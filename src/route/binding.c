// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "model/container_fold.h"
#include "route/route_private.h"

enum { UNFOLDED_MAX = 256 /* kept so until they are quiet; others while they are used */ };

int binding_unfold(struct route *r, struct binding *b)
{
    if (b->container)
        return 0;
    int code = container_unfold(&b->container, b->record);
    if (code == 0)
        r->unfolded++;
    return code;
}

void binding_fold(struct route *r, struct binding *b)
{
    if (b->parts || !b->container)
        return;
    b->container = container_unref(b->container);
    r->unfolded--;
}

void binding_used(struct route *r, struct binding *b)
{
    if (r->unfolded > UNFOLDED_MAX)
        binding_fold(r, b);
}

static struct binding *binding_free(struct route *r, struct binding *b)
{
    if (b->target)
        r->ops->unbind(r->sink, b->target);
    r->unfolded -= b->container != NULL;
    container_unref(b->container);
    container_unref(b->record);
    free(b);
    return NULL;
}

int binding_new(struct route *r, struct container *c, struct binding **ret, struct error *error)
{
    struct binding *b = malloc(sizeof(*b));
    if (!b)
        return error_set(error, -ENOMEM, "no memory");
    *b = (struct binding){.of_source = true, .record = container_ref(c)};
    int code = binding_unfold(r, b);
    code = code < 0 ? error_set(error, code, "no memory")
                    : r->ops->bind(r->sink, b->container, &b->target, error);
    if (code)
        binding_free(r, b);
    else
        *ret = b;
    return code;
}

struct binding *binding_let_go(struct route *r, struct binding *b)
{
    if (!b)
        return NULL;
    b->of_source = false;
    return b->parts ? NULL : binding_free(r, b);
}

struct binding *binding_rest(struct route *r, struct binding *b)
{
    if (!b)
        return NULL;
    if (!r->ops->rest) {
        binding_fold(r, b);
        return b;
    }
    if (!b->parts)
        b->target = r->ops->rest(r->sink, b->target);
    return binding_let_go(r, b);
}

struct binding *binding_hold(struct binding *b)
{
    b->parts++;
    return b;
}

struct binding *binding_release(struct route *r, struct binding *b)
{
    if (--b->parts)
        return NULL;
    if (!b->of_source)
        return binding_free(r, b);
    binding_used(r, b);
    return NULL;
}
