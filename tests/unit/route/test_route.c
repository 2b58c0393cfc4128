// SPDX-License-Identifier: Apache-2.0
/* The loop: pull, encode, commit, rest (design §1, §7). */
#include "route_rig.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/limits.h"

static void begin(struct route_rig *r, size_t count, int64_t batch_age_ns)
{
    route_rig_init(r, count);
    r->options[0].batch_age_ns = batch_age_ns;
    route_rig_publish(r, count);
    route_rig_open(r, 0);
}

static uint64_t needs(struct route_rig *r, size_t source)
{
    return atomic_load(&r->sources[source].slot->routes[0].needs);
}

static void r1_all_is_delivered_and_the_sums_add_up(void **state)
{
    struct route_rig r;
    begin(&r, 2, 0);
    rig_log(&r.sources[0], 1, "1\\n");
    rig_log(&r.sources[0], 2, "2\\n");
    rig_write_text(&r.sources[0], "", "garbage\n\n{\"log\":\"tor");
    rig_rotate(&r.sources[0], 3);
    rig_log(&r.sources[0], 3, "3\\n");
    rig_sync(&r.sources[0], 1);
    route_rig_settle(&r, 0);
    assert_delivered(&r, 0, "a:1\na:2\na:3\n");

    struct tally t = route_rig_total(&r, 0);
    assert_int_equal(t.lines_read, 3);
    assert_int_equal(t.lines_delivered, 3);
    assert_int_equal(t.records_read, 3);
    assert_int_equal(t.bytes_read, 3 * 72 + 9 + 11);
    assert_int_equal(t.bytes_records, 3 * 72);
    assert_int_equal(t.bytes_blank, 1);
    assert_int_equal(t.bytes_gap, 8 + 11);
    assert_int_equal(t.gaps, 2);
    assert_int_equal(t.gap_bytes, 8 + 11);
    assert_booked(&r, 0, "malformed 8\ntorn 11\n");

    struct route_status status;
    route_status(r.routes[0], &status);
    assert_int_equal(status.sums.tally.lines_delivered, 3);
    assert_int_equal(status.sums.tally.gaps, 2);
    assert_int_equal(status.sums.gaps[GAP_MALFORMED], 1);
    assert_int_equal(status.sums.gap_bytes[GAP_MALFORMED], 8);
    assert_int_equal(status.sums.gaps[GAP_TORN], 1);
    assert_int_equal(status.sums.gap_bytes[GAP_TORN], 11);
    assert_int_equal(status.failing_since_ns, 0);
    route_rig_deinit(&r);
}

/* A line waits no longer than batch.age; until then one commit serves all sources. */
static void batch_age_bounds_the_wait(void **state)
{
    struct route_rig r;
    begin(&r, 2, NS_PER_SECOND);
    route_rig_settle(&r, 0);
    unsigned flushes = r.sinks[0].flushes;
    rig_log(&r.sources[0], 1, "1\\n");
    rig_log(&r.sources[1], 1, "1\\n");
    route_rig_mark_ready(&r);
    int64_t from_ns = r.now_ns;
    for (;;) {
        int64_t timeout_ns = route_rig_step(&r, 0);
        if (r.sinks[0].flushes > flushes)
            break;
        r.now_ns += timeout_ns;
        assert_true(r.now_ns <= from_ns + NS_PER_SECOND);
    }
    assert_int_equal(r.now_ns, from_ns + NS_PER_SECOND);
    assert_int_equal(r.sinks[0].flushes, flushes + 1);
    assert_int_equal(r.sinks[0].delivered.size, 8);
    route_rig_deinit(&r);
}

/* What is looked for only with each tick has waited for one when it is found: it is committed with
 * that very look, and costs no other. */
static void busy_source_is_looked_at_and_committed_once_in_batch_age(void **state)
{
    struct route_rig r;
    begin(&r, 1, NS_PER_SECOND);
    rig_log(&r.sources[0], 1, "1\\n");
    r.now_ns += route_rig_step(&r, 0);
    for (int line = 2; line < 6; line++) {
        unsigned flushes = r.sinks[0].flushes;
        rig_log(&r.sources[0], line, "a line\\n");
        assert_int_equal(route_rig_step(&r, 0), NS_PER_SECOND);
        assert_int_equal(r.sinks[0].flushes, flushes + 1);
        assert_int_equal(r.sinks[0].pending.size, 0);
        assert_int_equal(route_rig_total(&r, 0).lines_delivered, line);
        r.now_ns += NS_PER_SECOND;
    }
    route_rig_deinit(&r);
}

/* However long lines may wait: a batch may be full before. */
static void busy_source_is_looked_at_at_least_so_often(void **state)
{
    struct route_rig r;
    begin(&r, 1, 3600 * NS_PER_SECOND);
    rig_log(&r.sources[0], 1, "1\\n");
    assert_int_equal(route_rig_step(&r, 0), ROUTE_TICK_MAX_NS);
    route_rig_deinit(&r);
}

/* Read to its end it costs nothing more: no tick, no wake-up, until it is marked. */
static void quiet_source_lets_the_route_wait_for_ever(void **state)
{
    struct route_rig r;
    begin(&r, 1, NS_PER_SECOND);
    route_rig_settle(&r, 0);
    assert_int_equal(route_rig_step(&r, 0), INT64_MAX);
    rig_log(&r.sources[0], 1, "1\\n");
    assert_int_equal(route_rig_step(&r, 0), INT64_MAX);
    route_rig_mark_ready(&r);
    route_rig_settle(&r, 0);
    assert_delivered(&r, 0, "a:1\n");
    route_rig_deinit(&r);
}

static void watch_wakes_a_quiet_source(void **state)
{
    struct route_rig r;
    struct watch *watch;
    bool all;
    route_rig_init(&r, 1);
    assert_int_equal(watch_new(&watch, NULL), 0);
    r.options[0].watch = watch;
    route_rig_publish(&r, 1);
    route_rig_open(&r, 0);
    route_rig_settle(&r, 0);
    rig_log(&r.sources[0], 1, "1\\n");
    assert_int_equal(watch_read(watch, &all), 1);
    route_rig_settle(&r, 0);
    assert_delivered(&r, 0, "a:1\n");
    route_rig_close(&r, 0);
    watch_free(watch);
    route_rig_deinit(&r);
}

/* At least once: a cursor, and what it lets go of, moves only after the ack. What is behind in the
 * chain is read without a wait. */
static void needs_are_published_only_after_the_commit(void **state)
{
    struct route_rig r;
    begin(&r, 1, NS_PER_SECOND);
    rig_log(&r.sources[0], 1, "1\\n");
    rig_rotate(&r.sources[0], 3);
    rig_log(&r.sources[0], 2, "2\\n");
    rig_sync(&r.sources[0], 1);
    while (r.sinks[0].pending.size < 8) {
        int64_t timeout_ns = route_rig_step(&r, 0);
        assert_true(timeout_ns == 0 || r.sinks[0].pending.size == 8);
        assert_int_equal(needs(&r, 0), 0);
    }
    assert_true(route_commit_now(r.routes[0]));
    assert_int_equal(needs(&r, 0), 2);
    route_rig_deinit(&r);
}

static void unwanted_source_keeps_nothing_back(void **state)
{
    static const char *const unwanted[] = {"a"};
    struct route_rig r;
    route_rig_init(&r, 2);
    r.match.exclude.container_name = (struct globs){unwanted, 1};
    route_rig_publish(&r, 2);
    route_rig_open(&r, 0);
    for (size_t i = 0; i < 2; i++) {
        rig_log(&r.sources[i], 1, "1\\n");
        rig_rotate(&r.sources[i], 3);
        rig_log(&r.sources[i], 2, "2\\n");
        rig_sync(&r.sources[i], 1);
    }
    route_rig_settle(&r, 0);
    assert_delivered(&r, 0, "b:1\nb:2\n");
    assert_int_equal(needs(&r, 0), 2); /* where a wanted era may begin, not what is before */
    assert_int_equal(needs(&r, 1), 2);
    for (size_t i = 0; i < 2; i++) {
        rig_remove_container(&r.sources[i]);
        rig_sync(&r.sources[i], 0);
    }
    route_rig_mark_ready(&r);
    route_rig_settle(&r, 0);
    assert_true(needs(&r, 0) == SLOT_NEEDS_NOTHING);
    assert_true(needs(&r, 1) == SLOT_NEEDS_NOTHING);
    assert_booked(&r, 0, "");
    route_rig_deinit(&r);
}

/* Round-robin with a byte quantum: who has much does not keep the others waiting. */
static void busy_source_does_not_starve_another(void **state)
{
    struct route_rig r;
    begin(&r, 2, 0);
    struct buf lines = BUF_INIT(RIG_TEXT_MAX);
    while (lines.size < 20 * READ_QUANTUM_BYTES)
        buf_append_format(&lines,
                          "{\"log\":\"%zu\\n\",\"stream\":\"stdout\","
                          "\"time\":\"2026-01-01T00:00:00Z\"}\n",
                          lines.size);
    rig_write(&r.sources[0], "", buf_span(&lines));
    rig_log(&r.sources[1], 1, "quiet\\n");
    route_rig_step(&r, 0);
    r.now_ns += ROUTE_TICK_MIN_NS; /* while there is more to read, a commit a tick */
    route_rig_step(&r, 0);
    const struct buf *delivered = &r.sinks[0].delivered;
    assert_true(delivered->size > 0);
    assert_non_null(memmem(delivered->data, delivered->size, "b:quiet\n", 8));
    assert_true(delivered->size < READ_QUANTUM_BYTES);
    route_rig_settle(&r, 0);
    buf_deinit(&lines);
    route_rig_deinit(&r);
}

static void renamed_container_is_bound_anew_and_only_then(void **state)
{
    struct route_rig r;
    begin(&r, 1, 0);
    rig_log(&r.sources[0], 1, "1\\n");
    route_rig_settle(&r, 0);
    rig_log(&r.sources[0], 2, "2\\n");
    route_rig_mark_ready(&r);
    route_rig_settle(&r, 0);
    assert_int_equal(r.sinks[0].binds, 1);
    rig_rename_container(&r.sources[0], "new");
    rig_log(&r.sources[0], 3, "3\\n");
    route_rig_mark_ready(&r);
    route_rig_settle(&r, 0);
    assert_int_equal(r.sinks[0].binds, 2);
    assert_delivered(&r, 0, "a:1\na:2\nnew:3\n");
    route_rig_deinit(&r);
}

static void gap_is_booked_with_the_times_around_it(void **state)
{
    struct route_rig r;
    begin(&r, 1, 0);
    rig_log(&r.sources[0], 1, "1\\n");
    rig_sync(&r.sources[0], 0);
    rig_rotate(&r.sources[0], 1);
    rig_rotate(&r.sources[0], 1);
    rig_log(&r.sources[0], 3, "3\\n");
    rig_sync(&r.sources[0], 2);
    route_rig_settle(&r, 0);
    assert_delivered(&r, 0, "a:1\na:3\n");
    assert_booked(&r, 0, "rotated ?\n");
    struct tally t = route_rig_total(&r, 0);
    assert_int_equal(t.gaps_unknown, 1);
    assert_int_equal(t.bytes_gap, 0); /* a hole holds no bytes that the cursor passes */
    route_rig_deinit(&r);
}

struct waiting {
    struct route_rig rig;
    int monitor_fd;
};

/* Until the route has committed past `serial`; it wakes us. */
static void wait_for_needs(struct waiting *w, uint64_t serial)
{
    while (needs(&w->rig, 0) < serial) {
        struct pollfd fd = {.fd = w->monitor_fd, .events = POLLIN};
        uint64_t count;
        assert_int_equal(poll(&fd, 1, 20000), 1);
        assert_int_equal(read(w->monitor_fd, &count, sizeof(count)), sizeof(count));
    }
}

static void thread_delivers_wakes_the_monitor_and_stops(void **state)
{
    struct waiting w;
    struct error error;
    route_rig_init(&w.rig, 1);
    w.monitor_fd = eventfd(0, EFD_CLOEXEC);
    w.rig.options[0].monitor_fd = w.monitor_fd;
    route_rig_publish(&w.rig, 1);
    route_rig_open(&w.rig, 0);
    assert_int_equal(route_start(w.rig.routes[0], &error), 0);
    for (uint64_t serial = 2; serial < 6; serial++) {
        rig_log(&w.rig.sources[0], 1, "x\\n");
        rig_rotate(&w.rig.sources[0], 3);
        rig_log(&w.rig.sources[0], 1, "x\\n");
        rig_sync(&w.rig.sources[0], 1);
        route_rig_mark_ready(&w.rig);
        route_wake(w.rig.routes[0]);
        wait_for_needs(&w, serial);
        struct route_status status;
        route_status(w.rig.routes[0], &status);
        assert_true(status.sums.tally.lines_delivered > 0);
    }
    route_stop(w.rig.routes[0]);
    route_join(w.rig.routes[0]);
    assert_delivered(&w.rig, 0, "a:x\na:x\na:x\na:x\na:x\na:x\na:x\na:x\n");
    close_fd(w.monitor_fd);
    route_rig_deinit(&w.rig);
}

/* SIGTERM loses nothing: what is encoded is committed before the thread ends. */
static void stop_commits_what_is_encoded(void **state)
{
    struct waiting w;
    struct error error;
    route_rig_init(&w.rig, 1);
    w.monitor_fd = eventfd(0, EFD_CLOEXEC);
    w.rig.options[0].monitor_fd = w.monitor_fd;
    w.rig.options[0].batch_age_ns = 3600 * NS_PER_SECOND;
    route_rig_publish(&w.rig, 1);
    route_rig_open(&w.rig, 0);
    rig_log(&w.rig.sources[0], 1, "x\\n");
    while (w.rig.sinks[0].pending.size == 0)
        route_rig_step(&w.rig, 0);
    assert_int_equal(route_start(w.rig.routes[0], &error), 0);
    route_stop(w.rig.routes[0]);
    route_join(w.rig.routes[0]);
    assert_delivered(&w.rig, 0, "a:x\n");
    struct route_status status;
    route_status(w.rig.routes[0], &status);
    assert_false(status.undelivered);
    close_fd(w.monitor_fd);
    route_rig_deinit(&w.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_all_is_delivered_and_the_sums_add_up),
        cmocka_unit_test(batch_age_bounds_the_wait),
        cmocka_unit_test(busy_source_is_looked_at_and_committed_once_in_batch_age),
        cmocka_unit_test(busy_source_is_looked_at_at_least_so_often),
        cmocka_unit_test(quiet_source_lets_the_route_wait_for_ever),
        cmocka_unit_test(watch_wakes_a_quiet_source),
        cmocka_unit_test(needs_are_published_only_after_the_commit),
        cmocka_unit_test(unwanted_source_keeps_nothing_back),
        cmocka_unit_test(busy_source_does_not_starve_another),
        cmocka_unit_test(renamed_container_is_bound_anew_and_only_then),
        cmocka_unit_test(gap_is_booked_with_the_times_around_it),
        cmocka_unit_test(thread_delivers_wakes_the_monitor_and_stops),
        cmocka_unit_test(stop_commits_what_is_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
