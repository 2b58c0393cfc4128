/* request — lines on their way to a sink that sends requests: copies, until they are answered.
 *
 * A route fills one with the batches of many sources; the sink encodes a range of it into a body.
 * The whole is encoded first; where the answer blames the content, halves are, until the culprit
 * stands alone. So a request keeps entries, not bytes of a protocol.
 *
 * - Owns: the entries' texts. Borrows the targets and containers of its parts: the route keeps them
 *   until the request is over.
 * - Limits: none of its own; the route stops filling it at batch.bytes or batch.lines.
 * - Thread: the route's.
 */
#pragma once

#include "model/container.h"
#include "model/entry.h"

struct sink_target;

/* Entries that came of one pull. */
struct request_part {
    struct sink_target *target;
    const struct container *container;
    size_t first, count; /* in request.entries */
};

/* Entries from `first` to before `end`. */
struct request_range {
    size_t first, end;
};

struct request_text; /* a block of texts */

struct request {
    enum message_form form;
    struct entry *entries;
    size_t count, capacity;
    struct request_part *parts; /* in order, without gaps between them; none is empty */
    size_t part_count, part_capacity;
    struct request_text *texts;       /* owned list; the first is the one that is being filled */
    struct request_text *empty_texts; /* owned list, for the next lines */
    uint64_t bytes;                   /* of messages and attrs */
};

void request_init(struct request *q, enum message_form form);
void request_deinit(struct request *q);
/* Empties it; keeps its memory for the next. */
void request_clear(struct request *q);

/* Adds copies of all entries of the batch, in order; nothing where it has none. -ENOMEM: as before.
 */
int request_add(struct request *q, struct sink_target *target, const struct batch *batch)
    MUST_CHECK;

/* The part that holds the entry `at`. */
const struct request_part *request_part_at(const struct request *q, size_t at);
