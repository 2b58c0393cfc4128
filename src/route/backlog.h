/* backlog — what a route has still to deliver: bytes, and how old the oldest line of them is.
 *
 * It is what lies in front of the route's committed cursors in the files that are there (as
 * source/unread.h counts: a compressed rotation as it lies there), of the containers that the route
 * wants. What is read and not yet committed is part of it. Of journald nobody knows the bytes:
 * there only the age counts, of what was read, else of the route's waiting.
 *
 * The oldest line is found, not guessed: of what is under way it is known, and of sources that are
 * not read on at all the first line is read, of BACKLOG_READS_MAX of them at most: of those whose
 * last delivered line is the oldest. So a container that wrote once a day ago, and again just now,
 * is not a day behind. Where it cannot be read (a compressed rotation) the last delivered line
 * stands for it, or the container's creation.
 *
 * It is counted when somebody asks, by the route's thread between two turns, also while the sink
 * fails: a source that is read to its end costs nothing, any other one stat(2). Nobody is woken for
 * it who was not asked, and no line costs anything. A route that hangs in its sink does not answer:
 * then the answer before stands.
 *
 * What a route has not taken up yet does not count: new containers while it can recover neither
 * its ledger nor its sink.
 *
 * - Owns: nothing but a condition.
 * - Thread: the route's; asking and waiting (route.h) any other.
 */
#pragma once

#include "base/cleanup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { BACKLOG_READS_MAX = 8 /* sources whose first line is read for one answer */ };

struct route_backlog {
    bool known; /* false before the first answer */
    uint64_t bytes;
    int64_t oldest_ns; /* wall clock, the oldest line's time; 0: nothing is unread */
};

/* How old its oldest line is; 0 where there is none. */
static inline int64_t backlog_age_ns(const struct route_backlog *b, int64_t now_ns)
{
    return b->oldest_ns && now_ns > b->oldest_ns ? now_ns - b->oldest_ns : 0;
}

/* The asking, within a route. */
struct backlog {
    atomic_bool asked;
    pthread_cond_t answered;        /* under the status' lock */
    struct route_backlog abandoned; /* was read, and is void; until the cursors are loaded again */
};

struct route;
struct route_source;

void backlog_init(struct backlog *b);
void backlog_deinit(struct backlog *b);
/* Answers, if somebody asks. */
void backlog_answer(struct route *r);
/* Bytes of the batch in hand. Those of the journal nobody counts; and a compressed rotation counts
 * as it lies there, until the cursor has left it. */
uint64_t backlog_of_batch(const struct route *r, const struct route_source *s);
/* The route fails: all that is under way is void from now on. It counts until the cursors are back
 * where the ledger has them: backlog_recovered. */
void backlog_abandon(struct route *r);
/* So is the batch in hand, which nobody took, with the time of its first line. */
void backlog_abandon_batch(struct route *r, const struct route_source *s, int64_t first_ns);
void backlog_recovered(struct route *r);
