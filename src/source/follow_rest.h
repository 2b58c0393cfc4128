/* follow_rest — a follow as it is kept while its source is quiet: nearly half of one are the lines
 * that are open, and of most sources there are none. There may be ten thousand.
 *
 * - Owns: a reference on the segment.
 * - Thread: the route's.
 */
#pragma once

#include "source/follow.h"

struct follow_rest {
    struct segment *segment; /* owned; NULL: to be placed by the cursor */
    enum cursor_kind kind;   /* and all else of the cursor but open lines */
    struct segment_ref at;
    uint64_t offset;
    int64_t last_ns;
    uint64_t last_hash, last_size;
};

/* Puts it to rest: `f` is empty then. False, and nothing is changed, where it holds more than that.
 */
bool follow_rest(struct follow *f, struct follow_tools *t, struct follow_rest *ret);
/* The same follow again; `rest` is empty then. */
void follow_wake(struct follow *f, struct slot *slot, struct follow_rest *rest);
void follow_rest_deinit(struct follow_rest *rest);

/* Its cursor. */
struct cursor follow_rest_cursor(const struct follow_rest *rest);
