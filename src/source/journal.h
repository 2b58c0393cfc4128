/* journal — the journald containers of one route: one reader of the journal for all of them.
 *
 * Two ways of reading, by one handle:
 *
 * - *together*: from the place that was reached on, all containers' entries as they come, sorted by
 *   container into a stage; each source's next pull takes what is staged for it. So hundreds of
 *   containers cost one pass, and no seek.
 * - *catching up*: a source that is new, or went back to another cursor, reads its own entries from
 *   its cursor until there are no more; then it takes part in the reading together. What it has
 *   read beyond the place reached there is passed over when it comes again.
 *
 * Nothing is passed in silence: where a cursor's entry is gone from the journal (vacuumed), or
 * Docker's own numbers have a hole, the pull that goes on behind it books a gap. bytes_read of a
 * journald source are the bytes of its messages.
 *
 * Eras of such a source count by time: serial 0, offset in microseconds; an entry belongs to the
 * era in which journald received it.
 *
 * - Owns: the handle, from the first source that the route wants until the last is gone; the
 *   stages.
 * - Limits: READ_QUANTUM_BYTES and BATCH_ENTRIES_MAX staged at once.
 * - Errors: where the journal cannot be read, health "journal.unreadable" says why; it is tried
 *   again, JOURNAL_RETRY_MIN_NS, doubling to JOURNAL_RETRY_MAX_NS.
 * - Thread: the route's.
 */
#pragma once

#include "base/clock.h"
#include "base/health.h"
#include "source/follow.h"
#include "source/journal_numbers.h"
#include "source/journal_place.h"

#define JOURNAL_RETRY_MIN_NS NS_PER_SECOND
#define JOURNAL_RETRY_MAX_NS (30 * NS_PER_SECOND)

/* Entries travel through journald's socket: what a container wrote last may come when its directory
 * is gone already. */
#define JOURNAL_LINGER_NS (5 * NS_PER_SECOND)
/* A removed container whose journal cannot be read is given up after this. */
#define JOURNAL_GIVE_UP_NS (60 * NS_PER_SECOND)

/* A source's part in it, beside its follow: plain data, to be zeroed but for `follow`. */
struct journal_source {
    struct follow *follow; /* slot, cursor, more */
    bool member;
    bool waiting; /* IDLE, but to be pulled again with the next tick */

    uint32_t wanted_version; /* of the view in which `wanted` was found out */
    bool wanted, wanted_known;
    bool behind;     /* must catch up */
    bool ahead;      /* what it has read may come again */
    bool lost;       /* the cursor's entry is gone; the next one says whether others are, too */
    bool last_look;  /* gone, and now reading what may have come late */
    int64_t gone_ns; /* monotonic: since when its directory is seen to be gone; 0: is there */
    uint32_t chunk[STREAM_COUNT]; /* the last one of the open line; 0: not known */
    struct journal_numbers numbers;

    size_t staged_first, staged_last, staged_count; /* records of the stage */
    struct journal_source *next_staged;
};

struct journal;

struct journal_options {
    const char *directory; /* NULL: the system's */
    struct health *health; /* may be NULL */
    bool once;             /* nothing past the end as found when the journal is opened */
    /* This source has something to be pulled. */
    void (*activate)(void *context, struct journal_source *s);
    void *context;
};

int journal_new(struct journal **ret, const struct journal_options *options) MUST_CHECK;
struct journal *journal_free(struct journal *j);
DEFINE_CLEANUP(struct journal *, journal_free)

/* The source is no more. Not for one that is being pulled. */
void journal_leave(struct journal *j, struct journal_source *s);
/* After follow_reset: forgets what was read. */
void journal_reset(struct journal *j, struct journal_source *s);

/* As follow_pull and follow_finish. */
int journal_pull(struct journal *j, struct journal_source *s, struct follow_tools *t,
                 const struct view *view, struct batch *batch) MUST_CHECK;
int journal_finish(struct journal *j, struct journal_source *s, struct follow_tools *t,
                   const struct view *view, struct batch *batch) MUST_CHECK;

/* Why the journal cannot be opened, which somebody wants; NULL where it can, or nobody does. */
const char *journal_missing(const struct journal *j);
/* Readable when there may be something new; -1: nothing to wait for. */
int journal_fd(const struct journal *j);
/* When journal_look is due whatever the descriptor says; monotonic, INT64_MAX: never. */
int64_t journal_due_ns(const struct journal *j);

/* Reads together, tries to open what could not be opened. Not while something is staged. */
enum journal_look {
    JOURNAL_NOTHING, /* nothing new */
    JOURNAL_SOME,    /* read to the end */
    JOURNAL_MORE,    /* more is there right now */
};
enum journal_look journal_look(struct journal *j, int64_t now_ns);
/* True while something is staged: only pulls help. */
bool journal_is_staged(const struct journal *j);
