// SPDX-License-Identifier: Apache-2.0
#include "route/route_private.h"

void source_activate(struct route *r, struct route_source *s, enum source_heat heat)
{
    if (s->heat < heat)
        s->heat = heat;
    if (s->listed)
        return;
    r->active[r->active_count++] = s; /* there is room for every source */
    s->listed = true;
}

void source_publish_needs(struct route *r, struct route_source *s)
{
    struct slot_route *mine = &s->follow.slot->routes[r->options.number];
    uint64_t before = atomic_exchange_explicit(&mine->needs, s->needs, memory_order_acq_rel);
    if (before != s->needs && r->options.monitor_fd >= 0) {
        uint64_t one = 1;
        (void)!write(r->options.monitor_fd, &one, sizeof(one));
    }
}
