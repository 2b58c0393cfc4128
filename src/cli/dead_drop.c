// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>

#include "cli/dead_asked.h"
#include "ledger/state_lock.h"

struct drop {
    const struct dead_request *request;
    uint64_t count;
};

static int drop_letters(void *context, const struct route_config *route, struct ledger *ledger,
                        struct error *error)
{
    struct drop *drop = context;
    return ledger_drop_letters(ledger, &drop->request->filter, &drop->count, error);
}

static enum verb_exit drop_asked(struct drop *drop)
{
    struct error error = {""};
    struct letters_progress progress = {0};
    int r = dead_asked(drop->request, drop->request->route, ERRAND_DROP, &progress, &error);
    drop->count = progress.dropped;
    return r < 0 ? dead_failed(&error) : VERB_DONE;
}

/* The running daemon has the ledger; without one it is ours. */
enum verb_exit dead_drop(const struct dead_request *request)
{
    struct drop drop = {.request = request};
    CLEANUP(close_fd) int lock_fd = -1;
    struct error error = {""};
    int r = state_lock_acquire(request->config->state, &lock_fd, &error);
    if (r < 0 && r != -EBUSY)
        return dead_failed(&error);
    enum verb_exit end =
        r == 0 ? dead_each_ledger(request, 0, drop_letters, &drop) : drop_asked(&drop);
    if (end == VERB_DONE && request->filter.key && drop.count == 0) {
        error_set(&error, -ENOENT, "route %s has no such letter", request->route->name);
        return dead_failed(&error);
    }
    if (end == VERB_DONE)
        printf("%s: %" PRIu64 " dropped, still counted as refused\n", request->route->name,
               drop.count);
    return end;
}
