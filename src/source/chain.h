/* chain — who follows whom: the segments and holes of one source through renames, compression and
 * removal. Kept by the monitor; routes see it as a view.
 *
 * chain_sync() looks at the directory and makes the chain agree with it; it may be called at any
 * time, any number of times. What an event said does not matter, but for one thing: how many live
 * files have been created since the last look, so that a generation that came and went unseen is
 * booked as a hole.
 *
 * Somebody may put a copy, however edited, in the live file's place (`sed -i`, a restored backup):
 * Docker goes on in the file that it has open, and opens the copy when the container or the daemon
 * starts anew. So the file before stays the live one as long as the copy has no record that is
 * later than all that is known. Then the copy is an element of its own, behind a hole `rewritten`
 * of 0 bytes: which says, across restarts too, that it is not to be read from its beginning
 * (relocate.h).
 *
 * - Owns: its elements' segments (one reference each), hence their descriptors, and its pins.
 * - Limits: SEGMENTS_MAX elements; beyond it the oldest that only we keep is given up.
 * - Thread: one.
 * - Errors: 0 or -errno with words.
 */
#pragma once

#include <limits.h>

#include "base/error.h"
#include "source/pin.h"
#include "source/reader.h"
#include "source/slot.h"

enum { CHAIN_CREATED_UNKNOWN = -1 };

/* One element as it was known before: from the ledger, a cursor, or the name of a pin. */
struct chain_known {
    struct segment_ref ref;
    bool gzip, sealed, cut, hole;
    enum gap_reason reason;
    int64_t bytes;
    bool dirty; /* out: not yet as the ledger has it */
};

/* What all chains share; borrowed. */
struct chain_tools {
    struct pin *pins;
    struct reader *reader; /* for fingerprints, as is scratch */
    struct batch *scratch;
};

struct chain_options {
    const char *id;        /* source id */
    bool known;            /* from before this start, though it may have had no file yet */
    const char *directory; /* of the live file; need not exist any more */
    const char *live_name; /* "<id>-json.log" */
    enum record_format format;
    int64_t rotation_bytes; /* a live file below this has no successor; 0: nobody knows, < 0: none
                               has one */
    const struct chain_tools *tools; /* borrowed */
};

struct chain;

/* `known` by serial, ascending. Opens what pins keep; looks at no directory yet. */
int chain_new(struct chain **ret, const struct chain_options *options,
              const struct chain_known *known, size_t count, struct error *error) MUST_CHECK;
struct chain *chain_free(struct chain *c);
DEFINE_CLEANUP(struct chain *, chain_free)

/* Looks. `created`: live files created since the last look, CHAIN_CREATED_UNKNOWN at start and
 * after lost events; a look that fails keeps their count for the next. *ret_changed: the view must
 * be published anew, also where it failed. -ESTALE: amid a rotation; to be called again soon. */
int chain_sync(struct chain *c, int created, bool *ret_changed, struct error *error) MUST_CHECK;

/* A route saw that `serial` was truncated in place: closes it as cut (which is a hole to all that
 * have not read it), and puts a new segment over the same file behind it. False where it was known.
 */
bool chain_cut(struct chain *c, uint64_t serial);

/* Lets go what lies before `needed` and what Docker let go of; closes descriptors of what is read.
 * True where the chain changed. */
bool chain_release(struct chain *c, uint64_t needed);

/* Gives up the pin of the oldest unread segment that only it keeps alive; it becomes a hole.
 * Returns the bytes given up, 0 if there was none. */
uint64_t chain_give_up(struct chain *c, enum gap_reason reason);

/* Bytes that only our pins or descriptors keep alive, and since when the oldest of them. */
uint64_t chain_pinned_bytes(const struct chain *c);
int64_t chain_let_go_ns(const struct chain *c);
/* Of these bytes, those from the serial on that a route needs. */
uint64_t chain_held_bytes(const struct chain *c, uint64_t needed);

/* Orderly stop: removes the pins of what no route needs. */
void chain_unpin_read(struct chain *c, uint64_t needed);

/* False until a look has succeeded: what is known is all from before. */
bool chain_has_looked(const struct chain *c);

/* A copy stands in the live file's place: to be looked at now and then, since no event tells when
 * it is written into. */
bool chain_has_copy(const struct chain *c);

/* Where its files lie; "" where that is too long for a path. */
void chain_directory(const struct chain *c, char path[PATH_MAX]);

/* The directory is gone. */
bool chain_is_gone(const struct chain *c);

/* The current live segment (or the last one there was); NULL if none. Its size, 0 without. */
struct segment *chain_live(const struct chain *c);
uint64_t chain_live_size(const struct chain *c);
uint64_t chain_highest_serial(const struct chain *c);

/* Learns the fingerprints that can be learnt now. */
void chain_learn(struct chain *c);

/* For the ledger: calls `visit` for each element that changed since the last call to
 * chain_mark_clean, and for each serial that was dropped. */
int chain_each_dirty(const struct chain *c,
                     int (*put)(void *context, const struct chain_known *element),
                     int (*forget)(void *context, uint64_t serial), void *context);
void chain_mark_clean(struct chain *c);

/* The segments as a view's parts, chain_count() of them; its references. */
size_t chain_count(const struct chain *c);
void chain_segments(const struct chain *c, struct segment **segments);
