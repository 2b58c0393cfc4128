/* match — which containers a route takes.
 *
 * Each key holds globs (`*`, `?`, `[…]`, as fnmatch without special slashes); a container matches a
 * key when one of its globs does, and a route when every key present matches and `exclude` (same
 * keys, any of them) does not. The label `tallyman.enable=false` opts a container out of every
 * route.
 */
#pragma once

#include "model/container.h"

#include <stdbool.h>

struct globs {
    const char *const *items;
    size_t count;
};

struct label_globs {
    const char *key; /* the Docker label */
    struct globs values;
};

struct match_keys {
    struct globs container_name;
    struct globs image;
    struct globs id; /* full id; a glob without `*` also matches as a prefix of 12 or more digits */
    struct globs compose_project;
    struct label_globs *labels;
    size_t label_count;
};

struct match {
    struct match_keys include; /* all zero: every container */
    struct match_keys exclude;
};

bool match_container(const struct match *m, const struct container *c);
