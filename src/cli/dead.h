/* dead — what `tallyman dead` does, one file each: the letters that a route's sink refused.
 *
 * ls and show read the ledgers beside a running daemon, or without one. replay and drop change
 * them: a running daemon is asked to; without one they take the lock of the state directory.
 *
 * - Errors: said on stderr. What goes wrong with one route does not keep them from the others.
 */
#pragma once

#include "cli/verb.h"
#include "ledger/letters.h"

struct dead_request {
    const struct config *config;
    const struct route_config *route;   /* NULL: each */
    struct ledger_letter_filter filter; /* show takes the key of it alone */
    uint64_t limit;                     /* of show: letters; 0: all */
    bool json;                          /* of ls */
    bool dry_run;                       /* of replay: says how many would be sent */
};

enum verb_exit dead_ls(const struct dead_request *request);
enum verb_exit dead_show(const struct dead_request *request);
enum verb_exit dead_replay(const struct dead_request *request);
enum verb_exit dead_drop(const struct dead_request *request);

/* Calls `act` for each route that is meant and has a ledger, with the ledger opened so (enum
 * ledger_flags). -errno of `act` comes with words. */
enum verb_exit dead_each_ledger(const struct dead_request *request, unsigned flags,
                                int (*act)(void *context, const struct route_config *route,
                                           struct ledger *ledger, struct error *error),
                                void *context);

/* Says it on stderr, and is VERB_FAILED. */
enum verb_exit dead_failed(const struct error *error);
