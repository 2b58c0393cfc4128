/* json_prune — a JSON text without the members that nobody asks for, which a parser is through with
 * sooner: of what Docker keeps of a container most is of no interest here.
 *
 * What is left out is only looked at as far as it takes to find its end: its strings and brackets
 * close. A text that cannot be followed is handed back whole, so that a parser says what is wrong
 * with it.
 *
 * - Thread: any, no state.
 */
#pragma once

#include "base/buf.h"

/* A member to be kept: whole, or where it is an object these of its members. A table ends with {0}.
 */
struct json_kept {
    const char *key;                 /* "*": each */
    const struct json_kept *members; /* NULL: whole */
};

/* What is to be parsed of `text`: it lies in `room`, or is the text itself. Values keep their
 * bytes, members their order. */
struct span json_prune(struct span text, const struct json_kept *kept, struct buf *room);
