// SPDX-License-Identifier: Apache-2.0
/* A connection's time is limited however slowly it drips (R9: who asks cannot take the server from
 * the others). */
#include "agent/admin_connections.h"
#include "base/cleanup.h"
#include "base/clock.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#define LIMIT_NS (ADMIN_REQUEST_SECONDS_MAX * NS_PER_SECOND)

static bool is_shut_down(int fd)
{
    struct pollfd other = {.fd = fd, .events = POLLRDHUP};
    return poll(&other, 1, 0) == 1;
}

static void r9_time_counts_from_the_last_answer(void **state)
{
    struct admin_connections c = {0};
    int pairs[2][2];
    struct admin_connection *ones[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]), 0);
        ones[i] = admin_connections_add(&c, pairs[i][0], 1);
    }
    assert_int_equal(admin_connections_expire(&c, LIMIT_NS), LIMIT_NS + 1);
    assert_false(is_shut_down(pairs[0][1]));

    admin_connection_answered(ones[1], 1000);
    assert_int_equal(admin_connections_expire(&c, LIMIT_NS + 1), LIMIT_NS + 1000);
    assert_true(is_shut_down(pairs[0][1]));
    assert_false(is_shut_down(pairs[1][1]));

    admin_connections_remove(&c, ones[0]);
    assert_int_equal(admin_connections_expire(&c, LIMIT_NS + 1000), INT64_MAX);
    assert_true(is_shut_down(pairs[1][1]));
    admin_connections_remove(&c, ones[1]);
    for (int i = 0; i < 4; i++)
        close_fd(pairs[i / 2][i % 2]);
}

static void places_are_used_again(void **state)
{
    struct admin_connections c = {0};
    for (int round = 0; round < 2; round++) {
        struct admin_connection *ones[ADMIN_CONNECTIONS_MAX];
        for (int i = 0; i < ADMIN_CONNECTIONS_MAX; i++)
            ones[i] = admin_connections_add(&c, i, 0);
        assert_int_equal(c.count, ADMIN_CONNECTIONS_MAX);
        for (int i = 0; i < ADMIN_CONNECTIONS_MAX; i++)
            admin_connections_remove(&c, ones[i]);
        assert_int_equal(admin_connections_expire(&c, INT64_MAX), INT64_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r9_time_counts_from_the_last_answer),
        cmocka_unit_test(places_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
