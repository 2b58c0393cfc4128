/* disk — containers as their directories tell of them, with no Engine at all (D18).
 *
 * Reads `<root>/containers/<id>/config.v2.json` and `hostconfig.json`. Docker replaces either by
 * rename, so a missing or half file is a moment or a crash, not an answer.
 *
 * - Owns: nothing; the descriptor of the containers directory is the caller's.
 * - Limits: CONTAINER_JSON_MAX bytes each.
 * - Thread: any, no state; blocks on nothing but the disk.
 * - Errors: 0, -errno with words, DISK_E_*.
 */
#pragma once

#include "base/error.h"
#include "model/container.h"

enum {
    DISK_E_NOT_YET = 1, /* the directory is there, its files are missing or half there: retry */
    DISK_E_GONE,        /* no such directory (any more) */
};

/* The container `id` below the open directory `containers_fd`. Where the answer is not 0, `error`
 * says why. -EBADMSG: the files are no JSON of Docker's, or speak of another container. */
int disk_read_container(struct container **ret, int containers_fd, const char *id,
                        const struct container_constants *constants, struct error *error)
    MUST_CHECK;

/* What disk_list tells, in no order. A record is borrowed for the call. A container that could not
 * be read is told with its answer (DISK_E_NOT_YET or -errno) and costs no other (S8). */
struct disk_listener {
    void *context;
    void (*container)(void *context, struct container *c);
    void (*failed)(void *context, const char *id, int code, const struct error *error);
};

/* All containers. -errno only where the directory itself cannot be listed (S9). */
int disk_list(int containers_fd, const struct container_constants *constants,
              const struct disk_listener *listener, struct error *error) MUST_CHECK;
