// SPDX-License-Identifier: Apache-2.0
/* One entry of Docker's, field by field (docker-logs 5). */
#include "journal_rig.h"

static const struct journal_place place = {.numbering = {1, 2}, .number = 9, .realtime_us = 5000};

static struct journal_record read_fields(const struct span *fields, size_t count, struct buf *text)
{
    struct journal_record r;
    struct journal_record_parts parts;
    buf_append(text, SPAN("before"));
    journal_record_begin(&r, &parts, &place, text);
    for (size_t i = 0; i < count; i++)
        journal_record_field(&r, &parts, fields[i], text);
    journal_record_end(&r);
    return r;
}
#define READ(text, ...)                                                                            \
    read_fields((const struct span[]){__VA_ARGS__},                                                \
                sizeof((const struct span[]){__VA_ARGS__}) / sizeof(struct span), (text))

static void a_line_of_each_stream(void **state)
{
    struct buf text = BUF_INIT(1024);
    struct journal_record r =
        READ(&text, SPAN("PRIORITY=6"), SPAN("MESSAGE=a=b\0\xff"), SPAN("CONTAINER_NAME=x"));
    assert_int_equal(r.stream, STREAM_STDOUT);
    assert_int_equal(r.flags, 0);
    assert_int_equal(r.size, 5);
    assert_memory_equal(text.data + r.at, "a=b\0\xff", 5);
    assert_int_equal(READ(&text, SPAN("PRIORITY=3")).stream, STREAM_STDERR);
    assert_int_equal(READ(&text, SPAN("PRIORITY=4")).flags, ENTRY_STREAM_MISSING);
    assert_int_equal(READ(&text, SPAN("MESSAGE=")).size, 0);
    buf_deinit(&text);
}

static void time_is_dockers_then_that_of_sending_then_of_reception(void **state)
{
    struct buf text = BUF_INIT(1024);
    const struct span docker = SPAN("SYSLOG_TIMESTAMP=2026-01-01T00:00:00.000000007Z");
    const struct span sent = SPAN("_SOURCE_REALTIME_TIMESTAMP=4000");
    const int64_t docker_ns = INT64_C(1767225600000000007);
    assert_int_equal(READ(&text, sent, docker).time_ns, docker_ns);
    assert_int_equal(READ(&text, docker, sent).time_ns, docker_ns);
    assert_int_equal(READ(&text, sent, SPAN("SYSLOG_TIMESTAMP=Jan  1")).time_ns, 4000000);
    assert_int_equal(READ(&text, SPAN("_SOURCE_REALTIME_TIMESTAMP=")).time_ns, 5000000);
    assert_int_equal(READ(&text, SPAN("_SOURCE_REALTIME_TIMESTAMP=99999999999999999999")).time_ns,
                     5000000);
    buf_deinit(&text);
}

static void chunks_have_numbers(void **state)
{
    struct buf text = BUF_INIT(1024);
    struct journal_record r =
        READ(&text, SPAN("CONTAINER_PARTIAL_MESSAGE=true"), SPAN("CONTAINER_PARTIAL_ORDINAL=2"));
    assert_true(r.more && r.chunk == 2);
    r = READ(&text, SPAN("CONTAINER_PARTIAL_ORDINAL=3"), SPAN("CONTAINER_PARTIAL_LAST=true"));
    assert_true(!r.more && r.chunk == 3);
    r = READ(&text, SPAN("CONTAINER_PARTIAL_MESSAGE=true")); /* Podman's: nobody can join those */
    assert_true(!r.more && r.chunk == 0);
    buf_deinit(&text);
}

static void marks_tell_neighbours(void **state)
{
    struct buf text = BUF_INIT(1024);
    const struct span start = SPAN("CONTAINER_LOG_EPOCH=abc");
    struct journal_record one = READ(&text, start, SPAN("CONTAINER_LOG_ORDINAL=1"));
    struct journal_record two = READ(&text, SPAN("CONTAINER_LOG_ORDINAL=2"), start);
    struct journal_record other =
        READ(&text, SPAN("CONTAINER_LOG_EPOCH=abd"), SPAN("CONTAINER_LOG_ORDINAL=2"));
    struct journal_record none = READ(&text, SPAN("MESSAGE=x"));
    assert_true(journal_record_follows(&two, journal_record_mark(&one)));
    assert_false(journal_record_follows(&two, journal_record_mark(&two)));
    assert_false(journal_record_follows(&other, journal_record_mark(&one)));
    assert_int_equal(journal_record_mark(&none), 0);
    assert_false(journal_record_follows(&none, 0));
    buf_deinit(&text);
}

static void what_is_too_long_is_not_kept(void **state)
{
    struct buf text = BUF_INIT(1024 * 1024);
    static char field[8 + JOURNAL_MESSAGE_MAX + 1] = "MESSAGE=";
    struct journal_record r = READ(&text, ((struct span){field, sizeof(field)}));
    assert_true(r.too_long);
    assert_int_equal(r.size, JOURNAL_MESSAGE_MAX + 1);
    assert_int_equal(text.size, sizeof("before") - 1);
    r = READ(&text, ((struct span){field, sizeof(field) - 1}));
    assert_false(r.too_long);
    buf_deinit(&text);
}

static void a_label_may_bear_the_name_of_a_field(void **state)
{
    struct buf text = BUF_INIT(1024);
    struct journal_record r =
        READ(&text, SPAN("MESSAGE=first"), SPAN("MESSAGE=second"), SPAN("no field"));
    assert_int_equal(r.size, 5);
    assert_memory_equal(text.data + r.at, "first", 5);
    buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_each_stream),
        cmocka_unit_test(time_is_dockers_then_that_of_sending_then_of_reception),
        cmocka_unit_test(chunks_have_numbers),
        cmocka_unit_test(marks_tell_neighbours),
        cmocka_unit_test(what_is_too_long_is_not_kept),
        cmocka_unit_test(a_label_may_bear_the_name_of_a_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
