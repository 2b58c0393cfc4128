/* route_private — the route's inside, for its parts: source.c (what one is and tells), attach.c
 * (which sources), serve.c (pull and hand over), turn.c (when to look at the journal), draft.h
 * (what a commit writes), commit.c (durable), waiting.c (what is told while it cannot deliver),
 * route.c (the loop), thread.c (its thread: waits, stops).
 *
 * Where the sink sends requests: requests.c (filling and sending), load.h (what one carries),
 * pieces.h (its ranges), answers.c (what an answer does), aside.c (one stream alone is held up),
 * refusals.c (refused for good), doubt.c (or the whole configuration is wrong), errand.h (dead
 * letters, when somebody asks: replay.c, drop.c), binding.c (targets outlive their requests). */
#pragma once

#include "base/beat.h"
#include "base/log.h"
#include "ledger/ledger.h"
#include "route/backoff.h"
#include "route/draft.h"
#include "route/load.h"
#include "route/route.h"
#include "source/follow_rest.h"
#include "source/journal.h"

enum source_heat {
    SOURCE_QUIET, /* read to its end, its watch armed */
    SOURCE_WARM,  /* had something lately: looked at with each tick */
    SOURCE_DUE,   /* the same, and there was a tick since it was looked at */
    SOURCE_HOT,   /* has more right now */
};

/* What the sink made for the lines of one (source, era). */
struct binding {
    bool of_source;              /* its source has it still */
    size_t parts;                /* of requests that are under way, and have it, too */
    struct container *record;    /* owned: of the era, as the source has it */
    struct container *container; /* owned: the same unfolded, with its labels; NULL at rest */
    struct sink_target *target;  /* owned */
};

struct route_source {
    struct slot *slot;              /* owned */
    struct follow *follow;          /* owned; NULL: it is at rest */
    struct follow_rest rest;        /* where it goes on, while it is */
    struct journal_source *journal; /* owned: its part in the reading; NULL: it is in files */
    uint32_t key;                   /* in the ledger */
    uint32_t draft_place;           /* in `draft` */
    struct draft *draft;            /* what is to be written of it; NULL: as in the ledger */
    enum source_heat heat : 8;
    bool listed;    /* in the active list */
    bool done;      /* `once`: nothing more to do */
    bool finished;  /* `once`: its open lines are ended */
    bool unwatched; /* inotify refused: looked at with each tick */
    bool gap_open;  /* a pending gap waits for the time of the record behind it */
    bool removed;   /* the ledger had it as removed */
    bool matches;   /* what match said of `matched` */
    uint64_t needs; /* lowest serial that what is drafted needs; published once it is committed */
    struct container *matched; /* owned: whom `matches` was asked about */
    struct binding *binding;   /* owned, with the parts that have it; NULL: none, now */
};

/* What a source of the journal has for it. */
struct journal_part {
    struct journal_source journal;
    struct route_source *source; /* whose it is */
};

enum request_state {
    REQUEST_FILLING,
    REQUEST_READY,   /* its next piece waits for a slot, and for the end of a backoff */
    REQUEST_SENT,    /* in `slot` */
    REQUEST_DOUBTED, /* answered to its end, but see doubt.c */
    REQUEST_SETTLED, /* to be committed */
};

struct route_request {
    struct load load;
    struct draft draft;
    enum request_state state;
    unsigned slot;          /* of the sink, while it is sent */
    bool aside;             /* sources that are held up alone */
    bool resent;            /* its next piece was sent before */
    bool doubted;           /* of what was refused of it, some may not be to blame */
    struct backoff backoff; /* of its own, beside the route's */
};

/* The requests of a route whose sink sends them. */
struct requests {
    const struct sink_request_ops *ops; /* NULL: the sink is written through, all else is unused */
    unsigned sent_max;                  /* in flight at once: the sink's slots */
    int64_t max_age_ns;                 /* of a line; 0: any */
    struct route_request *filling;      /* owned; NULL: nothing is pulled */
    struct route_request *items[REQUESTS_MAX + ASIDE_MAX]; /* owned; sent_max, and those aside */
    size_t count;
    struct route_request *spares[REQUESTS_MAX + 1]; /* owned: their memory, for the next ones */
    size_t spare_count;
    int64_t rest_due_ns; /* when that is given back, monotonic; 0: to be told; INT64_MAX: it was */
    uint32_t slots;      /* a bit for each that is used */
    bool understood;     /* by the sink, since the start: doubt.c */
    bool waiting;        /* the sink is not reached: one probe when the backoff is over */
    int probe;           /* its slot; -1: none is under way */
    struct request_counts counts;
};

/* Sending dead letters once more. */
struct replay {
    struct letters *letters; /* owned; NULL: there is none on its way */
    unsigned slot;           /* of the sink, while one of its requests is sent */
    bool had_turn;           /* one was answered: lines that wait come first */
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
    size_t unfolded;              /* bindings that have their container */
    struct route_source *serving; /* whose pull is in hand */

    struct draft written;  /* of a sink that is written through */
    struct draft *filling; /* where pulls are drafted; NULL: nothing is pulled */
    struct requests requests;
    struct replay replay;
    struct errand errand;
    struct backlog backlog;
    int64_t commit_due_ns, tick_due_ns; /* monotonic */
    int64_t sync_due_ns; /* of the ledger, monotonic; INT64_MAX: all of it is on the disk */
    bool ticking;        /* not all that the last tick made due has been read yet */

    bool finishing; /* `once`: only the sink has something to do */
    bool failing;   /* what is not committed is void */
    struct backoff backoff;
    bool waiting_told; /* in the log */
    struct log_limit waiting_log, unreadable_log, refused_log, aside_log;
    int64_t fold_due_ns; /* monotonic */

    int wake_fd;
    pthread_t thread;
    bool started;
    struct beat beat;
    atomic_bool stopping, done;

    pthread_mutex_t status_lock;
    struct route_status status;
};

/* route.c */
/* Pulls are drafted that are neither committed nor on their way. */
bool route_is_dirty(const struct route *r);
bool route_may_pull(const struct route *r);
/* It ends, and not all is delivered. */
void route_leave_undelivered(struct route *r);
/* Wakes whoever waits for this eventfd; -1: nobody does. */
void route_signal(int fd);

/* source.c */
/* One pull, and the end of the open lines, of whatever kind the source is. */
int source_pull(struct route *r, struct route_source *s, const struct view *view) MUST_CHECK;
int source_finish(struct route *r, struct route_source *s, const struct view *view) MUST_CHECK;
/* `once`: its cursor is where the source ended at discovery. */
bool source_once_done(const struct route_source *s);
/* Has its follow there, until it rests again. -ENOMEM. */
int source_wake(struct route_source *s) MUST_CHECK;
void source_drop_follow(struct route *r, struct route_source *s);
/* Where it stands, at rest or not. */
struct cursor source_cursor(const struct route_source *s);
/* Back to its committed cursor. It is awake. */
void source_reset(struct route *r, struct route_source *s, const struct cursor *cursor);
/* Lowest serial that its cursor needs. */
uint64_t source_needs(const struct route_source *s);
/* To be looked at: now (hot, due), or with the next tick (warm). */
void source_activate(struct route *r, struct route_source *s, enum source_heat heat);
/* It has lines under way: it is not pulled, and not in the active list, until they are settled. */
bool source_is_held(const struct route *r, const struct route_source *s);
/* The held ones leave the active list; each comes back when it is let go. */
void source_unlist_held(struct route *r);
void source_let_go(struct route *r, struct route_source *s);
/* Where it is quiet, and nothing of it under way, it keeps no more than it needs to be woken:
 * mostly no follow, and often no binding. */
void source_rest(struct route *r, struct route_source *s);
/* The follow alone, where nothing came: so many that are looked at together are not all awake. */
void source_rest_follow(struct route *r, struct route_source *s);
/* Tells the monitor what the committed cursor needs, which lets go of what is before that: the
 * cursor is on the disk by then. */
void source_publish_needs(struct route *r, struct route_source *s);
/* That would be something else than it was told last. */
bool source_needs_moved(const struct route *r, const struct route_source *s);

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

/* binding.c: the source's, until that lets it go. 0, SINK_FAILED or -errno. */
int binding_new(struct route *r, struct container *c, struct binding **ret, struct error *error);
/* Has its container there, until it is folded again. -ENOMEM. */
int binding_unfold(struct route *r, struct binding *b) MUST_CHECK;
/* Keeps the record alone, where no request needs more. */
void binding_fold(struct route *r, struct binding *b);
/* The same where many are unfolded. */
void binding_used(struct route *r, struct binding *b);
struct binding *binding_let_go(struct route *r, struct binding *b);
/* The source is quiet. Where the sink can make it anew the source has none; else it is folded. */
struct binding *binding_rest(struct route *r, struct binding *b);
/* For a part of a request: while any has it the container is there. */
struct binding *binding_hold(struct binding *b);
struct binding *binding_release(struct route *r, struct binding *b);

/* waiting.c */
/* It cannot deliver: tells it, and waits. */
void waiting_begin(struct route *r, const char *reason, int64_t at_least_ns, int64_t now_ns);
/* The other side wants to be left alone for so long. */
void waiting_prolong(struct route *r, int64_t at_least_ns, int64_t now_ns);
/* It works again, but for a sink that still refuses everything. */
void waiting_end(struct route *r);

/* commit.c */
/* What these sums count is durable: it is shown. */
void commit_vouch(struct route *r, struct route_sums *sums);
/* What is written through. */
int commit_written(struct route *r, struct error *error) MUST_CHECK;
/* The requests that are settled, in one transaction; their sources are pulled again. */
int commit_settled(struct route *r, struct error *error) MUST_CHECK;
/* Has the disk keep the ledger's commits where the first of them is LEDGER_SYNC_MS old, in whatever
 * state the route is; `sync_due_ns` is when to call it again. */
int commit_sync(struct route *r, int64_t now_ns, struct error *error) MUST_CHECK;
/* The same at once: the route's end. */
void commit_end(struct route *r);
int commit_recover(struct route *r, struct error *error) MUST_CHECK;

/* requests.c: all but the first two do nothing where the sink is written through. */
int requests_init(struct route *r, struct error *error) MUST_CHECK;
void requests_deinit(struct route *r);
/* Whether one may be filled: there is room, and the sink is reached. */
bool requests_may_fill(const struct route *r);
/* One is there to be filled. -ENOMEM. */
int requests_begin(struct route *r) MUST_CHECK;
bool requests_are_full(const struct route *r);
/* What was filled is to be sent; without lines it is settled. -ENOMEM. */
int requests_queue(struct route *r) MUST_CHECK;
/* One more, empty; and back. */
struct route_request *requests_new(struct route *r);
void requests_free(struct route *r, struct route_request *q);
/* A slot of the sink that nobody uses; -1: there is none. */
int requests_free_slot(const struct route *r);
/* Sends what may be sent now. */
void requests_send(struct route *r, int64_t now_ns);
/* The sink is not reached, or cannot go on. */
void requests_hold_up(struct route *r, const char *reason, int64_t at_least_ns, int64_t now_ns);
/* When there is something to be sent; INT64_MAX: not before an answer comes. */
int64_t requests_due_ns(const struct route *r);
/* Gives back the memory of past ones once no more of them have come for a while; when it wants to
 * be called again. */
int64_t requests_rest(struct route *r, int64_t now_ns);
/* Nothing of them counts. */
void requests_abandon(struct route *r);

/* answers.c: takes all answers that are there. -errno: of the ledger, or no memory. */
int answers_take(struct route *r, int64_t now_ns, struct error *error) MUST_CHECK;

/* aside.c: the source of the target that the answer blames, or those of the group, shall not hold
 * up the others of the request. False where nobody alone is to blame, or there is no room. */
bool aside_put(struct route *r, struct route_request *q, const struct sink_answer *answer,
               int64_t now_ns);

/* refusals.c */
enum { REFUSALS_FULL = 1 };
/* Whether all that requests have, and so many bytes more, have room among the dead letters. 0,
 * REFUSALS_FULL, which `error` says, or -errno. */
int refusals_fit(struct route *r, uint64_t more_bytes, struct error *error) MUST_CHECK;
/* The next piece goes to the dead letters, with the commit of its request. REFUSALS_FULL: there is
 * no room. A doubted request asks for room when it is no longer. */
int refusals_add(struct route *r, struct route_request *q, const char *reason, const char *answer,
                 struct error *error) MUST_CHECK;
/* Logs what a doubted request has, once it counts. */
void refusals_tell(struct route *r, const struct load *l);
/* Within a transaction. */
int refusals_put(struct route *r, const struct route_request *q, struct error *error) MUST_CHECK;
/* How many there are, for the status. */
int refusals_count(struct route *r, struct error *error) MUST_CHECK;

/* doubt.c: a sink that refuses whatever it is sent may have no fault to find with the lines: the
 * path or the tenant may be wrong, or a proxy answers in its place. So until it has taken a line
 * since the start, or said of one in its own words why not, a refusal that explains nothing is
 * doubted. It becomes a dead letter as soon as the sink has shown that it understands us. When all
 * that is under way is refused, all is void instead: no cursor moves, and the route waits and tries
 * again, one request at a time, which is read anew and so holds what came meanwhile. */
/* The answer refuses for good. */
void doubt_note(const struct route *r, struct route_request *q, const struct sink_answer *answer);
/* Whether a try shall be no search for the culprit, but cost a few requests. */
bool doubt_is_sparing(const struct route *r);
/* It may show that the sink understands us. -errno: what was doubted has no room among the dead
 * letters; that, too, is to be read anew. */
int doubt_lift(struct route *r, const struct sink_answer *answer, struct error *error) MUST_CHECK;
/* -EREMOTEIO: all is refused. */
int doubt_judge(struct route *r, struct error *error) MUST_CHECK;

/* replay.c: does nothing while nobody asks for one. */
/* Goes on with it where a slot is free. Letters and lines that want the same slot have it in turn.
 * -errno of the ledger. */
int replay_step(struct route *r, int64_t now_ns, struct error *error) MUST_CHECK;
/* False where the answer is not of a replay. */
bool replay_take(struct route *r, const struct sink_answer *answer);
/* Also what is under way. */
void replay_abandon(struct route *r);

/* drop.c: gives up the letters that somebody asks it to, also while the sink fails. */
void drop_step(struct route *r);
