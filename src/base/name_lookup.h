/* name_lookup — the addresses of a host's name, found without a thread and without waiting.
 *
 * /etc/hosts and the servers of /etc/resolv.conf are asked, by c-ares; whatever else nsswitch.conf
 * may name is not. libcurl, as Debian builds it, would start a thread for each name, and leave it
 * behind where the server does not answer.
 *
 *     name_lookup_start → name_lookup_wait (for poll), name_lookup_step, … → name_lookup_result
 *
 * - Owns: a few sockets until it is freed, counted in base/resource.h.
 * - Limits: NAME_LOOKUP_FDS_MAX sockets, NAME_ADDRESSES_MAX bytes of addresses; the deadline.
 * - Thread: one.
 * - Errors: -errno with words.
 */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"

#include <poll.h>
#include <stdbool.h>

enum {
    NAME_LOOKUP_FDS_MAX = 16, /* as many as c-ares tells of */
    NAME_ADDRESSES_MAX = 512, /* bytes with the NUL; what does not fit is left out */
};

struct name_lookup;

int name_lookup_start(struct name_lookup **ret, const char *name, int deadline_ms,
                      struct error *error) MUST_CHECK;
/* Also while it is under way. */
struct name_lookup *name_lookup_free(struct name_lookup *l);
DEFINE_CLEANUP(struct name_lookup *, name_lookup_free)

/* What to wait for until the next step: descriptors, and *timeout_ms if that is later. */
size_t name_lookup_wait(struct name_lookup *l, struct pollfd fds[NAME_LOOKUP_FDS_MAX],
                        int *timeout_ms);
/* True: it is over. */
bool name_lookup_step(struct name_lookup *l);
/* Once it is over: "192.0.2.1,[2001:db8::1]", at least one. */
int name_lookup_result(const struct name_lookup *l, char to[NAME_ADDRESSES_MAX],
                       struct error *error) MUST_CHECK;
