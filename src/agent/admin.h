/* admin — the admin server: how the program is, by HTTP, for people, Prometheus and health checks.
 *
 *     GET /metrics          every metric (docs/metrics.md)
 *     GET /-/healthy        200 while the threads turn, else 503  (also /health, /healthz)
 *     GET /-/ready          200 once lines are being delivered, else 503  (also /readyz)
 *     GET /api/v1/status    everything, as JSON
 *     …   /api/v1/routes/NAME/dead, to be replayed or dropped (admin_dead.h): the only pages that
 *                           change anything
 *
 * Where it cannot listen, the program goes on without, since its logs matter more: that is told as
 * a trouble, and tried again.
 *
 * - Owns: its thread (named "admin"), the listening socket and its connections.
 * - Limits: those below, and of each connection's time (admin_connections.h); further connections
 *   wait to be taken.
 * - Thread: opened and closed by the main one; it answers in its own, and nothing waits for it.
 */
#pragma once

#include "agent/status.h"

enum {
    ADMIN_REQUEST_BYTES_MAX = 16 * 1024, /* of a connection: its line, headers and what is sent */
    ADMIN_IDLE_SECONDS_MAX = 10,         /* then a connection is closed; and see its request's */
    ADMIN_RETRY_MS = 5 * 1000,           /* to listen */
    ADMIN_ANSWER_BYTES_MAX = 4 * 1024 * 1024,
};

struct admin;

/* `listen` is as admin_address_parse takes it, and borrowed; not "none". */
int admin_open(struct admin **ret, const char *listen, struct status *status, struct health *health,
               struct error *error) MUST_CHECK;
struct admin *admin_close(struct admin *a);
DEFINE_CLEANUP(struct admin *, admin_close)
