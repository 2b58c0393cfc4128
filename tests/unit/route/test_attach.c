// SPDX-License-Identifier: Apache-2.0
/* Sources come, go and come back; `--once` ends (D72, D76, S75, R1). */
#include "route_rig.h"

#include <string.h>

static void begin(struct route_rig *r, size_t count)
{
    route_rig_init(r, count);
    for (size_t i = 0; i < count; i++)
        rig_log(&r->sources[i], 1, "1\\n");
    route_rig_open(r, 0);
}

struct rows {
    unsigned count, removed;
    struct cursor cursor;
};

static int count_row(void *context, const struct ledger_source *row)
{
    struct rows *rows = context;
    rows->count++;
    rows->removed += row->removed_ns != 0;
    rows->cursor = row->cursor;
    return 0;
}

static struct rows rows_of(struct route_rig *r)
{
    struct rows rows = {0};
    struct error error = {""};
    struct ledger *book;
    assert_int_equal(ledger_open(&book, r->ledger_paths[0], NULL, LEDGER_READ_ONLY, 0, &error), 0);
    assert_int_equal(ledger_sources(book, count_row, &rows, &error), 0);
    ledger_close(book);
    return rows;
}

static void s75_sources_are_added_at_run_time(void **state)
{
    struct route_rig r;
    begin(&r, 3);
    assert_int_equal(route_rig_step(&r, 0), INT64_MAX); /* before the first roster */
    route_rig_publish(&r, 1);
    route_rig_settle(&r, 0);
    assert_delivered(&r, 0, "a:1\n");
    route_rig_publish(&r, 3);
    route_rig_settle(&r, 0);
    struct buf *delivered = &r.sinks[0].delivered;
    assert_int_equal(delivered->size, 8);
    assert_non_null(memmem(delivered->data, delivered->size, "b:1\n", 4));
    assert_non_null(memmem(delivered->data, delivered->size, "c:1\n", 4));
    assert_int_equal(rows_of(&r).count, 3);
    route_rig_deinit(&r);
}

/* The first attach commits a row for every container there is, before anything is read. */
static void d76_row_is_committed_before_anything_is_read(void **state)
{
    struct route_rig r;
    begin(&r, 1);
    route_rig_publish(&r, 1);
    r.sinks[0].fail_encodes = 1;
    route_rig_step(&r, 0);
    struct rows rows = rows_of(&r);
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.cursor.kind, CURSOR_BEGINNING);
    route_rig_deinit(&r);
}

static void s75_source_that_leaves_is_marked_removed(void **state)
{
    struct route_rig r;
    begin(&r, 2);
    route_rig_publish(&r, 2);
    route_rig_settle(&r, 0);
    route_rig_publish(&r, 1);
    route_rig_settle(&r, 0);
    struct rows rows = rows_of(&r);
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.removed, 1);
    assert_booked(&r, 0, "");
    assert_int_equal(atomic_load(&r.sources[1].slot->refs), 2); /* the rig's and its follow's */

    rig_log(&r.sources[1], 2, "2\\n"); /* it comes back, and goes on where it was */
    buf_clear(&r.sinks[0].delivered);
    route_rig_publish(&r, 2);
    route_rig_settle(&r, 0);
    assert_delivered(&r, 0, "b:2\n");
    assert_int_equal(rows_of(&r).removed, 0);
    route_rig_deinit(&r);
}

static void s67_positions_survive_a_restart(void **state)
{
    struct route_rig r;
    begin(&r, 2);
    route_rig_publish(&r, 2);
    route_rig_settle(&r, 0);
    buf_clear(&r.sinks[0].delivered);
    route_rig_close(&r, 0);
    for (size_t i = 0; i < 2; i++)
        rig_log(&r.sources[i], 2, "2\\n");
    route_rig_open(&r, 0);
    route_rig_settle(&r, 0);
    struct buf *delivered = &r.sinks[0].delivered;
    assert_int_equal(delivered->size, 8);
    assert_non_null(memmem(delivered->data, delivered->size, "a:2\n", 4));
    assert_non_null(memmem(delivered->data, delivered->size, "b:2\n", 4));
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 4);
    route_rig_deinit(&r);
}

static int collect_cursor(void *context, const char *id, const struct cursor *cursor)
{
    unsigned *count = context;
    (*count)++;
    assert_int_equal(cursor->segment.serial, 1);
    return 0;
}

static void cursors_tell_the_monitor_what_is_known(void **state)
{
    struct route_rig r;
    struct error error;
    unsigned count = 0;
    begin(&r, 2);
    route_rig_publish(&r, 2);
    route_rig_settle(&r, 0);
    route_rig_publish(&r, 1);
    route_rig_settle(&r, 0);
    route_rig_close(&r, 0);
    route_rig_open(&r, 0);
    assert_int_equal(route_each_cursor(r.routes[0], collect_cursor, &count, &error), 0);
    assert_int_equal(count, 1); /* the other is removed */
    route_rig_deinit(&r);
}

/* Removed while nobody watched, with no pin: what was unread of it is lost, and says so. */
static void r1_removed_while_we_were_down_is_booked(void **state)
{
    struct route_rig r;
    begin(&r, 2);
    route_rig_publish(&r, 2);
    route_rig_settle(&r, 0);
    route_rig_close(&r, 0);
    route_rig_open(&r, 0);
    route_rig_publish(&r, 1);
    route_rig_settle(&r, 0);
    assert_booked(&r, 0, "removed ?\n");
    assert_int_equal(rows_of(&r).removed, 1);
    route_rig_close(&r, 0);
    route_rig_open(&r, 0);
    route_rig_settle(&r, 0);
    assert_booked(&r, 0, "removed ?\n"); /* once */
    assert_int_equal(route_rig_total(&r, 0).gaps, 1);
    route_rig_deinit(&r);
}

/* And its source is read to its end. */
static void remove_container(struct route_rig *r, size_t source)
{
    rig_remove_container(&r->sources[source]);
    rig_sync(&r->sources[source], 0);
    route_rig_mark_ready(r);
    route_rig_settle(r, 0);
}

/* R1: read to its end, then killed before the monitor had let go of it, or the route had seen so.
 */
static void r1_what_was_read_to_its_end_is_not_booked(void **state)
{
    struct route_rig r;
    begin(&r, 2);
    route_rig_publish(&r, 2);
    route_rig_settle(&r, 0);
    remove_container(&r, 1);
    route_rig_close(&r, 0);
    route_rig_open(&r, 0);
    route_rig_publish(&r, 1);
    route_rig_settle(&r, 0);
    assert_booked(&r, 0, "");
    assert_int_equal(rows_of(&r).removed, 1);
    route_rig_deinit(&r);
}

/* The same, but the monitor still has it. */
static void what_was_read_to_its_end_needs_nothing_after_a_restart(void **state)
{
    struct route_rig r;
    begin(&r, 1);
    route_rig_publish(&r, 1);
    route_rig_settle(&r, 0);
    remove_container(&r, 0);
    route_rig_close(&r, 0);
    atomic_store(&r.sources[0].slot->routes[0].needs, 0);
    route_rig_open(&r, 0);
    route_rig_settle(&r, 0);
    assert_int_equal(atomic_load(&r.sources[0].slot->routes[0].needs), SLOT_NEEDS_NOTHING);
    assert_booked(&r, 0, "");
    route_rig_deinit(&r);
}

/* The directory was not gone for good: put back from a backup, say. */
static void what_had_ended_goes_on_where_it_is_there_again(void **state)
{
    struct route_rig r;
    begin(&r, 1);
    route_rig_publish(&r, 1);
    route_rig_settle(&r, 0);
    struct source_rig *s = &r.sources[0];
    struct view *there = slot_view(s->slot);
    rig_remove_container(s);
    rig_sync(s, 0);
    route_rig_mark_ready(&r);
    route_rig_settle(&r, 0);
    assert_int_equal(rows_of(&r).cursor.kind, CURSOR_ENDED);
    route_rig_close(&r, 0);
    slot_publish(s->slot, there);
    route_rig_open(&r, 0);
    route_rig_settle(&r, 0);
    assert_int_not_equal(atomic_load(&s->slot->routes[0].needs), SLOT_NEEDS_NOTHING);
    route_rig_deinit(&r);
}

static void begin_once(struct route_rig *r, size_t count)
{
    route_rig_init(r, count);
    for (size_t i = 0; i < count; i++) {
        struct source_rig *s = &r->sources[i];
        rig_log(s, 1, "1\\n");
        s->slot->once_serial = 1;
        s->slot->once_offset = chain_live_size(s->chain);
    }
    r->options[0].once = true;
    route_rig_publish(r, count);
    route_rig_open(r, 0);
}

static void step_until_done(struct route_rig *r)
{
    for (int i = 0; i < 100 && !route_is_done(r->routes[0]); i++) {
        int64_t timeout_ns = route_rig_step(r, 0);
        r->now_ns += timeout_ns == INT64_MAX ? 0 : timeout_ns;
    }
    assert_true(route_is_done(r->routes[0]));
}

static void once_reads_what_was_there_and_is_done(void **state)
{
    struct route_rig r;
    begin_once(&r, 2);
    rig_log(&r.sources[0], 2, "later\\n");
    step_until_done(&r);
    struct buf *delivered = &r.sinks[0].delivered;
    assert_int_equal(delivered->size, 8);
    assert_null(memmem(delivered->data, delivered->size, "later", 5));
    route_rig_deinit(&r);
}

static void once_ends_open_lines(void **state)
{
    struct route_rig r;
    route_rig_init(&r, 1);
    struct source_rig *s = &r.sources[0];
    rig_log_chunk(s, 1, "stdout", 'a');
    s->slot->once_serial = 1;
    s->slot->once_offset = chain_live_size(s->chain);
    r.options[0].once = true;
    route_rig_publish(&r, 1);
    route_rig_open(&r, 0);
    step_until_done(&r);
    assert_int_equal(r.sinks[0].delivered.size, strlen("a:\n") + SOURCE_CHUNK_BYTES);
    assert_int_equal(route_rig_total(&r, 0).lines_delivered, 1);
    route_rig_deinit(&r);
}

/* A source that is done may be marked ready for something else. */
static void once_is_done_though_sources_are_marked_again(void **state)
{
    struct route_rig r;
    begin_once(&r, 2);
    struct source_rig *longer = &r.sources[1]; /* the other one is done long before */
    for (int i = 0; i < 6000; i++)
        rig_log(longer, 2 + i, "one of many\\n");
    longer->slot->once_offset = chain_live_size(longer->chain);
    for (int i = 0; i < 50 && !route_is_done(r.routes[0]); i++) {
        route_rig_mark_ready(&r);
        route_rig_step(&r, 0);
    }
    assert_true(route_is_done(r.routes[0]));
    route_rig_deinit(&r);
}

static void once_without_any_source_is_done(void **state)
{
    struct route_rig r;
    begin_once(&r, 1);
    route_rig_publish(&r, 0);
    step_until_done(&r);
    assert_delivered(&r, 0, "");
    route_rig_deinit(&r);
}

/* D25: a terminal's `\r` before the newline is not the program's. */
static void d25_tty_is_stripped_by_the_route(void **state)
{
    struct route_rig r;
    begin(&r, 1);
    struct container_fields fields = {
        .id = r.sources[0].id, .name = "tty", .image = "busybox", .state = "running", .tty = true};
    container_unref(r.sources[0].eras[0].container);
    assert_int_equal(container_new(&r.sources[0].eras[0].container, &fields), 0);
    rig_publish(&r.sources[0]);
    rig_log(&r.sources[0], 2, "two\\r\\n");
    rig_log(&r.sources[0], 3, "lone \\r inside\\r");
    route_rig_publish(&r, 1);
    route_rig_settle(&r, 0);
    assert_delivered(&r, 0, "tty:1\ntty:two\ntty:lone \r inside\r\n");
    route_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s75_sources_are_added_at_run_time),
        cmocka_unit_test(d76_row_is_committed_before_anything_is_read),
        cmocka_unit_test(s75_source_that_leaves_is_marked_removed),
        cmocka_unit_test(s67_positions_survive_a_restart),
        cmocka_unit_test(cursors_tell_the_monitor_what_is_known),
        cmocka_unit_test(r1_removed_while_we_were_down_is_booked),
        cmocka_unit_test(r1_what_was_read_to_its_end_is_not_booked),
        cmocka_unit_test(what_was_read_to_its_end_needs_nothing_after_a_restart),
        cmocka_unit_test(what_had_ended_goes_on_where_it_is_there_again),
        cmocka_unit_test(once_reads_what_was_there_and_is_done),
        cmocka_unit_test(once_ends_open_lines),
        cmocka_unit_test(once_is_done_though_sources_are_marked_again),
        cmocka_unit_test(once_without_any_source_is_done),
        cmocka_unit_test(d25_tty_is_stripped_by_the_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
