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

/* With whom the lines of a target may share a body, and what they take in it beside themselves
 * (zero where nobody knows): so a body can be bounded before it is encoded, at no cost per line. */
struct request_terms {
    const void *group;   /* a body holds lines of one; NULL: also one. Only compared */
    uint32_t head_bytes; /* of each of its streams in a body, at most */
    uint32_t line_bytes; /* of each line, at most, beside what it has of its own */
};

/* Entries that came of one pull. */
struct request_part {
    struct sink_target *target;
    const struct container *container;
    struct request_terms terms;
    size_t first, count;   /* in request.entries */
    unsigned stream_count; /* of these; at most */
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
    uint64_t bytes;                   /* of a body that holds all of it, before compression: at
                                         most, but for what is mended since it is no UTF-8 */
};

void request_init(struct request *q, enum message_form form);
void request_deinit(struct request *q);
/* Empties it; keeps its memory for the next. */
void request_clear(struct request *q);

/* Adds copies of all entries of the batch, in order; nothing where it has none. -ENOMEM: as before.
 */
int request_add(struct request *q, struct sink_target *target, struct request_terms terms,
                const struct batch *batch) MUST_CHECK;

/* The same request with the parts alone that share a group with the one of the entry `at`, and are
 * its neighbours. Borrows all of `q`. */
struct request request_group(const struct request *q, size_t at);

/* The part that holds the entry `at`. */
const struct request_part *request_part_at(const struct request *q, size_t at);

/* Bytes that a line takes in a body: its own are the message, and what few lines have. */
static inline uint64_t request_line_bytes(struct request_terms terms, const struct entry *e)
{
    enum {
        FLAG_BYTES = 32,      /* a flag's name and value, in any form */
        ATTRS_NAME_BYTES = 24 /* of the attrs, which as text in JSON grow to the double */
    };
    uint64_t bytes = terms.line_bytes + e->message.size;
    if (__builtin_expect(e->flags || e->attrs.size, 0)) {
        bytes += (uint64_t)__builtin_popcount(e->flags) * FLAG_BYTES;
        bytes += e->attrs.size ? ATTRS_NAME_BYTES + 2 * e->attrs.size : 0;
    }
    return bytes;
}

/* And what the lines of a part have in common. */
static inline uint64_t request_head_bytes(const struct request_part *part)
{
    return (uint64_t)part->stream_count * part->terms.head_bytes;
}
