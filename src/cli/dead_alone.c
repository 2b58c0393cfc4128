// SPDX-License-Identifier: Apache-2.0
#include "cli/dead_replay.h"

#include <errno.h>

#include "base/clock.h"
#include "sink/output_registry.h"

enum { DESCRIPTORS_MAX = 64 /* of one request in flight, far more than there will be */ };

/* What it waits for, until it must go on. */
static void wait_for_sink(const struct sink_ops *ops, struct sink *sink)
{
    struct pollfd fds[DESCRIPTORS_MAX];
    int64_t timeout_ns = NS_PER_SECOND;
    size_t count = ops->requests->wait(sink, fds, DESCRIPTORS_MAX, &timeout_ns);
    poll(fds, count, timeout_ns <= 0 ? 0 : (int)(timeout_ns / NS_PER_MS) + 1);
}

static int send_all(struct letters *l, const struct route_config *route, struct sink *sink,
                    struct letters_progress *ret, struct error *error)
{
    const struct sink_request_ops *requests = route->sink.ops->requests;
    int64_t give_up_ns = clock_monotonic_ns() + REPLAY_SILENCE_MS * NS_PER_MS;
    for (;;) {
        struct sink_answer answer;
        if (letters_want_slot(l))
            letters_step(l, 0);
        letters_progress(l, ret);
        if (ret->state != LETTERS_ON_THEIR_WAY)
            return ret->state == LETTERS_FAILED ? error_set(error, -EIO, "%s", ret->text) : 0;
        if (clock_monotonic_ns() >= give_up_ns)
            return error_set(error, -ETIMEDOUT, "no answer for %d minutes",
                             REPLAY_SILENCE_MS / 60000);
        wait_for_sink(route->sink.ops, sink);
        while (requests->step(sink, &answer)) {
            letters_take(l, &answer);
            letters_progress(l, ret);
            dead_replay_show(route, ret);
            give_up_ns = clock_monotonic_ns() + REPLAY_SILENCE_MS * NS_PER_MS;
        }
    }
}

static int replay_into(const struct dead_request *request, const struct route_config *route,
                       struct ledger *ledger, struct sink *sink, struct letters_progress *ret,
                       struct error *error)
{
    const struct letters_options options = {
        .ledger = ledger,
        .ops = route->sink.ops,
        .sink = sink,
        .filter = request->filter,
        .batch_bytes_max = route->batch_bytes_max,
    };
    CLEANUP(letters_close) struct letters *l = NULL;
    int r = letters_open(&l, &options, error);
    return r < 0 ? r : send_all(l, route, sink, ret, error);
}

int dead_replay_alone(const struct dead_request *request, const struct route_config *route,
                      struct ledger *ledger, struct letters_progress *ret, struct error *error)
{
    CLEANUP(output_registry_free) struct output_registry *registry = NULL;
    if (output_registry_new(&registry) < 0)
        return error_set(error, -ENOMEM, "no memory");
    const struct sink_environment environment = {
        .registry = registry, .outputs_open_max = 1, .version = TALLYMAN_VERSION};
    struct sink *sink = NULL;
    int r = route->sink.ops->open(&sink, route->sink.options, &environment, error);
    if (r < 0)
        return r;
    r = replay_into(request, route, ledger, sink, ret, error);
    route->sink.ops->close(sink);
    return r;
}
