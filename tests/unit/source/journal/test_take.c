// SPDX-License-Identifier: Apache-2.0
/* Records become a batch: joined, counted, and never without a word where something is missing
 * (S54, S56, R1). */
#include "journal_rig.h"

#include "scratch.h"

enum { STREAMS = STREAM_COUNT };

/* Takes records one after the other, a batch after a batch. */
static void take(struct journal_rig *r, const struct journal_record *records, size_t count,
                 const char *const *messages)
{
    CLEANUP(view_unref) struct view *view = journal_rig_view(r, 0);
    struct buf escaped = BUF_INIT(1024 * 1024);
    for (size_t i = 0; i < count;) {
        size_t before = i;
        struct journal_take t = {.source = &r->sources[0],
                                 .tools = &r->tools,
                                 .view = view,
                                 .batch = &r->batch,
                                 .escaped = &escaped};
        batch_reset(&r->batch);
        r->batch.container = view_container(view);
        journal_take_begin(&t);
        while (i < count && journal_take_record(&t, &records[i], span_of(messages[i])))
            i++;
        assert_int_equal(journal_take_end(&t), FOLLOW_PROGRESS);
        assert_true(i > before);
        assert_true(r->batch.bytes_consumed >= r->batch.bytes_gap);
        journal_rig_print(r, &r->batch);
    }
    buf_deinit(&escaped);
}

static struct journal_record record(uint64_t number, size_t size)
{
    return (struct journal_record){
        .place = {.numbering = {1, 1}, .number = number, .realtime_us = 1000 + number},
        .time_ns = (int64_t)number * 1000,
        .size = size,
    };
}

static struct journal_record chunk(uint64_t number, uint32_t ordinal, bool more)
{
    struct journal_record r = record(number, 1);
    r.chunk = ordinal;
    r.more = more;
    return r;
}

static void chunks_of_both_streams_are_joined(void **state)
{
    struct journal_rig r;
    journal_rig_init(&r, state, FORM_BYTES);
    struct journal_record records[] = {chunk(1, 1, true), chunk(2, 1, true),  chunk(3, 2, true),
                                       record(4, 1),      chunk(5, 3, false), chunk(6, 2, false)};
    records[1].stream = records[3].stream = STREAM_STDERR;
    records[5].stream = STREAM_STDERR;
    records[3].stream = STREAM_STDOUT;
    records[3] = chunk(4, 3, true);
    records[4] = chunk(5, 4, false);
    static const char *const messages[] = {"a", "x", "b", "c", "d", "y"};
    take(&r, records, ARRAY_SIZE(records), messages);
    assert_came(&r, "a o:abcd\na e:xy\n");
    journal_rig_deinit(&r);
}

/* docker-logs 5: the ends of a line whose middle is missing are never joined. */
static void a_missing_chunk_cuts_the_line(void **state)
{
    struct journal_rig r;
    journal_rig_init(&r, state, FORM_BYTES);
    const struct journal_record records[] = {chunk(1, 1, true), chunk(3, 3, true),
                                             chunk(4, 4, false), record(5, 1)};
    static const char *const messages[] = {"a", "c", "d", "next"};
    take(&r, records, ARRAY_SIZE(records), messages);
    assert_came(&r, "a gap dropped ?\na op:a\na oc:cd\na o:next\n");
    journal_rig_deinit(&r);
}

static void a_line_without_its_beginning_continues_something(void **state)
{
    struct journal_rig r;
    journal_rig_init(&r, state, FORM_BYTES);
    const struct journal_record records[] = {record(1, 1), chunk(3, 2, true), chunk(4, 3, false)};
    static const char *const messages[] = {"whole", "b", "c"};
    take(&r, records, ARRAY_SIZE(records), messages);
    assert_came(&r, "a o:whole\na oc:bc\n");
    journal_rig_deinit(&r);
}

static void open_lines_are_named_by_their_first_chunks(void **state)
{
    struct journal_rig r;
    journal_rig_init(&r, state, FORM_BYTES);
    struct journal_record records[] = {record(1, 1), chunk(2, 1, true), chunk(3, 1, true),
                                       chunk(4, 2, true)};
    records[2].stream = STREAM_STDERR;
    records[1].place.monotonic_us = 22;
    records[2].place.monotonic_us = 33;
    static const char *const messages[] = {"whole", "b", "c", "d"};
    take(&r, records, ARRAY_SIZE(records), messages);
    const struct open_line *open = r.follows[0].cursor.open;
    for (int i = 0; i < STREAMS; i++) {
        struct journal_place first = journal_place_of_line(&open[i]);
        assert_int_equal(open[i].kind, OPEN_LINE);
        assert_int_equal(first.number, 2 + i);
        assert_int_equal(first.monotonic_us, i ? 33 : 22);
    }
    assert_int_equal(r.follows[0].cursor.offset, 4);
    journal_rig_deinit(&r);
}

static void what_cannot_be_kept_is_counted(void **state)
{
    struct journal_rig r;
    journal_rig_init(&r, state, FORM_BYTES);
    struct journal_record records[] = {record(1, 200000), record(2, 3), record(3, 0)};
    records[0].too_long = true;
    records[2].damaged = true;
    static const char *const messages[] = {"", "abc", ""};
    take(&r, records, ARRAY_SIZE(records), messages);
    assert_came(&r, "a gap too_long 200000\na gap malformed ?\na o:abc\n");
    assert_int_equal(r.batch.bytes_consumed, 200003);
    assert_int_equal(r.batch.bytes_gap, 200000);
    assert_int_equal(r.batch.records, 1);
    journal_rig_deinit(&r);
}

static void many_gaps_take_several_pulls(void **state)
{
    enum { COUNT = 3 * BATCH_GAPS_MAX };
    struct journal_rig r;
    journal_rig_init(&r, state, FORM_BYTES);
    static struct journal_record records[COUNT];
    static const char *messages[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        records[i] = record(i + 1, 200000);
        records[i].too_long = true;
        messages[i] = "";
    }
    take(&r, records, COUNT, messages);
    assert_int_equal(r.follows[0].cursor.offset, COUNT);
    journal_rig_deinit(&r);
}

static void what_is_held_stays(void **state)
{
    struct journal_rig r;
    journal_rig_init(&r, state, FORM_BYTES);
    CLEANUP(view_unref) struct view *view = journal_rig_view(&r, 0);
    struct buf escaped = BUF_INIT(1024);
    struct journal_take t = {.source = &r.sources[0],
                             .tools = &r.tools,
                             .view = view,
                             .batch = &r.batch,
                             .escaped = &escaped};
    const struct journal_record before = record(1, 1), after = record(2, 1);
    r.tools.hold = (struct slot_hold){.serial = 0, .offset = after.place.realtime_us};
    journal_take_begin(&t);
    assert_true(journal_take_record(&t, &before, SPAN("a")));
    assert_false(journal_take_record(&t, &after, SPAN("b")));
    assert_true(t.held);
    assert_int_equal(journal_take_end(&t), FOLLOW_PROGRESS);
    assert_int_equal(r.follows[0].cursor.offset, 1);
    journal_rig_deinit(&r);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(chunks_of_both_streams_are_joined),
        IN_SCRATCH(a_missing_chunk_cuts_the_line),
        IN_SCRATCH(a_line_without_its_beginning_continues_something),
        IN_SCRATCH(open_lines_are_named_by_their_first_chunks),
        IN_SCRATCH(what_cannot_be_kept_is_counted),
        IN_SCRATCH(many_gaps_take_several_pulls),
        IN_SCRATCH(what_is_held_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
