// SPDX-License-Identifier: Apache-2.0
/* When the ledger of a route that may deliver twice is put on the disk, and that a power cut before
 * loses nothing: at most LEDGER_SYNC_MS of lines are sent again (R1, R7; design §7). */
#include "request_rig.h"

#include <string.h>

#include "../ledger/failing_vfs.h"

#define SYNC_NS (LEDGER_SYNC_MS * NS_PER_MS)

struct world {
    struct route_rig route;
    struct request_rig sink;
    struct failing_vfs disk;
};

static void begin(struct world *w, size_t sources)
{
    *w = (struct world){0};
    failing_vfs_register(&w->disk);
    w->disk.remembers = true;
    request_rig_begin(&w->route, &w->sink, sources);
    w->route.options[0].ledger_vfs = FAILING_VFS;
    route_rig_open(&w->route, 0);
    route_rig_step(&w->route, 0);
}

static void end(struct world *w)
{
    request_rig_end(&w->route, &w->sink);
    failing_vfs_unregister(&w->disk);
}

/* Writes a line and has it delivered, while no time passes. */
static void deliver_at_once(struct world *w, size_t source, int number)
{
    size_t before = w->sink.lines_taken;
    request_rig_write(&w->route, source, number, 1);
    for (int i = 0; i < 20 && w->sink.lines_taken == before; i++)
        route_rig_step(&w->route, 0);
    assert_int_equal(w->sink.lines_taken, before + 1);
}

static uint64_t needs(struct world *w)
{
    return atomic_load(&w->route.sources[0].slot->routes[0].needs);
}

/* Docker's only file gives way to a new one with this line; the first is kept by its pin. */
static void rotate(struct world *w, int number)
{
    char log[32];
    struct source_rig *source = &w->route.sources[0];
    rig_rotate(source, 1);
    snprintf(log, sizeof(log), "%d\\n", number);
    rig_log(source, number, log);
    rig_sync(source, 1);
    slot_mark_ready(source->slot);
}

/* From here on it is the book that the disk has kept. */
static void cut_power(struct world *w)
{
    char *path = w->route.ledger_paths[0], kept[RIG_PATH_MAX];
    snprintf(kept, sizeof(kept), "%.400s.kept", path);
    failing_vfs_copy_after_cut(path, kept);
    route_rig_close(&w->route, 0);
    memcpy(path, kept, sizeof(kept));
    slot_mark_ready(w->route.sources[0].slot);
    route_rig_open(&w->route, 0);
    request_rig_settle(&w->sink, &w->route);
}

static void r1_power_cut_repeats_what_was_not_synced_and_loses_nothing(void **state)
{
    struct world w;
    begin(&w, 1);
    deliver_at_once(&w, 0, 1);
    request_rig_settle(&w.sink, &w.route); /* time passes: it is on the disk */
    unsigned syncs = w.disk.log_syncs;
    deliver_at_once(&w, 0, 2);
    deliver_at_once(&w, 0, 3);
    assert_int_equal(route_rig_total(&w.route, 0).lines_delivered, 3);
    assert_int_equal(w.disk.log_syncs, syncs);
    cut_power(&w);
    assert_requested(&w.sink, "a:1\na:2\na:3\na:2\na:3\n");
    assert_int_equal(route_rig_total(&w.route, 0).lines_delivered, 3);
    assert_booked(&w.route, 0, "");
    end(&w);
}

/* However much is committed, and then nothing more: a sync a second, one at the end, and no wake-up
 * after that. */
static void commits_share_a_sync_and_the_last_has_one_too(void **state)
{
    enum { COMMITS = 400 };
    struct world w;
    begin(&w, 1);
    request_rig_settle(&w.sink, &w.route);
    uint64_t before = request_rig_status(&w.route).sums.commits;
    unsigned syncs = w.disk.log_syncs;
    for (int i = 1; i <= COMMITS; i++) {
        deliver_at_once(&w, 0, i);
        w.route.now_ns += SYNC_NS / 100;
    }
    assert_int_equal(request_rig_status(&w.route).sums.commits - before, COMMITS);
    assert_in_range(w.disk.log_syncs - syncs, 3, 5);
    int64_t now_ns = w.route.now_ns;
    request_rig_settle(&w.sink, &w.route);
    assert_true(w.route.now_ns <= now_ns + 2 * SYNC_NS);
    cut_power(&w);
    assert_int_equal(w.sink.lines_taken, COMMITS);
    end(&w);
}

/* The monitor lets go of what is not needed: that is not undone by a power cut, so the cursor that
 * is on the disk must not need it either. */
static void r1_nothing_is_given_back_that_a_power_cut_makes_needed(void **state)
{
    struct world w;
    begin(&w, 1);
    deliver_at_once(&w, 0, 1);
    uint64_t first = needs(&w);
    rotate(&w, 2);
    for (int i = 0; i < 20 && needs(&w) == first; i++)
        route_rig_step(&w.route, 0); /* no time passes */
    assert_int_equal(needs(&w), first + 1);
    assert_true(chain_release(w.route.sources[0].chain, needs(&w)));
    rig_publish(&w.route.sources[0]);
    cut_power(&w);
    assert_requested(&w.sink, "a:1\na:2\n");
    assert_booked(&w.route, 0, "");
    end(&w);
}

/* A server that is away, or a route that begins anew, puts it off no further. */
static void sync_does_not_wait_for_the_sink(void **state)
{
    struct world w;
    begin(&w, 1);
    request_rig_settle(&w.sink, &w.route);
    deliver_at_once(&w, 0, 1);
    request_rig_settle(&w.sink, &w.route);
    deliver_at_once(&w, 0, 2);
    w.sink.retries = UINT32_MAX;
    int64_t until_ns = w.route.now_ns + SYNC_NS;
    request_rig_write(&w.route, 0, 3, 1);
    for (int i = 0; i < ROUTE_RIG_STEPS_MAX && w.route.now_ns < until_ns; i++) {
        int64_t timeout_ns = route_rig_step(&w.route, 0);
        assert_true(timeout_ns <= SYNC_NS);
        w.route.now_ns += timeout_ns;
    }
    route_rig_step(&w.route, 0);
    assert_true(request_rig_status(&w.route).failing_since_ns > 0);
    w.sink.retries = 0;
    cut_power(&w);
    assert_requested(&w.sink, "a:1\na:2\na:3\n");
    end(&w);
}

/* Whoever may be undone by a power cut says so, and tries again; what was delivered counts. */
static void r1_failed_sync_holds_up_the_route_and_is_tried_again(void **state)
{
    struct world w;
    begin(&w, 1);
    deliver_at_once(&w, 0, 1);
    request_rig_settle(&w.sink, &w.route);
    w.disk.failing = FAIL_SYNC;
    w.disk.code = SQLITE_IOERR_FSYNC;
    deliver_at_once(&w, 0, 2);
    w.route.now_ns += SYNC_NS;
    route_rig_step(&w.route, 0);
    w.route.now_ns += SYNC_NS;
    assert_true(route_rig_step(&w.route, 0) > 0);
    struct route_status status = request_rig_status(&w.route);
    assert_true(status.failing_since_ns > 0);
    assert_non_null(strstr(status.reason, "the disk failed"));
    for (int i = 0; i < 10; i++)
        w.route.now_ns += route_rig_step(&w.route, 0);
    w.disk.failing = FAIL_NOTHING;
    deliver_at_once(&w, 0, 3);
    request_rig_settle(&w.sink, &w.route);
    status = request_rig_status(&w.route);
    assert_int_equal(status.failing_since_ns, 0);
    assert_int_equal(status.sums.tally.lines_delivered, 3);
    cut_power(&w);
    assert_requested(&w.sink, "a:1\na:2\na:3\n");
    end(&w);
}

/* The same where something was to be given back: the monitor keeps it until the disk has it. */
static void r1_failed_sync_gives_nothing_back(void **state)
{
    struct world w;
    begin(&w, 1);
    deliver_at_once(&w, 0, 1);
    request_rig_settle(&w.sink, &w.route);
    uint64_t first = needs(&w);
    rotate(&w, 2);
    w.disk.failing = FAIL_SYNC;
    w.disk.code = SQLITE_IOERR_FSYNC;
    for (int i = 0; i < 20; i++) {
        int64_t timeout_ns = route_rig_step(&w.route, 0);
        w.route.now_ns += timeout_ns == INT64_MAX ? 0 : timeout_ns;
        assert_int_equal(needs(&w), first);
    }
    assert_int_equal(w.sink.lines_taken, 2);
    w.disk.failing = FAIL_NOTHING;
    request_rig_settle(&w.sink, &w.route);
    assert_int_equal(needs(&w), first + 1);
    assert_requested(&w.sink, "a:1\na:2\n");
    assert_int_equal(request_rig_status(&w.route).sums.tally.lines_delivered, 2);
    end(&w);
}

static void orderly_end_has_all_of_it_on_the_disk(void **state)
{
    struct world w;
    struct error error;
    begin(&w, 1);
    w.route.now_ns = clock_monotonic_ns(); /* no sync is due */
    deliver_at_once(&w, 0, 1);
    deliver_at_once(&w, 0, 2);
    assert_int_equal(route_start(w.route.routes[0], &error), 0);
    route_stop(w.route.routes[0]);
    route_join(w.route.routes[0]);
    cut_power(&w); /* before its book is closed */
    assert_requested(&w.sink, "a:1\na:2\n");
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_power_cut_repeats_what_was_not_synced_and_loses_nothing),
        cmocka_unit_test(commits_share_a_sync_and_the_last_has_one_too),
        cmocka_unit_test(r1_nothing_is_given_back_that_a_power_cut_makes_needed),
        cmocka_unit_test(sync_does_not_wait_for_the_sink),
        cmocka_unit_test(r1_failed_sync_holds_up_the_route_and_is_tried_again),
        cmocka_unit_test(r1_failed_sync_gives_nothing_back),
        cmocka_unit_test(orderly_end_has_all_of_it_on_the_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
