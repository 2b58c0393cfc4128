/* own_container — the id of the container that this process runs in (D77).
 *
 * Docker mounts `hostname`, `hosts` and `resolv.conf` of a container from its own directory
 * `…/containers/<id>/`, which /proc/self/mountinfo shows, with either cgroup version.
 */
#pragma once

#include "model/container.h"

/* "" where it is none. */
void own_container_id(char ret[CONTAINER_ID_SIZE + 1]);
