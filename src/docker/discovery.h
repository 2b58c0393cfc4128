/* discovery — all containers at once, for a program that may wait: list, then inspect each.
 *
 * The daemon's monitor asks the Engine by itself (engine.h); this is for the verbs of the command
 * line, and the same from the disk alone (D18).
 *
 * A container whose inspection fails is asked for once more and then told as skipped; the others go
 * on (S8). One that is gone meanwhile is nothing to tell. Only a failed listing fails the whole
 * (S9). Every request has the deadline; all is given up when `cancel_fd` becomes readable (S10).
 *
 * - Owns: one reference per container.
 * - Thread: any, several at once (S18).
 * - Errors: 0, -errno with words; -ECANCELED.
 */
#pragma once

#include "base/error.h"
#include "model/container.h"

struct discovery {
    struct container **items; /* by name, then id; never NULL once made (S16) */
    size_t count;
};

struct discovery_options {
    const char *host; /* as docker_host_find gives it */
    int deadline_ms;
    int cancel_fd; /* -1: none */
    struct container_constants constants;
    void *context;
    /* One container that had to be left out; may be NULL. `why` names it. */
    void (*skipped)(void *context, const char *id, const char *why);
};

/* S17: total is the sum of the other two. */
struct discovery_counts {
    size_t total, json_file, other;
};

int discovery_from_engine(struct discovery *ret, const struct discovery_options *options,
                          struct error *error) MUST_CHECK;
/* From the containers directory; host, deadline_ms and cancel_fd do not matter. */
int discovery_from_disk(struct discovery *ret, int containers_fd,
                        const struct discovery_options *options, struct error *error) MUST_CHECK;

void discovery_deinit(struct discovery *d);
static inline void discovery_deinit_cleanup(struct discovery *d)
{
    discovery_deinit(d);
}

/* Those whose log driver is exactly `driver`. 0 or -ENOMEM. */
int discovery_filter(struct discovery *ret, const struct discovery *from, const char *driver)
    MUST_CHECK;
struct discovery_counts discovery_count(const struct discovery *d);
