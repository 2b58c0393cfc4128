/* unread — how much of a source lies in front of a cursor, and how old the first line of it is.
 *
 * Sizes are those of the files as they are now, whole lines or not: a file that is being written to
 * may hold the beginning of a line. Of a compressed rotation nobody knows how much of it is read:
 * it counts as it lies there, until the cursor has left it. Holes and what was truncated have no
 * bytes. Of a source in the journal nothing is known.
 *
 * - Owns: nothing.
 * - Thread: any; the reader and the batch are one thread's.
 */
#pragma once

#include "source/reader.h"
#include "source/records.h"
#include "source/view.h"

struct unread {
    uint64_t bytes;
    struct segment *segment; /* the first that holds some of them; of the view; NULL: none */
    uint64_t offset;         /* where they begin in it */
};

/* Of the eras that `wants` takes. */
struct unread unread_behind(const struct view *v, const struct cursor *c,
                            bool (*wants)(void *context, const struct container *c), void *context);

/* The time of the first line. 0; READER_END where it is not whole yet; another reader_outcome or
 * -errno where it cannot be told without more ado. */
int unread_time(const struct unread *u, struct reader *reader, struct batch *scratch,
                int64_t *ret_ns) MUST_CHECK;
