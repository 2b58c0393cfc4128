/* monitor_private — the monitor's inside, for monitor.c (containers from disk, publishing) and
 * engine_link.c (the Engine's part). */
#pragma once

#include "agent/monitor.h"
#include "agent/names_watch.h"
#include "agent/tracked.h"
#include "docker/engine.h"

struct monitor {
    struct monitor_options options;
    struct tracked_shared shared;
    char *containers_directory;
    int containers_fd;
    char own_id[CONTAINER_ID_SIZE + 1]; /* the container we run in, if any */

    struct names_watch *names;
    struct tracked **items; /* by id */
    size_t count, capacity;
    struct tracked **stale; /* to be looked at */
    size_t stale_count, stale_capacity;
    bool roster_stale, routes_changed, started, wake;
    uint64_t roster_version;
    int64_t reconcile_at_ns, retry_at_ns; /* monotonic */

    struct engine *engine;
    bool engine_up;        /* pinged, and the event stream is open */
    int64_t connect_at_ns; /* monotonic; INT64_MAX while connecting or connected */
    int64_t connect_backoff_ns;
    int64_t last_event_ns; /* the Engine's clock */
    bool engine_failure_told;
};

struct tracked *monitor_find(const struct monitor *m, const char *id);
/* Finds or makes it. NULL without memory. */
struct tracked *monitor_track(struct monitor *m, const char *id);
void monitor_mark_stale(struct monitor *m, struct tracked *t);
/* A record, from whichever road. */
void monitor_learn(struct monitor *m, struct tracked *t, struct container *c);

int engine_link_open(struct monitor *m, struct error *error) MUST_CHECK;
/* Connects when it is time; asks for what is wanted. */
void engine_link_step(struct monitor *m, int64_t now_ns);
/* The list again: the truth, whatever events said. */
void engine_link_reconcile(struct monitor *m);
