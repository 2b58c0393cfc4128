/* names_watch — tells what appears, moves and goes below Docker's containers directory.
 *
 * One inotify instance: the directory itself and each container's. Names only: what is written into
 * files costs neither us nor dockerd anything.
 *
 * - Owns: the instance, a table from watch to id.
 * - Thread: the monitor's.
 */
#pragma once

#include "base/error.h"
#include "model/container.h"

struct names_watch;

struct names_event {
    const char *id;   /* of the container whose directory it is; NULL: the containers directory */
    const char *name; /* of the entry; "" for the directory itself */
    bool appeared;    /* created or moved here; else deleted or moved away */
    bool lost_events; /* the queue ran over: everything must be looked at (nothing else is set) */
};

int names_watch_new(struct names_watch **ret, struct error *error) MUST_CHECK;
struct names_watch *names_watch_free(struct names_watch *w);
DEFINE_CLEANUP(struct names_watch *, names_watch_free)

/* -1 while there is no instance. */
int names_watch_fd(const struct names_watch *w);
/* Watches a directory; `id` NULL for the containers directory. Again is no matter. -errno: -ENOSPC
 * and -EMFILE where the user's limit of watches or of instances is reached. */
int names_watch_add(struct names_watch *w, const char *path, const char *id) MUST_CHECK;
/* Calls `event` for all that has happened. 0 or -errno. */
int names_watch_read(struct names_watch *w,
                     void (*event)(void *context, const struct names_event *event), void *context)
    MUST_CHECK;
