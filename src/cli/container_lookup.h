/* container_lookup — the container that somebody named on the command line: by its full id, else
 * its name, else a prefix of its id.
 *
 * The disk is looked at first, which needs no dockerd; the Engine is asked for what the disk does
 * not show, or where there is none to look at.
 *
 * - Thread: one; waits for the Engine's answers, each at most INVENTORY_DEADLINE_MS.
 * - Errors: -ENOENT (there is none), -ENOTUNIQ (words list those it could be), other -errno; all
 *   with words, of both where both were looked at.
 */
#pragma once

#include "base/error.h"
#include "model/container.h"

struct container_lookup_options {
    const char *docker_root; /* NULL: there are no files */
    const char *docker_host; /* as docker_host_find gives it; "none": disk only */
    struct container_constants constants;
};

struct container_found {
    struct container *container; /* a reference */
    bool on_disk;
};

int container_lookup(struct container_found *ret, const struct container_lookup_options *options,
                     const char *name, struct error *error) MUST_CHECK;
