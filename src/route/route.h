/* route — the consumer: match + one sink + its cursors, in one thread.
 *
 * Pulls from the sources of the roster, round-robin with a byte quantum, and hands the lines to its
 * sink, in one of two ways:
 *
 * - A sink that is written through takes them at once. The cursors move when it has flushed them,
 *   all in one transaction with the sink's own rows.
 * - A sink that sends requests gets them in requests of many sources, several in flight. A source
 *   is in one of them at most, and is not pulled until that is answered: so its lines keep their
 *   order whatever is sent again. Each moves the cursors of its sources when it is settled: every
 *   line of it delivered, or in the dead letters.
 *
 * - Owns: its ledger, its sink, its reader and buffers, its thread.
 * - Limits: one batch of BATCH_ENTRIES_MAX; the requests that the user allows, and as many of
 *   single containers that the sink holds up alone. Memory does not grow with what is unread.
 * - Errors: a failing sink or ledger never ends it: it waits (ROUTE_BACKOFF_MIN_NS, doubling to
 *   ROUTE_BACKOFF_MAX_NS, jittered), goes back to what is committed and tries again. A request that
 *   the sink could not take is kept meanwhile, and sent again.
 * - Thread: route_step runs in the route's own; the others from the monitor's, unless they say
 *   otherwise.
 */
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "base/health.h"
#include "route/backlog.h"
#include "route/errand.h"
#include "route/match.h"
#include "route/start.h"
#include "route/sums.h"
#include "sink/sink.h"
#include "source/slot.h"
#include "source/watch.h"

#define ROUTE_BACKOFF_MIN_NS   (100 * NS_PER_MS)
#define ROUTE_BACKOFF_MAX_NS   (30 * NS_PER_SECOND)
#define ROUTE_TICK_MIN_NS      (50 * NS_PER_MS)
#define ROUTE_TICK_MAX_NS      (2 * NS_PER_SECOND) /* a batch may be full long before its age */
#define ROUTE_FOLD_INTERVAL_NS (3600 * NS_PER_SECOND)
#define ROUTE_STOP_NS          (10 * NS_PER_SECOND) /* for answers, once it shall stop */

struct route_options {
    const char *name;
    unsigned number; /* its bit in the slots' ready words */
    const struct match *match;
    struct start start;
    size_t record_bytes_max; /* 0: RECORD_BYTES_MAX */
    int64_t batch_age_ns;    /* longest wait of a line for its commit, or to be sent; 0: at once */
    /* Of a sink that sends requests; zero for the others. */
    int64_t batch_bytes_max, batch_lines_max; /* a request is sent when it has as many */
    int64_t dead_letters_bytes_max;           /* then the route stops */
    struct sink_config sink;
    const struct sink_environment *environment;
    const char *ledger_path; /* needed by route_open alone */
    int64_t ledger_keep_ns; /* rows of removed containers are folded into daily totals after this */
    const char *ledger_vfs; /* NULL: SQLite's default */
    struct roster_board *board;
    struct watch *watch; /* NULL: nothing is armed; whoever writes marks the slots ready */
    const char *journal_directory; /* NULL: the system's */
    struct health *health;         /* what degrades; NULL: nobody asks */
    int monitor_fd;                /* eventfd: wakes the monitor; -1: none */
    bool once;                     /* up to each source's size at discovery, then done */
};

struct route;

/* Opens the ledger, brings the sink back to what is committed. All strings are borrowed. */
int route_open(struct route **ret, const struct route_options *options, struct error *error)
    MUST_CHECK;
/* Stops it if it runs: commits, closes. Returns NULL. */
struct route *route_close(struct route *r);
DEFINE_CLEANUP(struct route *, route_close)

/* Runs route_step in a thread of its own, until route_stop or, with `once`, until it is done. */
int route_start(struct route *r, struct error *error) MUST_CHECK;
void route_wake(struct route *r);
void route_stop(struct route *r); /* asks */
void route_join(struct route *r); /* waits until its thread has ended */
bool route_is_done(const struct route *r);

/* One round. *ret_timeout_ns: how long the next may wait, INT64_MAX without end. For the thread,
 * and for tests that step by hand. */
void route_step(struct route *r, int64_t now_ns, int64_t *ret_timeout_ns);
/* Commits what is encoded; true where all is committed, and the sink works. Requests are
 * not waited for. */
bool route_commit_now(struct route *r);

/* What became of the requests; all zero where the sink is written through. */
struct request_counts {
    uint64_t sent;                          /* also parts of requests that are sent in pieces, */
    uint64_t resent;                        /* and of them those that were sent before */
    uint64_t answered[VERDICT_REFUSED + 1]; /* by enum verdict */
    uint64_t in_flight;                     /* now */
    uint64_t aside;                         /* now: containers that the sink holds up alone */
    uint64_t letters, letter_bytes;         /* in the ledger now */
    uint64_t voided;                        /* tries at which all was refused, and nothing counted;
                                               0 once the sink has taken a line */
    uint64_t redeemed;                      /* letters that a replay has delivered after all */
};

/* How it is. */
struct route_status {
    struct route_sums sums;
    struct request_counts requests;
    struct route_backlog backlog; /* as of the last answer */
    int64_t failing_since_ns;     /* wall clock; 0: well */
    int64_t next_try_ns;          /* monotonic; 0: well, and past while a try is under way */
    char reason[ERROR_TEXT_MAX];
    bool undelivered;                /* `once`: something was left */
    const struct sink_event *events; /* of its sink; NULL: it counts none */
    uint64_t event_counts[SINK_EVENTS_MAX];
};
void route_status(struct route *r, struct route_status *ret);

/* Has its thread count the backlog, for the next route_status. False where it still owes an answer,
 * which need not be waited for again. */
bool route_ask_backlog(struct route *r);
/* For the answer, at most until then; monotonic. */
void route_wait_backlog(struct route *r, int64_t until_ns);

/* Has its thread send dead letters once more, or give them up, whatever its sink (errand.h). The
 * filter is copied. -EBUSY while either is on its way, -ENOTSUP for a replay where the sink sends
 * no requests. These two: from any thread. */
int route_ask_errand(struct route *r, enum errand_kind kind,
                     const struct ledger_letter_filter *filter, uint64_t *ret_number,
                     struct error *error) MUST_CHECK;
void route_errand_status(struct route *r, enum errand_kind kind, struct route_errand *ret);

const char *route_name(const struct route *r);
const char *route_sink_type(const struct route *r);
/* Its thread hangs, and not in its sink. */
bool route_is_stuck(const struct route *r);

/* The cursors in its ledger of the sources that are not removed; before it runs. */
int route_each_cursor(struct route *r,
                      int (*visit)(void *context, const char *id, const struct cursor *cursor),
                      void *context, struct error *error) MUST_CHECK;
