/* admin_connections — how long each connection of the admin server may take.
 *
 * HTTP's own part closes those that are idle. A client that sends, or reads, a byte now and then is
 * never idle: so here the time counts from when it connected, or its last answer had gone out,
 * until the next one has, however it comes along.
 *
 * - Owns: nothing; the descriptors are HTTP's, which closes them when they are shut down.
 * - Limits: ADMIN_CONNECTIONS_MAX of them, ADMIN_REQUEST_SECONDS_MAX each.
 * - Thread: one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    ADMIN_CONNECTIONS_MAX = 16,
    ADMIN_REQUEST_SECONDS_MAX = 15, /* as long as a scrape may take by default, and a half */
};

struct admin_connection {
    int fd;
    int64_t due_ns; /* monotonic; 0: the place is free */
};

/* All zero: there are none. */
struct admin_connections {
    struct admin_connection items[ADMIN_CONNECTIONS_MAX];
    size_t count;
};

/* There is room. */
struct admin_connection *admin_connections_add(struct admin_connections *c, int fd, int64_t now_ns);
void admin_connections_remove(struct admin_connections *c, struct admin_connection *one);
/* An answer has gone out: the time is another's. */
void admin_connection_answered(struct admin_connection *one, int64_t now_ns);

/* Shuts down those whose time is over, so that HTTP closes them. Returns when to do it again,
 * monotonic; INT64_MAX: there are none. */
int64_t admin_connections_expire(struct admin_connections *c, int64_t now_ns);
