// SPDX-License-Identifier: Apache-2.0
#include "cli/dead_replay.h"

#include <errno.h>
#include <inttypes.h>

#include "cli/dead_asked.h"
#include "ledger/state_lock.h"

struct replay {
    const struct dead_request *request;
    bool alone;
    uint64_t found;
};

/* The line is written over until it is done. */
void dead_replay_show(const struct route_config *route, const struct letters_progress *progress)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%s: %" PRIu64 " delivered, %" PRIu64 " refused again, %" PRIu64 " left ",
                route->name, progress->delivered, progress->refused, progress->left);
}

static int replay_route(void *context, const struct route_config *route, struct ledger *ledger,
                        struct error *error)
{
    struct replay *replay = context;
    const struct dead_request *request = replay->request;
    uint64_t count, newest;
    int r = ledger_count_letters(ledger, &request->filter, &count, &newest, error);
    if (r < 0 || count == 0)
        return r;
    replay->found += count;
    if (request->dry_run) {
        printf("%s: %" PRIu64 " would be sent\n", route->name, count);
        return 0;
    }
    struct letters_progress progress = {.left = count};
    r = replay->alone ? dead_replay_alone(request, route, ledger, &progress, error)
                      : dead_asked(request, route, ERRAND_REPLAY, &progress, error);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    printf("%s: %" PRIu64 " delivered, %" PRIu64 " refused again, %" PRIu64 " left\n", route->name,
           progress.delivered, progress.refused, progress.left);
    fflush(stdout);
    if (r < 0)
        error_prefix(error, "route %s", route->name);
    return r;
}

enum verb_exit dead_replay(const struct dead_request *request)
{
    struct replay replay = {.request = request};
    CLEANUP(close_fd) int lock_fd = -1;
    struct error error = {""};
    if (!request->dry_run) {
        int r = state_lock_acquire(request->config->state, &lock_fd, &error);
        if (r < 0 && r != -EBUSY)
            return dead_failed(&error);
        replay.alone = r == 0;
    }
    enum verb_exit end =
        dead_each_ledger(request, replay.alone ? 0 : LEDGER_READ_ONLY, replay_route, &replay);
    if (end == VERB_DONE && replay.found == 0)
        puts("there are no such letters");
    return end;
}
