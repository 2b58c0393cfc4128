/* life — tallyman from its start to its end: a process of its own, which does one thing at a time
 * as it is told, and can be stopped for good before any of its system calls.
 *
 * It is put together as the program is: books, pins, outputs, watch, routes, monitor; but each is
 * stepped by hand, and the clock is given. The Engine is not there: the monitor goes by the disk.
 *
 * - Owns: the process.
 * - Errors: a life that ends by itself is told in `error`: that is what is looked for.
 */
#pragma once

#include "base/error.h"
#include "route/route.h"

#include <stdint.h>
#include <sys/types.h>

struct life_options {
    const char *docker_root;
    const char *state;  /* directory of the books, the pins and the routes' ledgers */
    const char *output; /* of the file sinks, a template; one per route */
    int64_t batch_age_ns;
    int64_t output_bytes_max; /* then an output is rotated; 0: never */
    bool compress;            /* rotated outputs */
    bool refuse_links;        /* pins by descriptor */
    bool sync_later;          /* of the ledger (power.h) */
    bool verbose;
};

struct life {
    pid_t pid; /* 0: it is over */
    int fd;
};

enum life_deed {
    LIFE_OPEN,    /* the start; until then nothing is there */
    LIFE_MONITOR, /* one step of the monitor */
    LIFE_ROUTE,   /* one step of each route */
    LIFE_CLOSE,   /* the orderly end */
    LIFE_GO_ON,   /* after a stop */
};

enum life_answer {
    LIFE_DONE,
    LIFE_STOPPED, /* before the point that was asked for */
};

struct life_state {
    uint64_t lines, bytes, gaps; /* of all routes, since the start */
    int64_t timeout_ns;          /* the least of the routes' */
    bool failing;
};

int life_begin(struct life *life, const struct life_options *options, struct error *error)
    MUST_CHECK;

/* Has it do one thing. `stop_at`: the nth system call from now on is not done before LIFE_GO_ON; 0:
 * none. enum life_answer, or -errno where it has died of itself. */
int life_do(struct life *life, enum life_deed deed, int64_t now_ns, unsigned stop_at,
            struct life_state *ret, struct error *error) MUST_CHECK;

/* SIGKILL. */
void life_kill(struct life *life);
