/* route_rig — a route that is stepped by hand: sources that the source rig plays, a roster, a sink
 * that can be told to fail, a ledger, and the test's own clock.
 *
 * The sink is the test's: what it was given is pending until a flush delivers it, and void when
 * something fails. Two routes at most.
 */
#pragma once

#include "source_rig.h"

#include "ledger/ledger.h"
#include "route/route.h"

enum { ROUTE_RIG_SOURCES_MAX = 4, ROUTE_RIG_STEPS_MAX = 10000 };

/* What became of what the sink was given; as text, "container:message" a line. */
struct test_sink {
    struct buf pending, delivered;
    unsigned fail_encodes, fail_flushes, fail_recovers, fail_binds; /* so many more */
    unsigned commit_first; /* so many more encodes want a commit before */
    unsigned encodes, flushes, binds, unbinds, recovers;
};

struct route_rig {
    struct source_rig sources[ROUTE_RIG_SOURCES_MAX];
    size_t count;
    struct roster_board board;
    uint64_t roster_version;
    struct test_sink sinks[RIG_ROUTES];
    struct match match;
    struct sink_environment environment;
    struct route_options options[RIG_ROUTES];
    char ledger_paths[RIG_ROUTES][RIG_PATH_MAX];
    struct route *routes[RIG_ROUTES];
    int64_t now_ns;
};

/* `count` sources named a, b, … , each with an empty live file; no roster, no route yet. */
void route_rig_init(struct route_rig *r, size_t count);
void route_rig_deinit(struct route_rig *r);

/* Publishes the first `count` sources. */
void route_rig_publish(struct route_rig *r, size_t count);
void route_rig_open(struct route_rig *r, unsigned number);
void route_rig_close(struct route_rig *r, unsigned number); /* without a commit: a crash */

/* One step; how long the next may wait. */
int64_t route_rig_step(struct route_rig *r, unsigned number);
/* The same, and lets the time pass that it allows; some where it would wait for ever. */
void route_rig_go_on(struct route_rig *r, unsigned number);
/* Steps, and lets the time pass that each step allows, until the route would wait for ever. */
void route_rig_settle(struct route_rig *r, unsigned number);
void route_rig_mark_ready(struct route_rig *r);

void assert_delivered(struct route_rig *r, unsigned number, const char *expected);
/* The book's sums, as a reader beside the route finds them. */
struct tally route_rig_total(struct route_rig *r, unsigned number);
/* The booked gaps: "word bytes", a line each. */
void assert_booked(struct route_rig *r, unsigned number, const char *expected);
