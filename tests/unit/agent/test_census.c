// SPDX-License-Identifier: Apache-2.0
/* agent/census.h: what the kernel says, and the equation that tells a leak. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "agent/census.h"
#include "sanitizer.h"

static void targets_have_their_classes(void **state)
{
    static const struct {
        const char *target;
        enum census_class class;
    } cases[] = {
        {"anon_inode:inotify", CENSUS_INOTIFY},
        {"anon_inode:[eventfd]", CENSUS_EVENTFD},
        {"anon_inode:[eventpoll]", CENSUS_EVENTPOLL},
        {"anon_inode:[signalfd]", CENSUS_SIGNALFD},
        {"anon_inode:[timerfd]", CENSUS_OTHER},
        {"socket:[12]", CENSUS_SOCKET},
        {"pipe:[12]", CENSUS_PIPE},
        {"/var/log/journal/0/system.journal", CENSUS_JOURNAL},
        {"/var/log/journal/0/system@1.journal~ (deleted)", CENSUS_JOURNAL},
        {"/s/routes/a.db", CENSUS_LEDGER},
        {"/s/routes/a.db-wal", CENSUS_LEDGER},
        {"/s/routes/a.db-shm", CENSUS_LEDGER},
        {"/x/aa-json.log", CENSUS_FILE},
        {"/x/a.db (deleted) ", CENSUS_FILE},
        {"/", CENSUS_FILE},
        {"", CENSUS_OTHER},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (census_class_of(cases[i].target) != cases[i].class)
            fail_msg("%s", cases[i].target);
}

static void threads_are_told_by_their_names(void **state)
{
    assert_int_equal(census_thread_of("tallyman", true), CENSUS_MONITOR);
    assert_int_equal(census_thread_of("route-a", true), CENSUS_MONITOR);
    assert_int_equal(census_thread_of("route-a", false), CENSUS_ROUTE);
    assert_int_equal(census_thread_of("stream", false), CENSUS_STREAM);
    assert_int_equal(census_thread_of("admin", false), CENSUS_ADMIN);
    assert_int_equal(census_thread_of("tallyman", false), CENSUS_LIBRARY);
}

static struct census_balance balance(const struct census *inherited)
{
    struct census_balance b;
    assert_int_equal(census_balance(&b, inherited), 0);
    return b;
}

static struct census begin(void)
{
    struct census c;
    assert_int_equal(census_take(&c), 0);
    assert_int_equal(balance(&c).descriptors, 0);
    assert_int_equal(balance(&c).threads, 0);
    return c;
}

static void what_nobody_counts_is_a_difference_S103(void **state)
{
    struct census inherited = begin();
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(balance(&inherited).descriptors, 1);
    resource_opened(RESOURCE_OUTPUT);
    assert_int_equal(balance(&inherited).descriptors, 0);
    close_fd(fd);
    assert_int_equal(balance(&inherited).descriptors, -1);
    assert_int_equal(balance(&inherited).opened[RESOURCE_OUTPUT], 1);
    resource_closed(RESOURCE_OUTPUT);
    assert_int_equal(balance(&inherited).descriptors, 0);
}

static void a_pair_is_the_library_s_and_a_socket_is_not(void **state)
{
    struct census inherited = begin();
    int pair[2], alone = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct census_balance b = balance(&inherited);
    assert_int_equal(b.libraries, 2);
    assert_int_equal(b.descriptors, 1);
    assert_int_equal(b.census.descriptors[CENSUS_SOCKET], inherited.descriptors[CENSUS_SOCKET] + 3);
    close_fd(pair[0]);
    close_fd(pair[1]);
    close_fd(alone);
}

static void *wait_for_close(void *context)
{
    uint64_t count;
    (void)!read(*(int *)context, &count, sizeof(count));
    return NULL;
}

static void a_thread_that_nobody_counts_is_a_difference(void **state)
{
    struct census inherited = begin();
    int fd = eventfd(0, EFD_CLOEXEC);
    uint64_t one = 1;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_close, &fd), 0);
    assert_int_equal(balance(&inherited).threads, 1);
    resource_thread_started();
    assert_int_equal(balance(&inherited).threads, 0);
    assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
    pthread_join(thread, NULL);
    resource_thread_joined();
    assert_int_equal(balance(&inherited).threads, 0);
    close_fd(fd);
}

static void memory_is_told_by_kind(void **state)
{
    enum { SIZE = 8 * 1024 * 1024 };
    uint64_t before[MEMORY_COUNT], after[MEMORY_COUNT], space;
    assert_int_equal(census_memory(before, &space), 0);
    assert_true(space > before[MEMORY_ANONYMOUS]);
    volatile char *data = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i += 1024)
        data[i] = 1;
    assert_int_equal(census_memory(after, &space), 0);
    assert_true(after[MEMORY_ANONYMOUS] >= before[MEMORY_ANONYMOUS] + SIZE / 2);
    free((void *)data);
}

int main(void)
{
    start_sanitizer();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_have_their_classes),
        cmocka_unit_test(threads_are_told_by_their_names),
        cmocka_unit_test(what_nobody_counts_is_a_difference_S103),
        cmocka_unit_test(a_pair_is_the_library_s_and_a_socket_is_not),
        cmocka_unit_test(a_thread_that_nobody_counts_is_a_difference),
        cmocka_unit_test(memory_is_told_by_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
