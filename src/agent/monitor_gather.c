// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "agent/monitor_private.h"

/* For `--once`: when all that is to be delivered is there. */

static bool is_received(struct monitor *m, const struct tracked *t)
{
    if (!t->container) /* one that the disk alone cannot tell costs only itself */
        return t->vanished || !monitor_engine_decides(m);
    return t->kind != LOG_KIND_STREAM || monitor_stream_has_ended(m, t);
}

static bool is_all_received(struct monitor *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (!is_received(m, m->items[i]))
            return false;
    return true;
}

/* What was streamed lies in spools by now. */
static void look_at_spools(struct monitor *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct tracked *t = m->items[i];
        if (t->kind != LOG_KIND_STREAM || !t->slot)
            continue;
        t->chain_stale = true;
        monitor_mark_stale(m, t);
    }
    monitor_settle(m);
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i]->kind == LOG_KIND_STREAM && m->items[i]->slot)
            tracked_mark_once_end(m->items[i]);
}

int monitor_gathered(struct monitor *m, struct error *error)
{
    if (m->root == ROOT_MISSING)
        return error_set(error, -ENOENT, "%s: not there", m->containers_directory);
    bool hopeless = !m->engine_configured || m->engine_failure_told;
    if (m->discovered && (is_all_received(m) || (hopeless && !monitor_engine_decides(m)))) {
        look_at_spools(m);
        return 1;
    }
    if (hopeless)
        return error_set(error, -EHOSTUNREACH,
                         "only the Engine can tell the logs, and it does not answer");
    return 0;
}
