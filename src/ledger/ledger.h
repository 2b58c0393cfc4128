/* ledger — the durable book of one route: cursors, tallies, gaps, and its sink's rows.
 *
 * One SQLite file per route, WAL. Dead letters lie in it too (letters.h). All of a commit is one
 * transaction: begin, put…, commit. Only what is put is written. Readable beside the running daemon
 * with sqlite3.
 *
 * A commit is on the disk when ledger_commit answers. With LEDGER_SYNC_LATER it survives our own
 * death then, and a power cut only from the next ledger_sync on: until that a cut undoes the newest
 * commits, each as a whole. That is for books whose sink may deliver twice; what a commit makes
 * superfluous (a pin) is given back only behind a sync.
 *
 * - Owns: one connection and its prepared statements.
 * - Thread: one (the route's). Readers open their own with LEDGER_READ_ONLY.
 * - Errors: -errno with words in `error` that say which file and what to do (database.h lists
 *   them). A damaged file or one of a newer schema is refused, never replaced. An older schema is
 *   migrated in one transaction.
 *   After a failed put or commit the transaction is rolled back and the caller recovers from what
 *   is committed: ledger_outputs and ledger_sources answer only once that is certain, so they come
 *   before any output is cut back.
 */
#pragma once

#include "base/error.h"
#include "model/cursor.h"
#include "model/gap.h"
#include "model/tally.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LEDGER_SCHEMA_VERSION = 2,
    LEDGER_GAPS_MAX = 100000, /* gap rows per book; past it the oldest go, their sums stay */
};
enum ledger_flags { LEDGER_READ_ONLY = 1 << 0, LEDGER_SYNC_LATER = 1 << 1 };

struct ledger;

/* Opens (and, unless read only, creates) the book at `path`. In a new book `attached_ns` is written
 * as the moment of the route's first attach. `vfs` names a SQLite VFS, NULL for the default. */
int ledger_open(struct ledger **ret, const char *path, const char *vfs, unsigned flags,
                int64_t attached_ns, struct error *error) MUST_CHECK;
struct ledger *ledger_close(struct ledger *l);
DEFINE_CLEANUP(struct ledger *, ledger_close)

/* The moment of the route's first attach (D76). */
int64_t ledger_attached_ns(const struct ledger *l);

/* One source of the book. `key` is this file's own small integer. */
struct ledger_source {
    uint32_t key;
    const char *id;   /* opaque source id (D72): for a container its full id */
    const char *name; /* last known name, for people */
    struct cursor cursor;
    struct tally tally;
    int64_t removed_ns; /* 0: there still */
};

/* Calls `visit` for each source; stops at its first non-zero answer and returns it. Strings live
 * for the call. */
int ledger_sources(struct ledger *l, int (*visit)(void *context, const struct ledger_source *s),
                   void *context, struct error *error) MUST_CHECK;

/* Calls `visit` for the source of that id, also within a transaction; LEDGER_NO_SUCH_SOURCE where
 * there is none. */
enum { LEDGER_NO_SUCH_SOURCE = 1 };
int ledger_find(struct ledger *l, const char *id,
                int (*visit)(void *context, const struct ledger_source *s), void *context,
                struct error *error) MUST_CHECK;

/* One row of the sink. */
struct ledger_output {
    const char *path;
    struct file_id file;
    uint64_t length;
};
int ledger_outputs(struct ledger *l, int (*visit)(void *context, const struct ledger_output *o),
                   void *context, struct error *error) MUST_CHECK;

/* A booked gap with the source's id (for verbs and tests), oldest first. */
struct ledger_gap {
    const char *source_id;
    struct gap gap;
    int64_t booked_ns;
};
int ledger_gaps(struct ledger *l, int (*visit)(void *context, const struct ledger_gap *g),
                void *context, struct error *error) MUST_CHECK;

/* One transaction. */
int ledger_begin(struct ledger *l, struct error *error) MUST_CHECK;
int ledger_add_source(struct ledger *l, const char *id, const char *name,
                      const struct cursor *cursor, uint32_t *ret_key, struct error *error)
    MUST_CHECK;
/* -EINVAL where the tally does not add up (R1), -ENOENT where there is no such key. */
int ledger_put_source(struct ledger *l, uint32_t key, const struct cursor *cursor,
                      const struct tally *tally, struct error *error) MUST_CHECK;
int ledger_put_name(struct ledger *l, uint32_t key, const char *name, struct error *error)
    MUST_CHECK;
int ledger_put_removed(struct ledger *l, uint32_t key, int64_t removed_ns, struct error *error)
    MUST_CHECK;
int ledger_put_gap(struct ledger *l, uint32_t key, const struct gap *gap, int64_t booked_ns,
                   struct error *error) MUST_CHECK;
int ledger_put_output(struct ledger *l, const struct ledger_output *output, struct error *error)
    MUST_CHECK;
int ledger_commit(struct ledger *l, struct error *error) MUST_CHECK;
void ledger_rollback(struct ledger *l);

/* Has the disk keep all commits; nothing to do where it does. After an error they may still be
 * undone by a power cut, and it is to be called again. */
int ledger_sync(struct ledger *l, struct error *error) MUST_CHECK;
bool ledger_is_synced(const struct ledger *l);

/* Folds the sources removed before `before_ns` into daily totals and deletes their rows. Own
 * transaction. *ret_folded counts them. */
int ledger_fold(struct ledger *l, int64_t before_ns, uint64_t *ret_folded, struct error *error)
    MUST_CHECK;

/* Nothing is to be written for a while: gives back the memory of what was read. */
void ledger_rest(struct ledger *l);

/* The whole book's sums, folded days included. */
int ledger_total(struct ledger *l, struct tally *ret, struct error *error) MUST_CHECK;
