/* container_lookup — the container that somebody named on the command line, found on the disk.
 *
 * By its full id, else its name, else a prefix of its id; with dockerd or without.
 *
 * - Thread: any, no state.
 * - Errors: -ENOENT (there is none), -ENOTUNIQ (words list those it could be), other -errno; all
 *   with words.
 */
#pragma once

#include "base/error.h"
#include "model/container.h"

int container_lookup(struct container **ret, const char *docker_root, const char *name,
                     const struct container_constants *constants, struct error *error) MUST_CHECK;
