/* monitor — keeps the set of containers true, and the right source open for each: the hybrid
 * container monitor.
 *
 * Disk first, Engine second, events as hints. What it learns it writes to the containers' book, and
 * only then publishes: views into slots, slots into the roster. It reads no log lines.
 *
 * - Owns: the containers, their chains and slots, both inotify instances, the engine client.
 * - Thread: one (the main one).
 * - Errors: what concerns one container costs only that container; it is named in a warning and
 *   tried again.
 */
#pragma once

#include "agent/known.h"
#include "model/container.h"
#include "sink/output_registry.h"
#include "source/slot.h"
#include "source/watch.h"

#include <poll.h>

struct monitor_options {
    const char *docker_root;
    const char *docker_host; /* as docker_host_find gives it; "none": disk only */
    struct container_constants constants;
    int64_t reconcile_ns;
    uint64_t pins_max_bytes;
    size_t route_count;
    struct pin *pins;
    struct containers *book;
    struct known *known; /* emptied by monitor_open */
    struct output_registry *outputs;
    struct roster_board *board;
    struct watch *watch;
    void (*wake_routes)(void *context);
    void *context;
};

struct monitor;

/* Looks at the disk once: what is there is published when it returns. */
int monitor_open(struct monitor **ret, const struct monitor_options *options, struct error *error)
    MUST_CHECK;
/* `orderly`: pins of what is read are removed. Returns NULL. */
struct monitor *monitor_close(struct monitor *m, bool orderly);

/* Waits for something to do, at most `timeout_ms` (negative: no limit), and does it. `extra` are
 * the caller's descriptors (signals, wake-ups), whose revents it sets. */
int monitor_step(struct monitor *m, struct pollfd *extra, size_t count, int timeout_ms) MUST_CHECK;
/* A route has changed what it needs, or saw something. */
void monitor_routes_changed(struct monitor *m);

struct monitor_status {
    size_t containers, sources;
};
void monitor_status(const struct monitor *m, struct monitor_status *ret);
