/* nearest — which of the known names somebody probably meant.
 *
 *     struct nearest n = nearest_to(text);
 *     for each name: nearest_offer(&n, name);
 *     printf("no %s%s", text, NEAREST_HINT(&n));
 *
 * Close is: at most one edit in three characters, an edit being a character too many, too few,
 * wrong, or swapped with its neighbour.
 *
 * - Owns: nothing; `best` is the caller's.
 * - Limits: names of NEAREST_SIZE_MAX bytes; a longer one is never near.
 */
#pragma once

#include "base/span.h"

enum {
    NEAREST_SIZE_MAX = 64,  /* bytes of a name */
    NEAREST_HINT_SIZE = 96, /* bytes of a hint, with the NUL */
};

struct nearest {
    struct span text;
    struct span best; /* no data: none is near */
    size_t distance;  /* of the best; at first the greatest that is near */
};

struct nearest nearest_to(struct span text);
/* Of equally near names the first one offered stays. */
void nearest_offer(struct nearest *n, struct span name);

/* ` (did you mean "name"?)`, or nothing where no name is near. Returns `to`. */
const char *nearest_hint(const struct nearest *n, char to[NEAREST_HINT_SIZE]);
#define NEAREST_HINT(n) nearest_hint((n), (char[NEAREST_HINT_SIZE]){0})
