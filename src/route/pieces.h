/* pieces — the ranges of a request that are still to be sent, one after the other.
 *
 * At first the whole of it, or several ranges where it is larger than a request may be, or holds
 * lines of several groups. What is refused is halved; the first half comes before the second, and
 * both before all that follows, so that the entries of one source keep their order.
 *
 * - Owns: the list.
 * - Limits: refused pieces are halved so often that what was one piece at first becomes
 *   PIECES_SENT_MAX at most, or PIECES_SPARING_MAX. What is too large is halved as long as it can
 *   be.
 * - Errors: -ENOMEM, and all is as before.
 */
#pragma once

#include "base/cleanup.h"
#include "sink/request.h"

#include <stdbool.h>

enum { PIECES_SPARING_MAX = 7 };

struct pieces {
    struct request_range *items; /* the next one last */
    size_t count, capacity;
    size_t whole_count;   /* those that nothing is split of, behind what is in hand */
    unsigned splits_left; /* of refused ones in hand */
    bool sparing;         /* few of each, from the next that is taken in hand; after pieces_begin */
};

void pieces_deinit(struct pieces *p);
void pieces_clear(struct pieces *p);

/* All of `q`, whose groups are gathered (gather.h), in ranges of one group that take at most so
 * many bytes in a body, and have so many entries; a single entry may be larger. */
int pieces_begin(struct pieces *p, const struct request *q, uint64_t bytes_max, size_t lines_max)
    MUST_CHECK;

/* One more, behind those that are there; whole: it may be split as often as a new one. */
int pieces_append(struct pieces *p, struct request_range range) MUST_CHECK;

/* The next one; there is one. */
struct request_range pieces_next(const struct pieces *p);
/* It needs not be sent again. */
void pieces_settle(struct pieces *p);

enum {
    PIECES_HALVED = 0,
    PIECES_WHOLE = 1, /* a single entry, or it has been halved often enough */
};
/* The next one in halves: `refused` ones only so often. */
int pieces_halve(struct pieces *p, bool refused) MUST_CHECK;
