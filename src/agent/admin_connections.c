// SPDX-License-Identifier: Apache-2.0
#include "agent/admin_connections.h"

#include <sys/socket.h>

#include "base/check.h"
#include "base/clock.h"

struct admin_connection *admin_connections_add(struct admin_connections *c, int fd, int64_t now_ns)
{
    struct admin_connection *one = c->items;
    CHECK(c->count < ADMIN_CONNECTIONS_MAX);
    while (one->due_ns)
        one++;
    one->fd = fd;
    c->count++;
    admin_connection_answered(one, now_ns);
    return one;
}

void admin_connections_remove(struct admin_connections *c, struct admin_connection *one)
{
    one->due_ns = 0;
    c->count--;
}

void admin_connection_answered(struct admin_connection *one, int64_t now_ns)
{
    one->due_ns = now_ns + ADMIN_REQUEST_SECONDS_MAX * NS_PER_SECOND;
}

int64_t admin_connections_expire(struct admin_connections *c, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++) {
        struct admin_connection *one = &c->items[i];
        if (one->due_ns == 0)
            continue;
        if (one->due_ns <= now_ns) {
            shutdown(one->fd, SHUT_RDWR);
            one->due_ns = INT64_MAX;
        }
        next_ns = one->due_ns < next_ns ? one->due_ns : next_ns;
    }
    return next_ns;
}
