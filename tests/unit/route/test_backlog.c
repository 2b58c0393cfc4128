// SPDX-License-Identifier: Apache-2.0
/* R10: the backlog is exact at each step of a delivery, also while the sink or the ledger fails,
 * and nothing of it is counted unless somebody asks. */
#include "request_rig.h"

#include <errno.h>
#include <sys/stat.h>

#include "../ledger/failing_vfs.h"

static void write_line(struct route_rig *r, size_t source, int64_t at_ns)
{
    rig_log(&r->sources[source], at_ns, "x\\n");
    slot_mark_ready(r->sources[source].slot);
}

static uint64_t live_size(struct route_rig *r, size_t source)
{
    struct stat st;
    assert_int_equal(stat(rig_file(&r->sources[source], ""), &st), 0);
    return (uint64_t)st.st_size;
}

static struct route_backlog backlog_of(struct route_rig *r)
{
    struct route_status status;
    assert_true(route_ask_backlog(r->routes[0]));
    route_rig_step(r, 0);
    route_wait_backlog(r->routes[0], 0);
    route_status(r->routes[0], &status);
    assert_true(status.backlog.known);
    return status.backlog;
}

/* `at_ns` after RIG_EPOCH; 0: there is none. */
static void assert_backlog(struct route_rig *r, uint64_t bytes, int64_t at_ns)
{
    struct route_backlog b = backlog_of(r);
    assert_int_equal(b.bytes, bytes);
    assert_int_equal(b.oldest_ns, at_ns ? RIG_EPOCH + at_ns : 0);
}

static void nothing_is_counted_before_somebody_asks(void **state)
{
    struct route_rig r;
    struct route_status status;
    route_rig_init(&r, 1);
    route_rig_publish(&r, 1);
    route_rig_open(&r, 0);
    route_rig_settle(&r, 0);
    route_status(r.routes[0], &status);
    assert_false(status.backlog.known);
    assert_true(route_ask_backlog(r.routes[0]));
    assert_false(route_ask_backlog(r.routes[0])); /* it owes an answer */
    route_wait_backlog(r.routes[0], 0);           /* not for ever */
    route_rig_step(&r, 0);
    assert_backlog(&r, 0, 0);
    route_rig_deinit(&r);
}

static void what_is_written_through_is_behind_until_its_commit(void **state)
{
    struct route_rig r;
    route_rig_init(&r, 2);
    r.options[0].batch_age_ns = NS_PER_SECOND;
    route_rig_publish(&r, 2);
    route_rig_open(&r, 0);
    write_line(&r, 0, 5);
    write_line(&r, 1, 3);
    write_line(&r, 1, 4);
    assert_backlog(&r, live_size(&r, 0) + live_size(&r, 1), 3); /* read by that very step */
    route_rig_settle(&r, 0);
    assert_backlog(&r, 0, 0);
    route_rig_deinit(&r);
}

/* At each failure, and between them. The sink cannot even recover at first. */
static void it_is_exact_while_the_sink_fails(void **state)
{
    struct route_rig r;
    route_rig_init(&r, 2);
    r.sinks[0].fail_recovers = 3;
    r.sinks[0].fail_flushes = 3;
    route_rig_publish(&r, 2);
    route_rig_open(&r, 0);
    write_line(&r, 0, 2);
    write_line(&r, 1, 9);
    while (r.sinks[0].fail_recovers || r.sinks[0].fail_flushes) {
        assert_backlog(&r, live_size(&r, 0) + live_size(&r, 1), 2);
        write_line(&r, 1, r.now_ns);
        r.now_ns += route_rig_step(&r, 0);
    }
    route_rig_settle(&r, 0);
    assert_backlog(&r, 0, 0);
    route_rig_deinit(&r);
}

/* What was read for it is neither delivered nor unread in a file. */
static void a_batch_that_the_sink_refuses_is_behind(void **state)
{
    struct route_rig r;
    route_rig_init(&r, 2);
    r.sinks[0].fail_encodes = 3;
    route_rig_publish(&r, 2);
    route_rig_open(&r, 0);
    write_line(&r, 0, 7);
    write_line(&r, 1, 5);
    while (r.sinks[0].fail_encodes) {
        unsigned left = r.sinks[0].fail_encodes;
        assert_backlog(&r, live_size(&r, 0) + live_size(&r, 1), 5);
        while (r.sinks[0].fail_encodes == left)
            r.now_ns += route_rig_step(&r, 0);
    }
    assert_backlog(&r, live_size(&r, 0) + live_size(&r, 1), 5);
    route_rig_settle(&r, 0);
    assert_backlog(&r, 0, 0);
    route_rig_deinit(&r);
}

static void what_is_not_wanted_is_not_behind(void **state)
{
    struct route_rig r;
    route_rig_init(&r, 2);
    const char *glob = "a";
    r.match = (struct match){.include.container_name = {&glob, 1}};
    r.sinks[0].fail_flushes = 1;
    route_rig_publish(&r, 2);
    route_rig_open(&r, 0);
    write_line(&r, 0, 2);
    write_line(&r, 1, 1);
    assert_backlog(&r, live_size(&r, 0), 2);
    route_rig_deinit(&r);
}

static void what_is_in_flight_is_behind_until_its_answer(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    route_rig_init(&r, 2);
    request_rig_init(&rig, &r);
    rig.by_hand = true;
    rig.options.requests_max = 1;
    r.options[0].batch_lines_max = 1;
    route_rig_publish(&r, 2);
    route_rig_open(&r, 0);
    write_line(&r, 0, 5);
    request_rig_step_until_sent(&r, &rig, 1);
    uint64_t sent = live_size(&r, 0);
    write_line(&r, 0, 8);
    write_line(&r, 1, 3); /* not read: there is no free slot, and its first line is the oldest */
    assert_backlog(&r, live_size(&r, 0) + live_size(&r, 1), 3);
    request_rig_answer(&rig, 0, (struct sink_answer){.verdict = VERDICT_DELIVERED});
    assert_backlog(&r, live_size(&r, 0) - sent + live_size(&r, 1), 3);
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_backlog(&r, 0, 0);
    route_rig_deinit(&r);
    request_rig_deinit(&rig);
}

/* Requests are void, and the cursors cannot be loaded either: they stand where nothing is
 * delivered. */
static void it_is_exact_while_the_ledger_fails(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    struct failing_vfs disk = {0};
    failing_vfs_register(&disk);
    route_rig_init(&r, 2);
    request_rig_init(&rig, &r);
    r.options[0].ledger_vfs = FAILING_VFS;
    r.options[0].batch_lines_max = 1;
    route_rig_publish(&r, 2);
    route_rig_open(&r, 0);
    request_rig_settle(&rig, &r);

    rig.by_hand = true;
    write_line(&r, 0, 4);
    write_line(&r, 1, 7);
    request_rig_step_until_sent(&r, &rig, 2);
    disk.failing = FAIL_WRITE;
    disk.code = SQLITE_IOERR;
    disk.system_errno = EIO;
    uint64_t all = live_size(&r, 0) + live_size(&r, 1);
    request_rig_answer(&rig, 0, (struct sink_answer){.verdict = VERDICT_DELIVERED});
    assert_backlog(&r, all, 4);
    assert_int_equal(request_rig_flying(&rig), 0);
    disk.failing = FAIL_READ;
    for (int i = 0; i < 3; i++) {
        assert_backlog(&r, all, 4);
        r.now_ns += route_rig_step(&r, 0);
    }
    disk.failing = FAIL_NOTHING;
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    assert_backlog(&r, 0, 0);
    route_rig_deinit(&r);
    request_rig_deinit(&rig);
    failing_vfs_unregister(&disk);
}

/* Its last delivered line is old; the oldest line of all is another one's. */
static void a_quiet_container_that_writes_again_is_not_old(void **state)
{
    struct route_rig r;
    struct request_rig rig;
    route_rig_init(&r, 2);
    request_rig_init(&rig, &r);
    rig.options.requests_max = 1;
    r.options[0].batch_lines_max = 1;
    route_rig_publish(&r, 2);
    route_rig_open(&r, 0);
    write_line(&r, 0, 1);
    request_rig_settle(&rig, &r);
    rig.by_hand = true;
    uint64_t read = live_size(&r, 0);
    write_line(&r, 1, 500);
    request_rig_step_until_sent(&r, &rig, 1);
    write_line(&r, 0, 900);
    assert_backlog(&r, live_size(&r, 0) - read + live_size(&r, 1), 500);
    rig.by_hand = false;
    request_rig_settle(&rig, &r);
    route_rig_deinit(&r);
    request_rig_deinit(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_counted_before_somebody_asks),
        cmocka_unit_test(what_is_written_through_is_behind_until_its_commit),
        cmocka_unit_test(it_is_exact_while_the_sink_fails),
        cmocka_unit_test(a_batch_that_the_sink_refuses_is_behind),
        cmocka_unit_test(what_is_not_wanted_is_not_behind),
        cmocka_unit_test(what_is_in_flight_is_behind_until_its_answer),
        cmocka_unit_test(it_is_exact_while_the_ledger_fails),
        cmocka_unit_test(a_quiet_container_that_writes_again_is_not_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
