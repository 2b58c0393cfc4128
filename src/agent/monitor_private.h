/* monitor_private — the monitor's inside, for its parts: monitor.c (life, waiting),
 * monitor_containers.c (the table, records), monitor_directories.c (names), monitor_publish.c
 * (book, views, roster, letting go), engine_link.c (the Engine). */
#pragma once

#include "agent/monitor.h"
#include "agent/names_watch.h"
#include "agent/tracked.h"
#include "base/log.h"
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
    bool book_written; /* since its last checkpoint */
    bool roster_stale, routes_changed, started, wake;
    bool quota_due; /* a chain has changed: more may be kept by pins alone */
    uint64_t roster_version;
    int64_t reconcile_at_ns, retry_at_ns; /* monotonic */

    struct log_limit unwritable_log;
    struct engine *engine;
    bool engine_up;        /* pinged, and the event stream is open */
    int64_t connect_at_ns; /* monotonic; INT64_MAX while connecting or connected */
    int64_t connect_backoff_ns;
    int64_t last_event_ns; /* the Engine's clock */
    bool engine_failure_told;
};

enum { MONITOR_RETRY_MS = 100 /* for a container whose files are not complete yet */ };

/* monitor_containers.c */
struct tracked *monitor_find(const struct monitor *m, const char *id);
/* Finds or makes it. NULL without memory. */
struct tracked *monitor_track(struct monitor *m, const char *id);
void monitor_mark_stale(struct monitor *m, struct tracked *t);
/* A record, from whichever road. */
void monitor_learn(struct monitor *m, struct tracked *t, struct container *c);
void monitor_forget(struct monitor *m, struct tracked *t);
/* Takes what the routes saw of its files. True where its chain has changed. */
bool monitor_hear_routes(struct monitor *m, struct tracked *t);
/* Reads again what is stale of it. */
void monitor_look_at(struct monitor *m, struct tracked *t);

/* The mtime of its directory: changes with every file that is made, renamed or removed in it. 0
 * where it is gone. */
int64_t monitor_directory_mtime(const struct monitor *m, const char *id);

/* monitor_directories.c */
int monitor_directory_path(const struct monitor *m, const char *id, char *path, size_t size)
    MUST_CHECK;
int monitor_list_directories(struct monitor *m) MUST_CHECK;
void monitor_list_new_directories(struct monitor *m);
void monitor_names_event(void *context, const struct names_event *event);
void monitor_sweep(struct monitor *m);
void monitor_lost_writes(struct monitor *m);

/* monitor_publish.c: works through the stale ones (look, write, publish); lets go what no route
 * needs; keeps the pins within their quota. */
void monitor_settle(struct monitor *m);
void monitor_release(struct monitor *m);
void monitor_keep_quota(struct monitor *m);

/* engine_link.c */

int engine_link_open(struct monitor *m, struct error *error) MUST_CHECK;
/* Connects when it is time; asks for what is wanted. */
void engine_link_step(struct monitor *m, int64_t now_ns);
/* The list again: the truth, whatever events said. */
void engine_link_reconcile(struct monitor *m);
