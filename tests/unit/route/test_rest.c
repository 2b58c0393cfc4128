// SPDX-License-Identifier: Apache-2.0
/* A source at rest has no follow, and goes on exactly where it was (R1). */
#include "route_rig.h"

#include "route/route_private.h"

#include <string.h>

static bool rests(struct route_rig *r, size_t i)
{
    return !r->routes[0]->sources[i]->follow;
}

static void wake(struct route_rig *r)
{
    route_rig_mark_ready(r);
    route_rig_settle(r, 0);
}

/* One line of each is delivered, and they rest. */
static void begin(struct route_rig *r, size_t count)
{
    route_rig_init(r, count);
    route_rig_publish(r, count);
    for (size_t i = 0; i < count; i++)
        rig_log(&r->sources[i], 1, "1\\n");
    route_rig_open(r, 0);
    route_rig_settle(r, 0);
    buf_clear(&r->sinks[0].delivered);
    for (size_t i = 0; i < count; i++)
        assert_true(rests(r, i));
}

static void end(struct route_rig *r, uint64_t delivered)
{
    assert_booked(r, 0, "");
    assert_int_equal(route_rig_total(r, 0).lines_delivered, delivered);
    route_rig_deinit(r);
}

static void r1_it_goes_on_where_it_was(void **state)
{
    struct route_rig r;
    begin(&r, 1);
    wake(&r);
    assert_delivered(&r, 0, "");
    assert_true(rests(&r, 0));
    for (int i = 0; i < 3; i++) {
        rig_log(&r.sources[0], 2 + i, "more\\n");
        wake(&r);
        assert_delivered(&r, 0, "a:more\n");
        assert_true(rests(&r, 0));
    }
    end(&r, 4);
}

static void r1_it_goes_on_over_rotations(void **state)
{
    struct route_rig r;
    begin(&r, 1);
    rig_log(&r.sources[0], 2, "2\\n");
    rig_rotate(&r.sources[0], 5);
    rig_log(&r.sources[0], 3, "3\\n");
    rig_sync(&r.sources[0], 1);
    wake(&r);
    assert_delivered(&r, 0, "a:2\na:3\n");
    assert_true(rests(&r, 0));

    rig_rotate(&r.sources[0], 5); /* nothing is left in the old one */
    rig_log(&r.sources[0], 4, "4\\n");
    rig_sync(&r.sources[0], 1);
    wake(&r);
    assert_delivered(&r, 0, "a:4\n");
    end(&r, 4);
}

static void its_next_line_has_its_new_name(void **state)
{
    struct route_rig r;
    begin(&r, 1);
    rig_rename_container(&r.sources[0], "new");
    rig_log(&r.sources[0], 2, "2\\n");
    wake(&r);
    assert_delivered(&r, 0, "new:2\n");
    assert_true(rests(&r, 0));
    end(&r, 2);
}

/* All go back to what is committed, also those that rest. */
static void r1_a_failed_commit_neither_loses_nor_doubles(void **state)
{
    struct route_rig r;
    begin(&r, 2);
    rig_log(&r.sources[0], 2, "2\\n");
    r.sinks[0].fail_flushes = 2;
    wake(&r);
    assert_delivered(&r, 0, "a:2\n");
    rig_log(&r.sources[1], 2, "2\\n");
    wake(&r);
    assert_delivered(&r, 0, "b:2\n");
    assert_true(rests(&r, 0) && rests(&r, 1));
    end(&r, 4);
}

/* Others use the join meanwhile. */
static void r1_a_line_that_is_open_is_kept(void **state)
{
    struct route_rig r;
    begin(&r, 2);
    rig_log_chunk(&r.sources[0], 2, "stdout", 'x');
    wake(&r);
    assert_false(rests(&r, 0));
    rig_log(&r.sources[1], 2, "2\\n");
    wake(&r);
    assert_delivered(&r, 0, "b:2\n");
    rig_log(&r.sources[0], 2, "end\\n");
    wake(&r);
    assert_int_equal(r.sinks[0].delivered.size, strlen("a:end\n") + SOURCE_CHUNK_BYTES);
    assert_true(rests(&r, 0));
    end(&r, 4);
}

static void it_needs_at_rest_what_it_needed(void **state)
{
    struct route_rig r;
    begin(&r, 1);
    assert_int_equal(atomic_load(&r.sources[0].slot->routes[0].needs), 1);
    rig_rotate(&r.sources[0], 5);
    rig_log(&r.sources[0], 2, "2\\n");
    rig_sync(&r.sources[0], 1);
    assert_int_equal(atomic_load(&r.sources[0].slot->routes[0].needs), 1);
    wake(&r);
    assert_true(rests(&r, 0));
    assert_int_equal(atomic_load(&r.sources[0].slot->routes[0].needs), 2);
    assert_delivered(&r, 0, "a:2\n");
    end(&r, 2);
}

/* Woken for nothing, it is to be looked at once more, and rests until then. */
static void r1_it_rests_between_two_looks(void **state)
{
    struct route_rig r;
    route_rig_init(&r, 1);
    r.options[0].batch_age_ns = NS_PER_SECOND;
    route_rig_publish(&r, 1);
    route_rig_open(&r, 0);
    route_rig_settle(&r, 0);
    route_rig_mark_ready(&r);
    route_rig_step(&r, 0);
    assert_int_equal(r.routes[0]->sources[0]->heat, SOURCE_WARM);
    assert_true(rests(&r, 0));
    rig_log(&r.sources[0], 1, "1\\n");
    route_rig_settle(&r, 0);
    assert_delivered(&r, 0, "a:1\n");
    assert_true(rests(&r, 0));
    end(&r, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_it_goes_on_where_it_was),
        cmocka_unit_test(r1_it_goes_on_over_rotations),
        cmocka_unit_test(its_next_line_has_its_new_name),
        cmocka_unit_test(r1_a_failed_commit_neither_loses_nor_doubles),
        cmocka_unit_test(r1_a_line_that_is_open_is_kept),
        cmocka_unit_test(r1_it_rests_between_two_looks),
        cmocka_unit_test(it_needs_at_rest_what_it_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
