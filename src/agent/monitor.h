/* monitor — keeps the set of containers true, and the right source open for each: the hybrid
 * container monitor.
 *
 * Disk first, Engine second, events as hints. Where there is no disk to look at, the Engine's list
 * is the truth. What it learns it writes to the containers' book, and only then publishes: views
 * into slots, slots into the roster. It reads no log lines.
 *
 * What is missing (the data root, a socket, a permission) is told once in health, tried again with
 * growing patience, and taken up when it is there.
 *
 * - Owns: the containers, their chains and slots, the inotify instance of names, the engine client.
 * - Thread: one (the main one).
 * - Errors: what concerns one container costs only that container; it is named in a warning and
 *   tried again.
 */
#pragma once

#include "agent/known.h"
#include "agent/streams.h"
#include "base/health.h"
#include "docker/engine_version.h"
#include "docker/log_path.h"
#include "docker/metadata_cache.h"
#include "model/container.h"
#include "sink/output_registry.h"
#include "source/slot.h"
#include "source/watch.h"

#include <poll.h>

struct monitor_options {
    const char *docker_root;       /* "none": its files are not to be had */
    bool docker_root_configured;   /* else what the Engine says of it counts, whenever it says so */
    const char *docker_host;       /* as docker_host_find gives it; "none": disk only */
    const char *journal_directory; /* NULL: the system's journal */
    const char *state;             /* the directory where what the Engine says is kept */
    const char *spools;            /* the directory that streams are received into */
    struct health *health;         /* borrowed; may be NULL */
    struct container_constants constants;
    bool once; /* streams are received as far as they go by now, not followed */
    int64_t reconcile_ns;
    uint64_t pins_max_bytes;
    size_t route_count;
    const char *route_names[ROUTES_MAX];
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

/* In the log: how unread logs are kept, and why not otherwise ("" where there is no reason). */
void monitor_tell_pins_way(const struct pin *pins, const char *reason);

/* Looks at the disk once: what is there is published when it returns. */
int monitor_open(struct monitor **ret, const struct monitor_options *options, struct error *error)
    MUST_CHECK;
/* `orderly`: pins of what is read are removed. Returns NULL. */
struct monitor *monitor_close(struct monitor *m, bool orderly);

/* With `once`: 1 when all is there that can be had by now, with all that streams have given; 0: not
 * yet; -errno where it never will be. */
int monitor_gathered(struct monitor *m, struct error *error) MUST_CHECK;

/* Waits for something to do, at most `timeout_ms` (negative: no limit), and does it. `extra` are
 * the caller's descriptors (signals, wake-ups), whose revents it sets. */
int monitor_step(struct monitor *m, struct pollfd *extra, size_t count, int timeout_ms) MUST_CHECK;
/* A route has changed what it needs, or saw something. */
void monitor_routes_changed(struct monitor *m);

/* Of `pins_max`: health warns from the one on, and until it is less than the other. */
enum { PINS_WARN_PERCENT = 80, PINS_CALM_PERCENT = 70 };

/* What only pins and descriptors keep alive, since some route has not read it. */
struct monitor_pins {
    uint64_t bytes, max_bytes;
    uint64_t held_bytes[ROUTES_MAX]; /* what of it each route still needs */
    int64_t since_ns;                /* wall clock: Docker let go of the oldest; INT64_MAX: none */
};

struct monitor_status {
    size_t containers, sources;
    size_t kinds[LOG_KIND_COUNT];  /* containers by where their lines are read */
    size_t unreadable;             /* containers whose files may not be read */
    bool discovered;               /* the disk, or the Engine's list, has been looked at once */
    struct streams_status streams; /* all 0 while none was wanted */
    struct metadata_cache_stats cache;
    bool engine_up;
    struct engine_version engine_version; /* spoken with it; 0.0 before it has answered */
    uint64_t wakeups;                     /* turns of its loop since start */
    struct monitor_pins pins;
};
/* Counts anew: of the monitor's thread. */
void monitor_status(const struct monitor *m, struct monitor_status *ret);
