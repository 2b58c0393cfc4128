/* dead_asked — what changes a route's dead letters, done by the running daemon, which has their
 * ledger: it is asked at admin.listen (agent/admin_dead.h). Waits until it is over.
 *
 * - Errors: -errno with words where it did not come to an end; *ret is what was reached by then.
 * - Thread: main.
 */
#pragma once

#include "cli/dead.h"
#include "route/errand.h"

int dead_asked(const struct dead_request *request, const struct route_config *route,
               enum errand_kind kind, struct letters_progress *ret, struct error *error) MUST_CHECK;
