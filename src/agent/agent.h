/* agent — the program: opens everything in order, runs until it is told to end, closes in order.
 *
 * - Thread: main; it becomes the monitor's.
 * - Errors: -errno with words: nothing was started, or it could not go on.
 */
#pragma once

#include "agent/config.h"

struct agent_options {
    const struct config *config;
    const char *version, *commit; /* of the program */
    bool once;                    /* deliver what is there now, then end */
    int64_t timeout_ns;           /* of `once`; 0: no limit */
};

/* 0: ended as asked, all committed. AGENT_UNDELIVERED: something stays undelivered (`once`, or a
 * route that could not commit at the end). */
enum { AGENT_UNDELIVERED = 1 };
int agent_run(const struct agent_options *options, struct error *error) MUST_CHECK;
