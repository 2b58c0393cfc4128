/* container_record — a container record as one line of JSON of our own, for the ledger.
 *
 * Lossless: what was printed parses to an equal record, given the same constants (they are the
 * configuration's and not part of it). Times are RFC 3339 with nine digits; what is empty is left
 * out, so that most records stay below a kilobyte.
 *
 *     {"id":"…","name":"web","image":"nginx","created":"2026-…Z","labels":{"a":"b"},"tty":true}
 *
 * - Limits: CONTAINER_JSON_MAX bytes.
 * - Thread: any, no state.
 * - Errors: 0, -errno with words.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "model/container.h"

/* Appends to `to`, without a newline; a failure is sticky there (to->failed). */
void container_record_print(const struct container *c, struct buf *to);

int container_record_parse(struct container **ret, struct span text,
                           const struct container_constants *constants, struct error *error)
    MUST_CHECK;
