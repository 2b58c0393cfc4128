/* scenario — one seed: the world and tallyman take turns, tallyman dies and starts again, until the
 * world stands still, all is read, and the last verdict is reached.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct scenario_options {
    uint64_t seed;
    unsigned steps;        /* turns before the world stands still; 0: as the seed says */
    const char *directory; /* for everything; emptied */
    bool verbose;
};

struct scenario_result {
    unsigned steps; /* turns taken */
    unsigned lives, kills;
    uint64_t lines;
};

/* 0, or -errno with words. */
int scenario_run(const struct scenario_options *options, struct scenario_result *ret,
                 struct error *error) MUST_CHECK;
