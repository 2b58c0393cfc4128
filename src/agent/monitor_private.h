/* monitor_private — the monitor's inside, for its parts: monitor.c (life, waiting), monitor_root.c
 * (is there a disk to look at?), monitor_containers.c (the table, records), monitor_sources.c
 * (which source a container gets), monitor_streams.c (those that the Engine streams),
 * monitor_directories.c (names), monitor_publish.c (book, views, roster, letting go), engine_link.c
 * (the Engine), monitor_pins.c (what only we keep). */
#pragma once

#include "agent/monitor.h"
#include "agent/names_watch.h"
#include "agent/streams.h"
#include "agent/tracked.h"
#include "base/log.h"
#include "docker/engine.h"

/* Docker's containers directory, as it is for us. */
enum root_state {
    ROOT_NONE, /* by configuration: the Engine's list tells which containers there are */
    ROOT_THERE,
    ROOT_MISSING,    /* what was known is waited for */
    ROOT_UNLISTABLE, /* not permitted: the Engine's list tells */
};

struct monitor {
    struct monitor_options options;
    struct tracked_shared shared;
    enum root_state root;
    char *told_root;            /* the root that the Engine told since the start; NULL */
    char *containers_directory; /* NULL with ROOT_NONE */
    int containers_fd;          /* -1 unless ROOT_THERE */
    int64_t root_at_ns;         /* monotonic: when it is tried again; INT64_MAX */
    int64_t root_backoff_ns;
    bool journal;                       /* it is there and may be read */
    struct streams *streams;            /* NULL while none was wanted */
    int streams_fd;                     /* eventfd; -1 without */
    char own_id[CONTAINER_ID_SIZE + 1]; /* the container we run in, if any */

    struct names_watch *names;
    const char *names_polled; /* the limit that keeps some directory from being watched; NULL */
    int64_t names_poll_at_ns; /* monotonic */
    bool root_unwatched;
    struct tracked **items; /* by id */
    size_t count, capacity;
    struct tracked **stale; /* to be looked at */
    size_t stale_count, stale_capacity;
    bool book_written; /* since its last checkpoint */
    bool roster_stale, routes_changed, started, wake;
    bool trimmed;      /* once after the start */
    bool discovered;   /* the disk or the list has been looked at once */
    size_t unreadable; /* containers whose files may not be read */
    uint64_t wakeups;
    bool quota_due;    /* a chain has changed: more may be kept by pins alone */
    bool pins_filling; /* health says so */
    uint64_t roster_version;
    int64_t reconcile_at_ns, retry_at_ns; /* monotonic */

    struct log_limit unwritable_log;
    struct metadata_cache *cache; /* of what is known: spares questions */
    struct engine *engine;
    bool engine_configured; /* there is one to ask, be it up or not */
    bool engine_up;         /* pinged, and the event stream is open */
    bool inspects_due;      /* some container wants to be asked for */
    int64_t connect_at_ns;  /* monotonic; INT64_MAX while connecting or connected */
    int64_t connect_backoff_ns;
    int64_t events_by_ns; /* monotonic: the stream must have opened by then; INT64_MAX */
    uint64_t events_ticket;
    int64_t last_event_ns; /* the Engine's clock */
    bool engine_failure_told;
};

enum {
    MONITOR_RETRY_MS = 100,           /* for a container whose files are not complete yet … */
    MONITOR_RETRY_MAX_MS = 30 * 1000, /* … doubled each time, up to this */
};

/* monitor_root.c */

/* Looks whether the containers directory is there, and opens it. 0, or -ENOMEM and the like. */
int monitor_root_open(struct monitor *m, struct error *error) MUST_CHECK;
void monitor_root_close(struct monitor *m);
/* Tries again when it is time. True where it has come: its directories must be listed. */
bool monitor_root_step(struct monitor *m, int64_t now_ns);
/* Is it still the directory that we opened? What is gone from it is gone only then. */
bool monitor_root_holds(struct monitor *m);
/* The Engine has said where its files lie, as it sees it: where no root is configured we go there.
 */
void monitor_root_told(struct monitor *m, const char *root);
/* Ends what lies in a root that was left; what is in both is told. */
void monitor_leave_old_root(struct monitor *m);
/* Whose word decides which containers there are. */
static inline bool monitor_engine_decides(const struct monitor *m)
{
    return m->root == ROOT_NONE || m->root == ROOT_UNLISTABLE;
}

/* monitor_sources.c */

/* Opens the source of a container that has none yet, where its place is known and there. -errno:
 * to be tried again. */
int monitor_open_source(struct monitor *m, struct tracked *t, struct error *error) MUST_CHECK;
/* Do its lines lie in Docker's directories, whichever these are? */
bool monitor_reads_directories(const struct tracked *t);
void monitor_set_unreadable(struct monitor *m, struct tracked *t, bool unreadable);
/* A source keeps its kind: what another log driver of its container writes is told of. */
void monitor_check_driver(struct monitor *m, struct tracked *t);
/* Nothing is to be told of the driver of its container any more. */
void monitor_forget_driver(struct monitor *m, struct tracked *t);
/* Looks whether the files of a container that has a source may be read by now. */
void monitor_check_readable(struct monitor *m, struct tracked *t);
/* The container is no more: what its source still holds is read, then it is forgotten. */
void monitor_vanished(struct monitor *m, struct tracked *t);
/* Looks whether there is a journal to be read. */
void monitor_look_for_journal(struct monitor *m);

/* monitor_streams.c */

/* Has its log received, and tells whether it runs. Its spool is there when it returns. */
int monitor_stream_want(struct monitor *m, struct tracked *t, struct error *error) MUST_CHECK;
/* The same for one that has been asked for: a failure is told, not returned. */
void monitor_stream_tell(struct monitor *m, struct tracked *t);
/* Some stream has changed its state. */
void monitor_streams_changed(struct monitor *m);
/* Its connection has ended, so its spool is whole; with no Engine to ask it is as it was left. */
bool monitor_stream_has_ended(struct monitor *m, const struct tracked *t);
/* Every route is through with it. */
void monitor_stream_drop(struct monitor *m, struct tracked *t);
bool monitor_has_spool(const struct monitor *m, const char *id);
void monitor_drop_stray_spools(struct monitor *m);
void monitor_streams_close(struct monitor *m);

/* monitor_containers.c */
struct tracked *monitor_find(const struct monitor *m, const char *id);
/* Finds or makes it. NULL without memory. */
struct tracked *monitor_track(struct monitor *m, const char *id);
void monitor_mark_stale(struct monitor *m, struct tracked *t);
/* A record, from whichever road. */
void monitor_learn(struct monitor *m, struct tracked *t, struct container *c);
void monitor_forget(struct monitor *m, struct tracked *t);
/* To be looked at again, later with each failure in a row. True for the first of a row. */
bool monitor_retry(struct tracked *t);
/* The Engine is to be asked for it; while it is away that is nothing, since its list then tells. */
void monitor_want_inspect(struct monitor *m, struct tracked *t);
/* Takes what the routes saw of its files. True where its chain has changed. */
bool monitor_hear_routes(struct monitor *m, struct tracked *t);
/* Reads again what is stale of it. */
void monitor_look_at(struct monitor *m, struct tracked *t);

/* The mtime of its directories: changes with every file that is made, renamed or removed in them. 0
 * where its own is gone. */
int64_t monitor_directory_mtime(const struct monitor *m, const struct tracked *t);

/* monitor_directories.c */

/* "" where there is no directory to look at. */
int monitor_directory_path(const struct monitor *m, const char *id, char *path, size_t size)
    MUST_CHECK;
/* Takes up each container that has a directory; `all`: also those that are known. */
void monitor_list_directories(struct monitor *m, bool all);
void monitor_names_event(void *context, const struct names_event *event);
void monitor_sweep(struct monitor *m);
void monitor_lost_writes(struct monitor *m);

/* monitor_polling.c */

/* Has inotify tell of the names in a directory; false where its limits are reached, so that it must
 * be looked at from time to time. `id` NULL: the containers directory. */
bool monitor_watch_names(struct monitor *m, const char *path, const char *id);
/* The same for all directories of a container. */
bool monitor_watch_directories(struct monitor *m, struct tracked *t);
/* Looks, where it is time. */
void monitor_poll_names(struct monitor *m, int64_t now_ns);

/* monitor_publish.c: works through the stale ones (look, write, publish); lets go what no route
 * needs. */
void monitor_settle(struct monitor *m);
void monitor_release(struct monitor *m);

/* monitor_pins.c */

void monitor_count_pins(const struct monitor *m, struct monitor_pins *ret);
/* Warns while there is room; past it gives up what was let go first. */
void monitor_keep_quota(struct monitor *m);

/* engine_link.c */

int engine_link_open(struct monitor *m, struct error *error) MUST_CHECK;
/* Connects when it is time; asks for what is wanted. */
void engine_link_step(struct monitor *m, int64_t now_ns);
/* The list again: the truth, whatever events said. */
void engine_link_reconcile(struct monitor *m);
