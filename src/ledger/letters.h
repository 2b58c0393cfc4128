/* letters — the dead letters of a route: lines that its sink refused, kept whole in its ledger.
 *
 * A letter is written in the transaction that moves its source's cursor over the line, so that a
 * kill neither loses nor doubles one. It carries its container's labels as they were rendered, so
 * that it can be sent again when the container is long gone; and it outlives the row of its source,
 * which is folded away (ledger_fold).
 *
 * The tally: a line with a letter is counted as refused. One that is redeemed is counted as
 * delivered from then on, in the row of its source or, where that is folded, in its day; one that
 * is dropped stays refused.
 *
 * - Thread: the ledger's.
 * - Errors: as ledger.h.
 */
#pragma once

#include "base/span.h"
#include "ledger/ledger.h"
#include "model/container.h"
#include "model/entry.h"

struct ledger_letter {
    uint64_t key;    /* the book's own number of it; given by ledger_put_letter */
    uint32_t source; /* the key of its source */
    int64_t refused_ns;
    const char *reason, *answer;
    uint64_t serial, offset; /* as the entry's */
    int64_t time_ns;
    unsigned stream, flags;
    enum message_form form;
    struct span message, attrs;
    const struct container *container;
};

/* Within a transaction; its container must live until that ends. */
int ledger_put_letter(struct ledger *l, const struct ledger_letter *letter, struct error *error)
    MUST_CHECK;
/* Refused again: it keeps its place and gets the new answer. Within a transaction. */
int ledger_answer_letter(struct ledger *l, uint64_t key, int64_t refused_ns, const char *reason,
                         const char *answer, struct error *error) MUST_CHECK;
/* Delivered after all, and gone from the book. Within a transaction. -ENOENT: there is none. */
int ledger_redeem_letter(struct ledger *l, uint64_t key, struct error *error) MUST_CHECK;

/* Calls `visit` for each letter behind `after_key`, oldest first; stops at its first non-zero
 * answer and returns it. The letter and its container (which knows no more than its id, name, TTY
 * and rendered labels) live for the call; within it nothing else is asked of this ledger. */
int ledger_letters(struct ledger *l, uint64_t after_key,
                   int (*visit)(void *context, const struct ledger_letter *letter), void *context,
                   struct error *error) MUST_CHECK;

/* Which letters are meant. */
struct ledger_letter_filter {
    uint64_t key;       /* 0: any */
    const char *reason; /* NULL: any */
};
bool ledger_letter_matches(const struct ledger_letter_filter *filter,
                           const struct ledger_letter *letter);
/* How many match, and the key of the newest of them; 0 where there is none. */
int ledger_count_letters(struct ledger *l, const struct ledger_letter_filter *filter,
                         uint64_t *ret_count, uint64_t *ret_newest, struct error *error) MUST_CHECK;
/* Gives up all that match: they are gone from the book, and do not come back with a power cut. Own
 * transaction. *ret_count: how many. */
int ledger_drop_letters(struct ledger *l, const struct ledger_letter_filter *filter,
                        uint64_t *ret_count, struct error *error) MUST_CHECK;

/* How many there are, and what counts of them towards the limit of a route: their messages, attrs,
 * answers and labels. Cheap; also within a transaction, whose letters count. */
int ledger_letter_sums(struct ledger *l, uint64_t *ret_count, uint64_t *ret_bytes,
                       struct error *error) MUST_CHECK;

/* The letters of one reason. */
struct ledger_letter_reason {
    const char *reason;
    uint64_t count, bytes;
    int64_t oldest_ns, newest_ns; /* refused */
};
/* As ledger_letters, by reason. */
int ledger_letter_reasons(struct ledger *l,
                          int (*visit)(void *context, const struct ledger_letter_reason *reason),
                          void *context, struct error *error) MUST_CHECK;
