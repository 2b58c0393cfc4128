// SPDX-License-Identifier: Apache-2.0
#include "loki_rig.h"

#include "sink/protobuf.h"

#include <string.h>

#define T INT64_C(1795449731597707236)

#define STREAM_OF(name, stream)                                                                    \
    "{compose_project=\"shop\", container_name=\"" name "\", host=\"box\", "                       \
    "service=\"ssw-log-capturer\", source=\"docker\", stream=\"" stream "\"}"
#define METADATA(id)                                                                               \
    "source_type=docker;source_id=" id ";container_id=" id                                         \
    ";image=busybox:1.36;container_label_tier=front;"

static void assert_sent(const struct sent *sent, const char *stream, int64_t ns, struct span line,
                        const char *metadata)
{
    assert_string_equal(sent->stream, stream);
    assert_int_equal(sent->ns, ns);
    assert_int_equal(sent->size, line.size);
    assert_memory_equal(sent->line, line.data, line.size);
    assert_string_equal(sent->metadata, metadata);
}

/* D48, S32 to S47: each line with its time, its few labels and the rest. */
static void test_protobuf(void **state)
{
    const struct entry entries[] = {
        {.message = SPAN("to stdout"), .time_ns = T},
        {.message = SPAN(""), .time_ns = T + 1, .stream = STREAM_STDERR},
        {.message = SPAN("nul \0 tab \t"), .time_ns = T + 2},
        {.message = SPAN("whole second"), .time_ns = INT64_C(1795449732000000000)},
    };
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, NULL, NULL);
    loki_rig_add(&r, 0, entries, 4);
    loki_rig_lines(&r, 1, STREAM_STDOUT, "before 1970", INT64_C(-1500000000), NULL);
    loki_rig_push_all(&r);
    assert_sent(&r.sent[0], STREAM_OF("web-0", "stdout"), T, entries[0].message,
                METADATA("000000000000"));
    assert_sent(&r.sent[1], STREAM_OF("web-0", "stdout"), T + 2, entries[2].message,
                METADATA("000000000000"));
    assert_sent(&r.sent[2], STREAM_OF("web-0", "stdout"), INT64_C(1795449732000000000),
                entries[3].message, METADATA("000000000000"));
    assert_sent(&r.sent[3], STREAM_OF("web-0", "stderr"), T + 1, SPAN(""),
                METADATA("000000000000"));
    assert_sent(&r.sent[4], STREAM_OF("web-1", "stdout"), INT64_C(-1500000000), SPAN("before 1970"),
                METADATA("000000000000"));
    loki_rig_deinit(&r);
}

/* S32 to S47: a second's lines share what is written of it. */
static void test_times_of_many_seconds(void **state)
{
    static const int64_t times[] = {
        INT64_C(-9000000000000000001), -1, 0, 1, 999999999, 1000000000, T, T + 1, INT64_MAX,
    };
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, NULL, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(times); i++)
        loki_rig_lines(&r, 0, STREAM_STDOUT, "a", times[i], NULL);
    loki_rig_push_all(&r);
    for (size_t i = 0; i < ARRAY_SIZE(times); i++)
        assert_int_equal(r.sent[i].ns, times[i]);
    loki_rig_deinit(&r);
}

/* A stream's head: its length always takes four bytes. */
static void test_a_wide_head_tells_any_length(void **state)
{
    static const size_t sizes[] = {0, 1, 127, 128, 16384, 1 << 21, PROTOBUF_WIDE_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        unsigned char head[PROTOBUF_WIDE_HEAD];
        protobuf_put_wide_head((char *)head, PROTOBUF_BYTES(1), sizes[i]);
        assert_int_equal(head[0], 0x0a);
        assert_int_equal((head[1] & head[2] & head[3]) >> 7, 1);
        assert_int_equal(head[4] >> 7, 0);
        size_t size = (head[1] & 0x7fU) | (head[2] & 0x7fU) << 7 | (head[3] & 0x7fU) << 14 |
                      (size_t)head[4] << 21;
        assert_int_equal(size, sizes[i]);
    }
}

/* D27: Loki takes UTF-8 only. What stands around a line that is mended is as it was. */
static void test_what_is_no_utf8_is_mended(void **state)
{
    const struct entry entries[] = {
        {.message = SPAN("before"), .time_ns = T},
        {.message = SPAN("\xff no \xc3 UTF-8 \xed\xa0\x80"),
         .time_ns = T + 1,
         .flags = ENTRY_PARTIAL},
        {.message = SPAN("é 🐳"), .time_ns = T + 2},
    };
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, NULL, NULL);
    loki_rig_add(&r, 0, entries, 3);
    loki_rig_push_all(&r);
    assert_sent(&r.sent[0], STREAM_OF("web-0", "stdout"), T, entries[0].message,
                METADATA("000000000000"));
    assert_sent(&r.sent[1], STREAM_OF("web-0", "stdout"), T + 1,
                SPAN("\ufffd no \ufffd UTF-8 \ufffd\ufffd\ufffd"),
                METADATA("000000000000") "partial=true;");
    assert_sent(&r.sent[2], STREAM_OF("web-0", "stdout"), T + 2, entries[2].message,
                METADATA("000000000000"));
    loki_rig_deinit(&r);
}

#define ALL_FLAGS                                                                                  \
    (ENTRY_PARTIAL | ENTRY_CONTINUED | ENTRY_UNTERMINATED | ENTRY_TIME_MISSING |                   \
     ENTRY_STREAM_MISSING)

static void test_what_few_lines_have(void **state)
{
    const struct entry entries[] = {
        {.message = SPAN("a"), .time_ns = T, .flags = ALL_FLAGS},
        {.message = SPAN("b"), .time_ns = T, .attrs = SPAN("{\"tag\":\"x\"}"), .stream = 1},
        {.message = SPAN("c"), .time_ns = T},
    };
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, NULL, NULL);
    loki_rig_add(&r, 0, entries, 3);
    loki_rig_push_all(&r);
    assert_string_equal(r.sent[0].metadata,
                        METADATA("000000000000") "partial=true;continued=true;unterminated=true;"
                                                 "time_missing=true;stream_missing=true;");
    assert_string_equal(r.sent[1].metadata, METADATA("000000000000"));
    assert_string_equal(r.sent[2].metadata, METADATA("000000000000") "attrs={\"tag\":\"x\"};");
    loki_rig_deinit(&r);
}

static void test_chosen_metadata(void **state)
{
    static const char *const none[] = {"none", NULL};
    static const char *const some[] = {"image", "host", "partial", "stream", NULL};
    static const char *const labels[] = {"container_name", "container_label_missing", NULL};
    struct entry entry = {.message = SPAN("a"), .flags = ALL_FLAGS, .attrs = SPAN("{}")};
    struct loki_rig r;

    loki_rig_init(&r, LOKI_PROTOBUF, labels, none);
    loki_rig_add(&r, 0, &entry, 1);
    loki_rig_add(&r, 0, &entry, 1); /* moved, but nobody is to be told */
    loki_rig_push_all(&r);
    assert_sent(&r.sent[1], "{container_name=\"web-0\"}", 1, SPAN("a"), "");
    loki_rig_deinit(&r);

    loki_rig_init(&r, LOKI_PROTOBUF, labels, some);
    loki_rig_add(&r, 0, &entry, 1);
    loki_rig_push_all(&r);
    assert_sent(&r.sent[0], "{container_name=\"web-0\"}", 0, SPAN("a"),
                "stream=stdout;host=box;image=busybox:1.36;partial=true;");
    loki_rig_deinit(&r);
}

/* Each stream stands once in a push, its lines in the order of their times. */
static void test_order(void **state)
{
    static const char *const labels[] = {"compose_project", NULL};
    static const char *const lines[] = {"e", "a", "b", "c", "f", "d"};
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, labels, NULL);
    loki_rig_lines(&r, 0, STREAM_STDOUT, "a", T + 1, "b", T + 2, "e", T, NULL); /* a clock's step */
    loki_rig_lines(&r, 1, STREAM_STDERR, "c", T + 2, "d", T + 3, NULL);
    loki_rig_lines(&r, 0, STREAM_STDOUT, "f", T + 2, NULL);
    loki_rig_push_all(&r);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(r.sent[i].line, lines[i]);
    assert_int_equal(r.plan.stream_count, 1);
    assert_non_null(strstr(r.sent[3].metadata, "container_name=web-1;"));
    assert_non_null(strstr(r.sent[3].metadata, "stream=stderr;"));
    assert_non_null(strstr(r.sent[4].metadata, "container_name=web-0;"));
    assert_int_equal(r.plan.shifted, 0);
    loki_rig_deinit(&r);
}

/* A piece has its own lines only, whatever streams the rest belongs to. */
static void test_pieces(void **state)
{
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, NULL, NULL);
    for (unsigned i = 0; i < LOKI_RIG_CONTAINERS; i++)
        loki_rig_lines(&r, i, STREAM_STDOUT, "a", T, "b", T + 1, "c", T + 2, NULL);
    loki_rig_push(&r, 2, 7);
    static const char *const lines[] = {"c", "a", "b", "c", "a"};
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(r.sent[i].line, lines[i]);
    assert_string_equal(r.sent[4].stream, STREAM_OF("web-2", "stdout"));
    loki_rig_deinit(&r);
}

/* More containers than texts are kept for: they are rendered again. */
static void test_texts_are_rendered_again(void **state)
{
    struct loki_rig r;
    loki_rig_init(&r, LOKI_PROTOBUF, NULL, NULL);
    loki_rig_lines(&r, 0, STREAM_STDOUT, "a", T, NULL);
    loki_rig_push_all(&r);
    loki_target_drop(&r.list, &r.targets[0]);
    loki_rig_push_all(&r);
    assert_string_equal(r.sent[0].stream, STREAM_OF("web-0", "stdout"));
    assert_int_equal(r.list.count, 1);
    loki_rig_deinit(&r);
}

static void test_json(void **state)
{
    static const char *const labels[] = {"container_name", "stream", NULL};
    static const char *const metadata[] = {"image", "unterminated", "attrs", "time", NULL};
    const struct entry entries[] = {
        {.message = SPAN("caf\\u00e9 \\\"x\\\""), .time_ns = T},
        {.message = SPAN(""), .time_ns = T, .stream = STREAM_STDERR, .flags = ENTRY_UNTERMINATED},
        {.message = SPAN("b"), .time_ns = T + 5, .attrs = SPAN("{\"a\":\"b\"}")},
        {.message = SPAN("b"), .time_ns = T + 5},
    };
    struct loki_rig r;
    loki_rig_init(&r, LOKI_JSON, labels, metadata);
    loki_rig_add(&r, 0, entries, 4);
    loki_rig_push_all(&r);
    assert_string_equal(
        buf_string(&r.body),
        "{\"streams\":["
        "{\"stream\":{\"container_name\":\"web-0\",\"stream\":\"stdout\"},\"values\":["
        "[\"1795449731597707236\",\"caf\\u00e9 \\\"x\\\"\",{\"image\":\"busybox:1.36\"}],"
        "[\"1795449731597707241\",\"b\",{\"image\":\"busybox:1.36\","
        "\"attrs\":\"{\\\"a\\\":\\\"b\\\"}\"}],"
        "[\"1795449731597707242\",\"b\",{\"image\":\"busybox:1.36\","
        "\"time\":\"2026-11-23T16:02:11.597707241Z\"}]]},"
        "{\"stream\":{\"container_name\":\"web-0\",\"stream\":\"stderr\"},\"values\":["
        "[\"1795449731597707236\",\"\",{\"image\":\"busybox:1.36\",\"unterminated\":\"true\"}]]}"
        "]}");
    loki_rig_deinit(&r);
}

static void test_json_without_metadata(void **state)
{
    static const char *const labels[] = {NULL};
    static const char *const none[] = {"none", NULL};
    struct loki_rig r;
    loki_rig_init(&r, LOKI_JSON, labels, none);
    loki_rig_lines(&r, 0, STREAM_STDOUT, "a", INT64_C(-5), NULL);
    loki_rig_push_all(&r);
    assert_string_equal(
        buf_string(&r.body),
        "{\"streams\":[{\"stream\":{\"source_type\":\"docker\"},\"values\":[[\"-5\",\"a\"]]}]}");
    loki_rig_deinit(&r);
}

/* The body of a request is never larger than the request said, and not much smaller. */
static void check_bound(enum loki_format format)
{
    static char long_line[100000];
    memset(long_line, 'x', sizeof(long_line));
    struct span attrs = SPAN("{\"a\":\"\\\\\",\"b\":\"\\\"\"}");
    struct entry entries[600] = {
        {.message = {long_line, sizeof(long_line)}, .time_ns = -2 * T},
        {.message = {long_line, 200}, .time_ns = 4 * T, .flags = ALL_FLAGS, .stream = 1},
        {.message = SPAN("a"), .time_ns = T, .flags = ALL_FLAGS, .attrs = attrs},
    };
    for (size_t i = 3; i < 600; i++)
        entries[i] = (struct entry){.message = SPAN("short"), .time_ns = T + (int64_t)i};
    for (size_t count = 1; count <= 600; count = count < 4 ? count + 1 : 600 + (count == 600)) {
        struct loki_rig r;
        loki_rig_init(&r, format, NULL, NULL);
        for (unsigned container = 0; container < LOKI_RIG_CONTAINERS; container++)
            loki_rig_add(&r, container, entries + (count < 4 ? count - 1 : 0),
                         count < 4 ? 1 : count);
        loki_rig_push_all(&r);
        assert_in_range(r.body.size, r.q.bytes * 3 / 4, r.q.bytes);
        loki_rig_deinit(&r);
    }
}

static void test_a_body_is_as_large_as_was_said(void **state)
{
    check_bound(LOKI_PROTOBUF);
    check_bound(LOKI_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protobuf),
        cmocka_unit_test(test_times_of_many_seconds),
        cmocka_unit_test(test_a_wide_head_tells_any_length),
        cmocka_unit_test(test_what_is_no_utf8_is_mended),
        cmocka_unit_test(test_what_few_lines_have),
        cmocka_unit_test(test_chosen_metadata),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_texts_are_rendered_again),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_without_metadata),
        cmocka_unit_test(test_a_body_is_as_large_as_was_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
