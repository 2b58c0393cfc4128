// SPDX-License-Identifier: Apache-2.0
#include <poll.h>

#include "route/route_private.h"

static bool is_readable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

/* As with a file: while something comes it is looked at with each tick, and only when that finds
 * nothing its descriptor is waited for again. So a busy journal costs no wake-up per entry. */
static bool is_due(const struct route *r, bool tick, int64_t now_ns)
{
    switch (r->journal_heat) {
    case SOURCE_HOT: return true;
    case SOURCE_WARM: return tick;
    default: return now_ns >= journal_due_ns(r->journal) || is_readable(journal_fd(r->journal));
    }
}

void turn_journal(struct route *r, bool tick, int64_t now_ns)
{
    if (journal_is_staged(r->journal) || !is_due(r, tick, now_ns))
        return;
    switch (journal_look(r->journal, now_ns)) {
    case JOURNAL_MORE: r->journal_heat = SOURCE_HOT; break;
    case JOURNAL_SOME:
        r->journal_heat = r->options.batch_age_ns ? SOURCE_WARM : SOURCE_QUIET;
        break;
    default: r->journal_heat = SOURCE_QUIET;
    }
}

int64_t turn_due_ns(const struct route *r)
{
    if (journal_is_staged(r->journal))
        return INT64_MAX; /* the sources' turn comes first */
    switch (r->journal_heat) {
    case SOURCE_HOT: return 0;
    case SOURCE_WARM: return r->tick_due_ns;
    default: return journal_due_ns(r->journal);
    }
}

int turn_fd(const struct route *r)
{
    return r->failing || r->journal_heat != SOURCE_QUIET ? -1 : journal_fd(r->journal);
}

void turn_activate(void *context, struct journal_source *s)
{
    struct route *r = context;
    enum source_heat heat = r->journal_heat == SOURCE_WARM ? SOURCE_DUE : SOURCE_HOT;
    source_activate(r, CONTAINER_OF(s, struct journal_part, journal)->source, heat);
}
