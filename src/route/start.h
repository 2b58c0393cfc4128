/* start — where a route begins in a source that is older than the route itself (D76).
 *
 * Applies only to containers created before the route was first attached; all others begin at the
 * beginning, also those that came while we were down. The answer is committed before anything is
 * delivered; what it skips is shown as skipped.
 */
#pragma once

#include "base/error.h"
#include "source/follow.h"

enum start_kind { START_BEGINNING, START_END, START_SINCE };

struct start {
    enum start_kind kind;
    int64_t since_ns; /* START_SINCE: this long before the first attach */
};

/* The cursor to begin with in `slot`. `batch` is scratch. *ret_skipped: raw bytes passed over (of a
 * compressed rotation, its compressed size; of the journal 0). 0 or -errno. */
int start_place(const struct start *start, int64_t attached_ns, struct slot *slot,
                struct follow_tools *tools, struct batch *batch, struct cursor *ret,
                uint64_t *ret_skipped) MUST_CHECK;
