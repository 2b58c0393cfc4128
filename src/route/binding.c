// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "model/container_fold.h"
#include "route/route_private.h"

int binding_new(struct route *r, struct container *c, struct binding **ret, struct error *error)
{
    struct binding *b = malloc(sizeof(*b));
    if (!b)
        return error_set(error, -ENOMEM, "no memory");
    *b = (struct binding){.refs = 1};
    int code = container_unfold(&b->container, c);
    code = code < 0 ? error_set(error, code, "no memory")
                    : r->ops->bind(r->sink, b->container, &b->target, error);
    if (code) {
        container_unref(b->container);
        free(b);
        return code;
    }
    b->record = container_ref(c);
    *ret = b;
    return 0;
}

struct binding *binding_ref(struct binding *b)
{
    b->refs++;
    return b;
}

struct binding *binding_unref(struct route *r, struct binding *b)
{
    if (!b || --b->refs)
        return NULL;
    r->ops->unbind(r->sink, b->target);
    container_unref(b->container);
    container_unref(b->record);
    free(b);
    return NULL;
}
