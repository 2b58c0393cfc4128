/* encode_ndjson — entries as NDJSON: one flat JSON object a line.
 *
 * The schema; members stand in this order, whatever the order in `fields`:
 *
 *     time            RFC 3339, nine digits of fraction, Z
 *     message         the line, without its newline
 *     stream          stdout or stderr
 *     source_type     docker
 *     source_id       the container's short id
 *     <labels>        as the container renders them (S32 to S43), strings, empty ones left out
 *     attrs           the record's own object, where it has one
 *     partial         true: cut at our cap, the next entry of the stream continues it
 *     continued       true: continues an entry that was cut
 *     unterminated    true: the program wrote no newline at its end
 *     time_missing    true: the record had no valid time; `time` is when it was read
 *     stream_missing  true: the record had no stream; taken for stdout
 *
 * The flags stand only where they are true. Messages come in FORM_JSON and are copied as they are.
 *
 * - Borrows: the field names, while it lives.
 * - Thread: one.
 */
#pragma once

#include "base/error.h"
#include "model/container.h"
#include "sink/encode.h"
#include "sink/time_text.h"

struct ndjson {
    unsigned members;          /* which of the members with a name of their own are written */
    const char *const *fields; /* NULL: every label */
    size_t field_count;
    struct time_text time;
};

/* `fields` names the members to write; NULL: all. -EINVAL with words for a name that is none. */
int ndjson_init(struct ndjson *n, const char *const *fields, size_t field_count,
                struct error *error) MUST_CHECK;

/* What follows the message, up to the labels. 0 or -ENOMEM; *ret is to be deinited. */
int ndjson_render(const struct ndjson *n, const struct container *c, struct stream_texts *ret)
    MUST_CHECK;

/* What each line of a container takes beside its message and what few lines have. `scratch` is for
 * the call, and fails for want of memory. */
size_t ndjson_line_bytes(const struct ndjson *n, const struct container *c, struct buf *scratch);

/* The most bytes that these entries can take. */
size_t ndjson_bound(const struct stream_texts *texts, struct entries entries);

/* Appends entries until `to` holds `full` bytes or more; returns how many. Less than there are is
 * a full buffer or a failed one. */
size_t ndjson_encode(struct ndjson *n, const struct stream_texts *texts, struct entries entries,
                     struct buf *to, size_t full);
