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
    /* All of the cursor but open lines. */
    struct segment_ref
        *at; /* owned; NULL: as the segment is named, or nowhere where there is none */
    uint64_t offset;
    int64_t last_ns;
    uint64_t last_hash;
    uint32_t last_size; /* at most READER_BEFORE_MAX */
    enum cursor_kind kind : 8;
};

/* Puts it to rest: `f` is empty then. False, and nothing is changed, where it holds more than that,
 * or there is no memory. */
bool follow_rest(struct follow *f, struct follow_tools *t, struct follow_rest *ret);
/* The same follow again; `rest` is empty then. */
void follow_wake(struct follow *f, struct slot *slot, struct follow_rest *rest);
void follow_rest_deinit(struct follow_rest *rest);

/* Its cursor. */
struct cursor follow_rest_cursor(const struct follow_rest *rest);
