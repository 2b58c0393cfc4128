/* engine_version — the version of the Engine API to speak.
 *
 * A daemon says its maximum; the lower of that and ours is spoken. Engine 20.10 (at most 1.41) and
 * 29.0 (at least 1.44) have no version in common, so none can be pinned. Compared as two integers:
 * 1.9 is older than 1.10.
 */
#pragma once

#include <stdbool.h>

struct engine_version {
    unsigned major, minor; /* 0.0: not known */
};

/* The newest and the oldest whose answers this program was written for. */
#define ENGINE_VERSION_OURS  ((struct engine_version){1, 55})
#define ENGINE_VERSION_LEAST ((struct engine_version){1, 24})

/* False where `text` as a whole is no MAJOR.MINOR. */
bool engine_version_parse(struct engine_version *ret, const char *text);

bool engine_version_below(struct engine_version a, struct engine_version b);
struct engine_version engine_version_lower(struct engine_version a, struct engine_version b);
