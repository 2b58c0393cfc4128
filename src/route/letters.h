/* letters — the dead letters of a route on their way to its sink once more.
 *
 *     letters_open → { letters_step … the sink's step, letters_take } → letters_close
 *
 * The letters that were there at the beginning go out oldest first, a request at a time. What is
 * delivered is redeemed in the ledger at once. Of what is refused again the culprits are found by
 * halving, as a route does; they stay, with their new answer. An answer that asks for another try
 * ends it: what is left stays as it was, and can be replayed later.
 *
 * - Owns: copies of the letters in hand. Borrows the ledger and the sink while open.
 * - Limits: LETTERS_LINES_MAX and LETTERS_BYTES_MAX a request; one in flight, in a slot that the
 *   caller lends.
 * - Thread: the ledger's and the sink's.
 */
#pragma once

#include "ledger/letters.h"
#include "sink/sink.h"

enum {
    LETTERS_LINES_MAX = 1000,        /* a request; also when the route's own are larger */
    LETTERS_BYTES_MAX = 1024 * 1024, /* of a body, likewise; a single letter may be larger */
};

struct letters_options {
    struct ledger *ledger;
    const struct sink_ops *ops; /* of a sink that sends requests */
    struct sink *sink;
    struct ledger_letter_filter filter; /* what it points at is borrowed while open */
    int64_t batch_bytes_max;            /* of the route's own bodies; at least 1 */
};

enum letters_state { LETTERS_ON_THEIR_WAY, LETTERS_DONE, LETTERS_FAILED };

struct letters_progress {
    enum letters_state state;
    uint64_t delivered, refused, left;
    uint64_t dropped;          /* of letters that are given up, and not sent */
    char text[ERROR_TEXT_MAX]; /* failed: why, for people */
};

/* It has failed, and why. */
void letters_fail(struct letters_progress *progress, const char *text);

struct letters;

/* -ENOTSUP where the sink sends no requests. */
int letters_check_sink(const struct sink_ops *ops, struct error *error) MUST_CHECK;
/* The same, or -errno where the ledger cannot be read. */
int letters_open(struct letters **ret, const struct letters_options *options, struct error *error)
    MUST_CHECK;
/* Also in between: what is under way is given up, and stays in the ledger. */
struct letters *letters_close(struct letters *l);
DEFINE_CLEANUP(struct letters *, letters_close)

/* It has something to send, or to end with. */
bool letters_want_slot(const struct letters *l);
/* Then: true where the slot is taken, until its answer. */
bool letters_step(struct letters *l, unsigned slot);
/* The answer that the sink's step gave for the slot. */
void letters_take(struct letters *l, const struct sink_answer *answer);

void letters_progress(const struct letters *l, struct letters_progress *ret);
