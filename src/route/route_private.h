/* route_private — the route's inside, for its parts: source.c (what one is and tells), attach.c
 * (which sources), serve.c (pull and encode), turn.c (when to look at the journal), commit.c
 * (durable), unwritten.c (what it has still to write), route.c (the loop). */
#pragma once

#include "base/beat.h"
#include "base/log.h"
#include "ledger/ledger.h"
#include "route/route.h"
#include "source/journal.h"

enum source_heat {
    SOURCE_QUIET, /* read to its end, its watch armed */
    SOURCE_WARM,  /* had something lately: looked at with each tick */
    SOURCE_HOT,   /* has more right now */
};

struct route_source {
    struct follow follow;
    struct journal_source *journal; /* owned: its part in the reading; NULL: it is in files */
    uint32_t key;                   /* in the ledger */
    uint32_t unwritten;             /* its place in route.unwritten, from 1; 0: as in the ledger */
    enum source_heat heat;
    bool listed;    /* in the active list */
    bool done;      /* `once`: nothing more to do */
    bool unwatched; /* inotify refused: looked at with each tick */
    bool gap_open;  /* a pending gap waits for the time of the record behind it */
    bool removed;   /* the ledger had it as removed */
    bool matches;   /* what match said of `matched` */
    uint64_t needs; /* lowest serial that what is encoded needs; published once it is committed */
    struct container *matched; /* owned: whom `matches` was asked about */
    struct container *bound;   /* owned: whom `target` was made for */
    struct sink_target *target;
};

/* What the next commit writes of a source. It is kept apart: most sources are silent. */
struct unwritten {
    struct route_source *source;
    struct cursor cursor; /* behind what is encoded */
    struct tally tally;
};

struct pending_gap {
    struct route_source *source;
    struct gap gap;
};

struct route {
    struct route_options options;
    const struct sink_ops *ops;
    struct sink *sink;
    struct ledger *ledger;
    struct follow_tools tools;
    struct journal *journal;
    enum source_heat journal_heat;
    struct batch batch;

    struct roster *roster;
    struct route_source **sources; /* in the roster's order */
    size_t source_count;
    struct route_source **active; /* not quiet */
    size_t active_count, active_capacity;
    struct route_source *serving; /* whose pull is in hand */

    struct unwritten *unwritten;
    size_t unwritten_count, unwritten_capacity;
    struct pending_gap *gaps; /* booked with the next commit */
    size_t gap_count, gap_capacity;
    struct route_sums unvouched; /* since the last commit */
    bool dirty;
    int64_t commit_due_ns, tick_due_ns; /* monotonic */

    bool failing;
    int64_t retry_at_ns, backoff_ns;
    struct log_limit unreadable_log;
    int64_t fold_due_ns; /* monotonic */

    int wake_fd;
    pthread_t thread;
    bool started;
    struct beat beat;
    atomic_bool stopping, done;

    pthread_mutex_t status_lock;
    struct route_status status;
};

/* source.c */
/* One pull, and the end of the open lines, of whatever kind the source is. */
int source_pull(struct route *r, struct route_source *s, const struct view *view) MUST_CHECK;
int source_finish(struct route *r, struct route_source *s, const struct view *view) MUST_CHECK;
/* `once`: its cursor is where the source ended at discovery. */
bool source_once_done(const struct route_source *s);
/* Back to its committed cursor. */
void source_reset(struct route *r, struct route_source *s, const struct cursor *cursor);
/* Lowest serial that its cursor needs. */
uint64_t source_needs(const struct route_source *s);
/* To be looked at: now (hot), or with the next tick (warm). */
void source_activate(struct route *r, struct route_source *s, enum source_heat heat);
/* Tells the monitor what the committed cursor needs. */
void source_publish_needs(struct route *r, struct route_source *s);

/* attach.c */
int attach_reconcile(struct route *r, struct error *error) MUST_CHECK;
void attach_free(struct route *r);

/* serve.c: one turn of one source. 0, SINK_FAILED, or -errno of the source alone. */
int serve_source(struct route *r, struct route_source *s, struct error *error);
int serve_finish(struct route *r, struct route_source *s, struct error *error);

/* turn.c: the journal's turn, before the sources'. */
void turn_journal(struct route *r, bool tick, int64_t now_ns);
/* When it wants to be looked at, besides with each tick where it is warm; monotonic. */
int64_t turn_due_ns(const struct route *r);
/* What to wait for; -1: nothing. */
int turn_fd(const struct route *r);
/* The journal's options->activate. */
void turn_activate(void *context, struct journal_source *s);

/* unwritten.c */
/* What is unwritten of `s`; begins, where nothing was, with the ledger's tally. *ret is good until
 * the next call. */
int unwritten_of(struct route *r, struct route_source *s, struct unwritten **ret,
                 struct error *error) MUST_CHECK;
void unwritten_drop(struct route *r, struct route_source *s);
void unwritten_clear(struct route *r);

/* commit.c */
/* What was done since the last commit is durable, and shown. */
void commit_vouch(struct route *r);
int commit_all(struct route *r, struct error *error) MUST_CHECK;
int commit_recover(struct route *r, struct error *error) MUST_CHECK;
