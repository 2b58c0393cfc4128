/* dead_asked — what changes a route's dead letters, done by the running daemon, which has their
 * ledger: it is asked at admin.listen (agent/admin_dead.h). Both wait until it is over.
 *
 * - Errors: -errno with words where it did not come to an end; *ret is what was reached by then.
 * - Thread: main.
 */
#pragma once

#include "cli/dead.h"
#include "route/letters.h"

int dead_replay_asked(const struct dead_request *request, const struct route_config *route,
                      struct letters_progress *ret, struct error *error) MUST_CHECK;
/* Of the one route that the request names. *ret_count: how many letters went. */
int dead_drop_asked(const struct dead_request *request, uint64_t *ret_count, struct error *error)
    MUST_CHECK;
