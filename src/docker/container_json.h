/* container_json — container records out of what Docker writes about a container.
 *
 * Two ways that give the same record of a settled container: the Engine's answer to
 * GET /containers/{id}/json, and the pair config.v2.json + hostconfig.json of its directory.
 *
 * Source of the format: docker-logs §1.3 and §6.4 (Engine API 1.24 to 1.55, disk 20.10 to 29).
 *
 * - Only the id must be there. Absent or null members are empty; a time that cannot be read is an
 *   unknown time: a container is not given up for its date.
 * - Limits: CONTAINER_JSON_MAX bytes each.
 * - Thread: any, no state.
 * - Errors: 0, -errno with words (document, line and column or member), CONTAINER_JSON_E_CUT.
 */
#pragma once

#include "base/error.h"
#include "model/container.h"

enum {
    CONTAINER_JSON_E_CUT = 1 /* a text ends too early: still being written, or cut by a crash */
};

int container_from_inspect(struct container **ret, struct span text,
                           const struct container_constants *constants, struct error *error)
    MUST_CHECK;

/* `state` is derived, in this order: dead, removing, restarting, paused, running, created (never
 * started), exited. After a crash of dockerd the disk may still say running. */
int container_from_disk(struct container **ret, struct span config, struct span hostconfig,
                        const struct container_constants *constants, struct error *error)
    MUST_CHECK;
