// SPDX-License-Identifier: Apache-2.0
/* Loki takes equal lines of one stream and nanosecond for one: R1 (nothing is lost) wants them
 * apart, and the same request always by the same nanoseconds. */
#include "loki_rig.h"

#include <string.h>

#define T INT64_C(1795449731597707236)

static void assert_times(const struct loki_rig *r, const char *stream, const char *line,
                         int64_t first, size_t count)
{
    int64_t times[64];
    assert_int_equal(loki_rig_times(r, stream, line, times, 64), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(times[i], first + (int64_t)i);
}

/* So many equal lines of one nanosecond, in one pull. */
static void add_equal(struct loki_rig *r, unsigned container, size_t count)
{
    struct entry entries[64];
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct entry){.message = SPAN("the same"), .time_ns = T};
    loki_rig_add(r, container, entries, count);
}

static void test_ten_equal_lines(void **state)
{
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, NULL, NULL);
    add_equal(&r, 0, 10);
    loki_rig_push_all(&r);
    assert_times(&r, "web-0", "the same", T, 10);
    assert_int_equal(r.plan.shifted, 9);
    assert_null(strstr(r.sent[0].metadata, "time="));
    for (size_t i = 1; i < 10; i++)
        assert_non_null(strstr(r.sent[i].metadata, ";time=2026-11-23T16:02:11.597707236Z;"));
    loki_rig_deinit(&r);
}

/* A line's own nanosecond may be taken by an earlier one that was moved there. */
static void test_a_run_into_the_next_nanoseconds(void **state)
{
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, NULL, NULL);
    loki_rig_lines(&r, 0, STREAM_STDOUT, "a", T, "a", T, "a", T, "b", T, "a", T + 1, "b", T + 1,
                   "c", T + 1, "a", T + 9, "a", T + 9, NULL);
    loki_rig_push_all(&r);
    assert_times(&r, "web-0", "b", T, 2);
    assert_times(&r, "web-0", "c", T + 1, 1);
    int64_t times[6];
    assert_int_equal(loki_rig_times(&r, "web-0", "a", times, 6), 6);
    const int64_t expected[] = {T, T + 1, T + 2, T + 3, T + 9, T + 10};
    assert_memory_equal(times, expected, sizeof(expected));
    for (size_t i = 1; i < r.sent_count; i++)
        assert_true(r.sent[i - 1].ns <= r.sent[i].ns);
    loki_rig_deinit(&r);
}

/* What goes to two streams does not meet. */
static void test_streams_do_not_meet(void **state)
{
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, NULL, NULL);
    loki_rig_lines(&r, 0, STREAM_STDOUT, "x", T, "x", T, NULL);
    loki_rig_lines(&r, 0, STREAM_STDERR, "x", T, "x", T, NULL);
    loki_rig_lines(&r, 1, STREAM_STDOUT, "x", T, NULL);
    loki_rig_push_all(&r);
    assert_times(&r, "service=\"ssw-log-capturer\", source=\"docker\", stream=\"stderr\"}", "x", T,
                 2);
    assert_times(&r, "web-1", "x", T, 1);
    assert_int_equal(r.plan.shifted, 2);
    loki_rig_deinit(&r);
}

/* Containers that share their labels share a stream: there they do meet. */
static void test_containers_of_one_stream_meet(void **state)
{
    static const char *const labels[] = {"compose_project", NULL};
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, labels, NULL);
    loki_rig_lines(&r, 0, STREAM_STDOUT, "x", T, "x", T, NULL);
    loki_rig_lines(&r, 1, STREAM_STDERR, "x", T, NULL);
    loki_rig_push_all(&r);
    assert_times(&r, "{compose_project=\"shop\"}", "x", T, 3);
    loki_rig_deinit(&r);
}

/* The same request, however often and in whatever pieces: the same times. */
static void test_retries_and_halves(void **state)
{
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, NULL, NULL);
    add_equal(&r, 0, 3);
    loki_rig_push_all(&r);
    loki_rig_delivered(&r);
    loki_rig_next(&r);

    add_equal(&r, 0, 4);
    add_equal(&r, 0, 6);
    for (int i = 0; i < 2; i++) { /* the answer was lost */
        loki_rig_push_all(&r);
        assert_times(&r, "web-0", "the same", T + 3, 10);
    }
    loki_rig_push(&r, 5, 10); /* before the first half, which was refused, say */
    assert_times(&r, "web-0", "the same", T + 8, 5);
    loki_rig_push(&r, 0, 5);
    assert_times(&r, "web-0", "the same", T + 3, 5);
    loki_rig_delivered(&r);
    loki_rig_push(&r, 5, 7); /* after it was delivered */
    assert_times(&r, "web-0", "the same", T + 8, 2);
    loki_rig_delivered(&r);
    loki_rig_push(&r, 7, 10);
    assert_times(&r, "web-0", "the same", T + 10, 3);
    loki_rig_delivered(&r);
    loki_rig_deinit(&r);
}

/* A run that crosses requests goes on; a request that was not delivered counts for nothing. */
static void test_over_requests(void **state)
{
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, NULL, NULL);
    loki_rig_lines(&r, 0, STREAM_STDOUT, "a", T - 1, "a", T, "b", T, "a", T, NULL);
    loki_rig_push_all(&r);
    loki_rig_delivered(&r);
    loki_rig_next(&r);
    for (int i = 0; i < 2; i++) {
        loki_rig_next(&r);
        loki_rig_lines(&r, 0, STREAM_STDOUT, "a", T, "b", T, "c", T, "a", T + 7, NULL);
        loki_rig_push_all(&r);
        int64_t times[2];
        assert_int_equal(loki_rig_times(&r, "web-0", "a", times, 2), 2);
        assert_int_equal(times[0], T + 2);
        assert_int_equal(times[1], T + 7);
        assert_times(&r, "web-0", "b", T + 1, 1);
        assert_times(&r, "web-0", "c", T, 1);
    }
    loki_rig_deinit(&r);
}

/* Ten thousand take no longer than as many others. */
static void test_many_equal_lines(void **state)
{
    enum { COUNT = 10000 };
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, NULL, NULL);
    struct entry *entries = calloc(COUNT, sizeof(*entries));
    assert_non_null(entries);
    for (size_t i = 0; i < COUNT; i++)
        entries[i] = (struct entry){.message = i % 2 ? SPAN("odd") : SPAN("even"), .time_ns = T};
    loki_rig_add(&r, 0, entries, COUNT);
    loki_rig_push_all(&r);
    int64_t *times = calloc(COUNT, sizeof(*times));
    assert_non_null(times);
    assert_int_equal(loki_rig_times(&r, "web-0", "odd", times, COUNT), COUNT / 2);
    for (int64_t i = 0; i < COUNT / 2; i++)
        assert_int_equal(times[i], T + i);
    free(times);
    free(entries);
    loki_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_equal_lines),
        cmocka_unit_test(test_a_run_into_the_next_nanoseconds),
        cmocka_unit_test(test_streams_do_not_meet),
        cmocka_unit_test(test_containers_of_one_stream_meet),
        cmocka_unit_test(test_retries_and_halves),
        cmocka_unit_test(test_over_requests),
        cmocka_unit_test(test_many_equal_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
