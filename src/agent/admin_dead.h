/* admin_dead — a route's dead letters, by HTTP: how many there are, sending them once more, and
 * giving them up.
 *
 *     GET  /api/v1/routes/NAME/dead           how many, and how far a replay or a drop is
 *     POST /api/v1/routes/NAME/dead/replay    begins one: 202; ?key=N and ?reason=WORD choose
 *     POST /api/v1/routes/NAME/dead/drop      begins one: 202; ?key=N or ?all=true, no less
 *
 * The route's own thread does it, so that its end is told by the next GETs.
 *
 * - Owns: nothing.
 * - Thread: one, the server's.
 */
#pragma once

#include "agent/admin_answer.h"
#include "route/errand.h"

enum admin_dead_page { ADMIN_DEAD_NONE, ADMIN_DEAD_SHOWN, ADMIN_DEAD_REPLAY, ADMIN_DEAD_DROP };

/* Whether the path is one of them; *ret_name is the route's. */
enum admin_dead_page admin_dead_find(const char *path, struct span *ret_name);

enum status_answer admin_dead_show(const struct admin_question *q, struct span name);
enum status_answer admin_dead_begin(const struct admin_question *q, struct span name,
                                    enum errand_kind kind);
