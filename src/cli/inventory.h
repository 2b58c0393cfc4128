/* inventory — the containers there are, as a verb sees them: those that the disk shows and those of
 * the Engine, where it answers.
 *
 * While the Engine answers, its word wins: after a crash of dockerd the disk still says running.
 * A container that cannot be read costs only itself.
 *
 * - Owns: everything in it.
 * - Thread: one; waits for the Engine's answers, each at most INVENTORY_DEADLINE_MS.
 */
#pragma once

#include "base/error.h"
#include "docker/log_path.h"
#include "model/container.h"

enum { INVENTORY_DEADLINE_MS = 5000 };

struct inventory_item {
    struct container *container; /* a reference */
    struct log_place place;
    bool on_disk; /* it has a directory; true for all where there are no files */
    bool listed;  /* the Engine has it; true for all where the Engine does not answer */
};

struct inventory {
    struct inventory_item *items; /* by name, then id */
    size_t count;
};

struct inventory_options {
    const char *docker_root;       /* NULL: there are no files */
    const char *journal_directory; /* that is configured, or NULL */
    const char *docker_host;       /* as docker_host_find gives it; "none": disk only */
    struct container_constants constants;
    /* A container, or one of the two roads, that had to be left out. */
    void (*warn)(const char *text);
};

/* -errno with words where neither road led anywhere. */
int inventory_take(struct inventory *ret, const struct inventory_options *options,
                   struct error *error) MUST_CHECK;
void inventory_deinit(struct inventory *v);
static inline void inventory_deinit_cleanup(struct inventory *v)
{
    inventory_deinit(v);
}
