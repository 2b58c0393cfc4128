/* draft — what a commit is going to write: how far each of some sources was read, what became of
 * its lines, and what of it could not be read.
 *
 * A route that writes through has one. One that sends requests has one for each, which is committed
 * when that is answered. A source is in one draft at most; while that is not the one that is being
 * filled, the source is not pulled. It knows where it is (route_source.draft).
 *
 * The tallies are what is added to the ledger's: what others do there meanwhile counts too.
 *
 * - Owns: its lists, and a reference on the slot of each source: one may leave the roster, and what
 *   was read of it is committed all the same.
 * - Limits: as many sources as the route has.
 * - Thread: the route's.
 */
#pragma once

#include "route/sums.h"
#include "source/slot.h"

#include "model/cursor.h"

struct route_source;

struct draft_source {
    struct slot *slot;           /* owned */
    struct route_source *source; /* NULL: it has left the roster */
    uint32_t key;                /* in the ledger */
    struct cursor cursor;        /* behind what was read */
    struct tally tally;          /* of what was read; refused lines come to it with the answers */
    uint64_t lines_too_old;      /* of lines_filtered */
    int64_t first_ns;            /* time of its first line; 0: there is none */
    uint64_t backlog_bytes;      /* of bytes_read: what counts as backlog (backlog_of_batch) */
};

struct draft_gap {
    uint32_t key;
    struct gap gap;
};

struct draft {
    struct draft_source *sources;
    size_t count, capacity; /* no sources: nothing is to be written */
    struct draft_gap *gaps;
    size_t gap_count, gap_capacity;
};

void draft_deinit(struct draft *d);
/* Empties it; its sources are in no draft any more. Keeps a little memory. */
void draft_clear(struct draft *d);

/* The place of `s`, which is in no other draft. *ret is good until the next call. -ENOMEM. */
int draft_take(struct draft *d, struct route_source *s, struct draft_source **ret) MUST_CHECK;
/* -ENOMEM. */
int draft_add_gap(struct draft *d, uint32_t key, const struct gap *gap) MUST_CHECK;
/* The gaps of this source that nothing came behind yet last until `before_ns`. */
void draft_close_gaps(struct draft *d, uint32_t key, int64_t before_ns);

/* So many of its lines, which count as delivered, were refused. */
void draft_refuse(struct draft *d, uint32_t key, uint64_t lines);
/* The source at this place, which the last one takes, goes into another draft with its gaps.
 * -ENOMEM, and all is as before. */
int draft_move(struct draft *from, struct draft *to, size_t place) MUST_CHECK;
/* The source is about to go. */
void draft_forget(struct route_source *s);

/* Any that the sink was given. */
bool draft_has_lines(const struct draft *d);
/* All of it. */
void draft_sum(const struct draft *d, struct route_sums *ret);
