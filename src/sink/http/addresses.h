/* addresses — where the name of a server leads, as libcurl is to be told (CURLOPT_RESOLVE), so that
 * it never looks a name up by itself (base/name_lookup.h says why).
 *
 *     addresses_need → 1: addresses_wait, addresses_step until that answers
 *
 * A name is looked up at the first request, and again where a connection failed and the addresses
 * are older than ADDRESSES_AGE_MIN_S: a server that is down does not become a storm of questions.
 *
 * - Owns: the look-up. Borrows host and port.
 * - Thread: one.
 */
#pragma once

#include "base/name_lookup.h"

#include <stdint.h>

enum { ADDRESSES_AGE_MIN_S = 30 };

struct addresses {
    const char *host, *port;
    bool is_address; /* there is nothing to look up */
    bool doubted;    /* a connection failed */
    int deadline_ms;
    int64_t found_ns;           /* monotonic */
    struct name_lookup *lookup; /* owned; NULL: none under way */
    char text[NAME_ADDRESSES_MAX];
};

void addresses_deinit(struct addresses *a);

/* Begins a look-up where one is due. 1: one is under way, and requests have to wait for it. 0: no
 * need to wait. Else -errno with words. */
int addresses_need(struct addresses *a, struct error *error) MUST_CHECK;

/* As name_lookup.h's. */
size_t addresses_wait(struct addresses *a, struct pollfd fds[NAME_LOOKUP_FDS_MAX], int *timeout_ms);

/* 1: still under way. 0: it is over, there are addresses (old ones, where nobody answered). Else
 * -errno with words. */
int addresses_step(struct addresses *a, struct error *error) MUST_CHECK;

/* "HOST:PORT:ADDRESS,ADDRESS", from malloc; NULL: no memory. Not of an address. */
char *addresses_entry(const struct addresses *a);
