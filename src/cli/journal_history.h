/* journal_history — the log of a journald container from the oldest entry that the journal has to
 * the newest, for cli/history.h. It reads as a route does that catches up, once.
 *
 * - Owns: the reader of the journal. Borrows the follow, which it moves.
 * - Thread: one.
 * - Errors: -errno; with words where the journal cannot be opened.
 */
#pragma once

#include "base/error.h"
#include "source/journal.h"

struct journal_history;

/* `directory`: NULL for the system's journal. */
int journal_history_new(struct journal_history **ret, const char *directory, struct follow *follow)
    MUST_CHECK;
struct journal_history *journal_history_free(struct journal_history *h);

/* FOLLOW_PROGRESS with the next entries, FOLLOW_END, or -errno. */
int journal_history_next(struct journal_history *h, struct follow_tools *tools,
                         const struct view *view, struct batch *batch, struct error *error)
    MUST_CHECK;
