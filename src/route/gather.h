/* gather — brings the parts of one group of a request together, so that a piece of it, which holds
 * lines of one group, is as large as it may be.
 *
 * Parts of one group keep their order, and so do the lines of a source. Only where a container
 * changes its group, since it was renamed or labelled anew while a request was filled, what it
 * wrote afterwards may go out first: to somebody else.
 */
#pragma once

#include "base/cleanup.h"
#include "sink/request.h"

/* What the caller has beside the request, moved along; items NULL: nothing. */
struct gathered {
    void *items;
    size_t size; /* of each */
};

/* `of_parts` has an item for each part, `of_entries` for each entry. Nothing moves where all are of
 * one group already. -ENOMEM: as before. */
int gather(struct request *q, struct gathered of_parts, struct gathered of_entries) MUST_CHECK;
