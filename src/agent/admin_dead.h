/* admin_dead — a route's dead letters, by HTTP: how many there are, and sending them once more.
 *
 *     GET  /api/v1/routes/NAME/dead           how many, and how far a replay is
 *     POST /api/v1/routes/NAME/dead/replay    begins one: 202; ?key=N and ?reason=WORD choose
 *
 * - Owns: nothing.
 * - Thread: one, the server's.
 */
#pragma once

#include "agent/admin_answer.h"

enum admin_dead_page { ADMIN_DEAD_NONE, ADMIN_DEAD_SHOWN, ADMIN_DEAD_REPLAY };

/* Whether the path is one of them; *ret_name is the route's. */
enum admin_dead_page admin_dead_find(const char *path, struct span *ret_name);

enum status_answer admin_dead_show(const struct admin_question *q, struct span name);
enum status_answer admin_dead_replay(const struct admin_question *q, struct span name);
