/* follow — a route's standing in one source: places its cursor, pulls what comes next, and says why
 * there is nothing.
 *
 * A pull is a function of (files, view, cursor) -> (batch, cursor'): reading again from the same
 * cursor gives the same entries. It never crosses an era, and never passes a hole, a torn tail or
 * damage without a gap in the batch, in the very pull in which the cursor crosses it.
 *
 * - Owns: a reference on the slot and on the current segment.
 * - Thread: the route's.
 * - Limits: one pull reads READ_QUANTUM_BYTES (more only for a record that is longer).
 */
#pragma once

#include "model/entry.h"
#include "source/join.h"
#include "source/reader.h"
#include "source/records.h"
#include "source/slot.h"

enum follow_outcome {
    FOLLOW_PROGRESS = 0, /* the cursor moved; the batch may hold entries and gaps */
    FOLLOW_IDLE = 1,     /* nothing new now */
    FOLLOW_END = 2,      /* nothing will ever come: the source is read to its end */
    FOLLOW_AGAIN = 3,    /* work was done, nothing to show yet: call again */
};

struct follow {
    struct slot *slot;       /* owned */
    struct segment *segment; /* owned; NULL: to be placed by the cursor */
    struct cursor cursor;
    uint64_t unwanted_needs;   /* where unwanted: the segment in which the next era may begin */
    uint64_t ambiguous_booked; /* the serial of the segment that was booked as ambiguous last */
    bool unwanted;             /* stands in an era that the route does not want */
    bool more;                 /* the last pull left whole records behind in its segment */
};

/* What the follows of one route share, since it pulls them one after the other. */
struct follow_tools {
    struct reader *reader;
    struct records_decoder decoder;
    struct join join;
    const struct follow *join_owner; /* whose open lines' text the join holds */
    struct batch *scratch;           /* for fingerprints and replays */
    const struct view *view;         /* of the pull in hand */
    unsigned route;                  /* its number in the slots */
    bool once;                       /* nothing past slot.once_… is read */
    struct slot_hold hold;           /* of the pull in hand: nothing past it is read either */
    bool records;                    /* entries are Docker's records: nothing is joined */
    /* Does the route want the lines of this container? */
    bool (*wants)(void *context, const struct container *c);
    void *context;
    /* Wakes the monitor: a slot_route.saw has been set. */
    void (*wake_monitor)(void *context);
};

int follow_tools_init(struct follow_tools *t, enum message_form form) MUST_CHECK;
void follow_tools_deinit(struct follow_tools *t);

void follow_init(struct follow *f, struct slot *slot, const struct cursor *cursor);
void follow_deinit(struct follow *f);

/* Back to another cursor (after a failed delivery). */
void follow_reset(struct follow *f, struct follow_tools *t, const struct cursor *cursor);

/* One pull. `batch` is emptied first; batch->container is set to that of the era. */
int follow_pull(struct follow *f, struct follow_tools *t, const struct view *view,
                struct batch *batch) MUST_CHECK;

/* Ends the open lines as the end of the source does (`--once`). FOLLOW_PROGRESS or FOLLOW_IDLE. */
int follow_finish(struct follow *f, struct follow_tools *t, const struct view *view,
                  struct batch *batch) MUST_CHECK;

/* True where the cursor has come to slot.once_…. */
bool follow_once_done(const struct follow *f);

/* The lowest serial the cursor still needs. */
uint64_t follow_needs(const struct follow *f);
