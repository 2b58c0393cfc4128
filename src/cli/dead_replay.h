/* dead_replay — a replay on our own, with the state's lock, as there is no running daemon
 * (dead_asked.h). It waits until it is over.
 *
 * - Errors: -errno with words where it did not come to an end; *ret is what was reached by then.
 * - Thread: main.
 */
#pragma once

#include "cli/dead.h"
#include "route/letters.h"

enum { REPLAY_SILENCE_MS = 10 * 60 * 1000 /* without an answer; then it is given up */ };

int dead_replay_alone(const struct dead_request *request, const struct route_config *route,
                      struct ledger *ledger, struct letters_progress *ret, struct error *error)
    MUST_CHECK;

/* Shows how far it is, where somebody looks. */
void dead_replay_show(const struct route_config *route, const struct letters_progress *progress);
