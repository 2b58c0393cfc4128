// SPDX-License-Identifier: Apache-2.0
#include "rig.h"

#include "sink/encoder.h"

#include <errno.h>
#include <string.h>

#define TIME_NS   INT64_C(1795449731597707236) /* 2026-11-23T16:02:11.597707236Z */
#define TIME_TEXT "2026-11-23T16:02:11.597707236Z"

struct bench {
    struct encoder encoder;
    struct container *container;
    struct stream_texts texts;
    struct buf out;
};

static void setup(struct bench *b, enum sink_format format, const char *const *fields, size_t count)
{
    struct line_options options = {.format = format, .fields = {fields, count}};
    struct error error = {0};
    *b = (struct bench){.out = BUF_INIT(ENCODED_BYTES_MAX)};
    b->container = rig_container("web-1", "shop");
    if (encoder_init(&b->encoder, &options, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(encoder_render(&b->encoder, b->container, &b->texts, &error), 0);
}

static void teardown(struct bench *b)
{
    stream_texts_deinit(&b->texts);
    container_unref(b->container);
    buf_deinit(&b->out);
}

/* Encodes one entry and compares; also that the bound that was promised holds. */
static void expect(struct bench *b, struct entry entry, const char *line)
{
    struct entries one = {&entry, 1};
    size_t bound = encoder_bound(&b->encoder, &b->texts, one);
    buf_clear(&b->out);
    assert_int_equal(encoder_encode(&b->encoder, &b->texts, one, &b->out, SIZE_MAX), 1);
    assert_true(b->out.size <= bound);
    assert_string_equal(buf_string(&b->out), line);
}

#define ENTRY(text, ...) ((struct entry){.time_ns = TIME_NS, .message = SPAN(text), __VA_ARGS__})
#define LABELS                                                                                     \
    "\"source_type\":\"docker\",\"source_id\":\"0123456789ab\",\"container_id\":\"0123456789ab\"," \
    "\"container_name\":\"web-1\",\"image\":\"busybox:1.36\",\"state\":\"running\","               \
    "\"compose_project\":\"shop\",\"source\":\"docker\",\"service\":\"ssw-log-capturer\""

/* S28, S32 to S43, D48: the whole schema, in its order. */
static void test_ndjson_writes_every_member(void **state)
{
    struct bench b;
    setup(&b, SINK_NDJSON, NULL, 0);
    expect(&b, ENTRY("caf\\u00e9 \\\"x\\\"", .stream = STREAM_STDERR),
           "{\"time\":\"" TIME_TEXT "\",\"message\":\"caf\\u00e9 \\\"x\\\"\","
           "\"stream\":\"stderr\"," LABELS "}\n");
    expect(&b,
           ENTRY("", .attrs = SPAN("{\"tag\":\"a\"}"),
                 .flags = ENTRY_PARTIAL | ENTRY_CONTINUED | ENTRY_UNTERMINATED |
                          ENTRY_TIME_MISSING | ENTRY_STREAM_MISSING),
           "{\"time\":\"" TIME_TEXT "\",\"message\":\"\",\"stream\":\"stdout\"," LABELS
           ",\"attrs\":{\"tag\":\"a\"},\"partial\":true,\"continued\":true,\"unterminated\":true,"
           "\"time_missing\":true,\"stream_missing\":true}\n");
    teardown(&b);
}

/* The order is the schema's, whatever the order in `fields`; flags and attrs only if asked for. */
static void test_ndjson_writes_chosen_members(void **state)
{
    static const char *const fields[] = {"compose_project", "message", "time", "continued"};
    struct bench b;
    setup(&b, SINK_NDJSON, fields, ARRAY_SIZE(fields));
    expect(&b, ENTRY("hello", .attrs = SPAN("{}"), .flags = ENTRY_PARTIAL | ENTRY_CONTINUED),
           "{\"time\":\"" TIME_TEXT "\",\"message\":\"hello\",\"compose_project\":\"shop\","
           "\"continued\":true}\n");
    teardown(&b);
}

static void test_ndjson_without_any_value_is_an_empty_object(void **state)
{
    static const char *const fields[] = {"partial"};
    struct bench b;
    setup(&b, SINK_NDJSON, fields, ARRAY_SIZE(fields));
    expect(&b, ENTRY("hello"), "{}\n");
    expect(&b, ENTRY("hello", .flags = ENTRY_PARTIAL), "{\"partial\":true}\n");
    teardown(&b);
}

/* D27: labels that are not UTF-8 or not plain stay valid JSON. */
static void test_ndjson_escapes_labels(void **state)
{
    static const char *const fields[] = {"container_name"};
    struct bench b;
    setup(&b, SINK_NDJSON, fields, ARRAY_SIZE(fields));
    container_unref(b.container);
    stream_texts_deinit(&b.texts);
    b.container = rig_container("a\"\n\xff", NULL);
    assert_int_equal(encoder_render(&b.encoder, b.container, &b.texts, NULL), 0);
    expect(&b, ENTRY(""), "{\"container_name\":\"a\\\"\\n\xef\xbf\xbd\"}\n");
    teardown(&b);
}

static void expect_refused(enum sink_format format, const char *field, const char *words)
{
    struct line_options options = {.format = format, .fields = {&field, 1}};
    struct encoder encoder;
    struct error error = {0};
    assert_int_equal(encoder_init(&encoder, &options, &error), -EINVAL);
    assert_non_null(strstr(error.text, words));
}

/* R3, R13: a name that is no member is an error that says which. */
static void test_unknown_fields_are_refused(void **state)
{
    expect_refused(SINK_NDJSON, "mesage", "\"mesage\" is no member");
    expect_refused(SINK_NDJSON, "mesage", "\"message\"");
    expect_refused(SINK_NDJSON, "container_label_", "no member");
    expect_refused(SINK_TEXT, "time", "only format ndjson");
    const char *const prefixed[] = {"container_label_tier", "network_backend"};
    struct line_options options = {.fields = {prefixed, 2}};
    struct encoder encoder;
    assert_int_equal(encoder_init(&encoder, &options, NULL), 0);
}

/* Every label that a container can render may be asked for. */
static void test_every_rendered_label_is_a_known_field(void **state)
{
    struct pair labels[] = {{"com.docker.compose.project", "p"},
                            {"com.docker.compose.service", "s"},
                            {"com.docker.stack.namespace", "n"},
                            {"com.docker.swarm.service.name", "w"},
                            {"tier", "1"}};
    struct pair network = {"bridge", "172.17.0.2"};
    struct container_fields all = {
        .id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .name = "n",
        .image = "i",
        .state = "running",
        .platform = "linux",
        .hostname = "h",
        .command = "sh",
        .labels = {labels, ARRAY_SIZE(labels)},
        .networks = {&network, 1},
        .network_mode = "bridge",
        .constants = CONTAINER_CONSTANTS_DEFAULT};
    CLEANUP(container_unref) struct container *c = NULL;
    assert_int_equal(container_new(&c, &all), 0);
    assert_true(c->rendered.count >= 15);
    for (size_t i = 0; i < c->rendered.count; i++) {
        struct line_options options = {.fields = {&c->rendered.items[i].key, 1}};
        struct encoder encoder;
        assert_int_equal(encoder_init(&encoder, &options, NULL), 0);
    }
}

/* One entry is one line, and no terminal obeys it. */
static void test_text_escapes_control_bytes(void **state)
{
    struct bench b;
    setup(&b, SINK_TEXT, NULL, 0);
    expect(&b, ENTRY("plain \xc3\xa9\ttab \\ backslash", .stream = STREAM_STDERR),
           TIME_TEXT " web-1 stderr plain \xc3\xa9\ttab \\ backslash\n");
    expect(&b, ENTRY("\n\r\x1b[0m\x7f\x01"), TIME_TEXT " web-1 stdout \\n\\r\\x1b[0m\\x7f\\x01\n");
    expect(&b, ENTRY(""), TIME_TEXT " web-1 stdout \n");
    teardown(&b);
}

/* Eight bytes are looked at together: each byte, at each of eight places. */
static void test_text_finds_control_bytes_anywhere(void **state)
{
    struct bench b;
    setup(&b, SINK_TEXT, NULL, 0);
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < 16; place++) {
            char text[17] = "0123456789abcdef", line[128], shown[8];
            text[place] = (char)byte;
            bool escaped = (byte < 0x20 && byte != '\t') || byte == 0x7f;
            snprintf(shown, sizeof(shown), escaped ? "\\x%02x" : "%c", byte);
            snprintf(line, sizeof(line), TIME_TEXT " web-1 stdout %.*s%s%s\n", (int)place, text,
                     byte == '\n'   ? "\\n"
                     : byte == '\r' ? "\\r"
                                    : shown,
                     text + place + 1);
            struct entry entry = {.time_ns = TIME_NS, .message = {text, 16}};
            expect(&b, entry, line);
        }
    }
    teardown(&b);
}

static void test_text_names_a_nameless_container_by_id(void **state)
{
    struct bench b;
    setup(&b, SINK_TEXT, NULL, 0);
    container_unref(b.container);
    stream_texts_deinit(&b.texts);
    b.container = rig_container("", NULL);
    assert_int_equal(encoder_render(&b.encoder, b.container, &b.texts, NULL), 0);
    expect(&b, ENTRY("x"), TIME_TEXT " 0123456789ab stdout x\n");
    teardown(&b);
}

/* D25: raw adds nothing but the newline, whatever the entry is a piece of. */
static void test_raw_keeps_bytes(void **state)
{
    struct bench b;
    setup(&b, SINK_RAW, NULL, 0);
    expect(&b, ENTRY("a\r\x1b\xff", .flags = ENTRY_UNTERMINATED), "a\r\x1b\xff\n");
    expect(&b, ENTRY("", .flags = ENTRY_PARTIAL), "\n");
    teardown(&b);
}

static void test_formats_want_their_form(void **state)
{
    struct encoder encoder = {.format = SINK_NDJSON};
    assert_int_equal(encoder_form(&encoder), FORM_JSON);
    encoder.format = SINK_TEXT;
    assert_int_equal(encoder_form(&encoder), FORM_BYTES);
    encoder.format = SINK_RAW;
    assert_int_equal(encoder_form(&encoder), FORM_BYTES);
}

/* S24: the kept second changes nothing, forwards, backwards and at the ends of what int64 holds. */
static void test_times_are_those_of_rfc3339(void **state)
{
    static const int64_t times[] = {0,
                                    1,
                                    999999999,
                                    1000000000,
                                    -1,
                                    -1000000000,
                                    TIME_NS,
                                    TIME_NS + 402292763,
                                    TIME_NS + 402292764,
                                    TIME_NS - 1,
                                    INT64_MIN + 1,
                                    RFC3339_ZERO_NS,
                                    INT64_MIN + 145224193,
                                    RFC3339_ZERO_NS,
                                    INT64_MAX,
                                    1,
                                    INT64_MAX - 1,
                                    INT64_MIN + NS_PER_SECOND,
                                    RFC3339_ZERO_NS};
    struct time_text text = TIME_TEXT_INIT;
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        char found[TIME_TEXT_ROOM], expected[RFC3339_SIZE];
        time_text_put(&text, found, times[i]);
        rfc3339_format(expected, times[i]);
        assert_memory_equal(found, expected, RFC3339_SIZE);
    }
}

static void test_encoding_stops_at_a_full_buffer(void **state)
{
    static const enum sink_format formats[] = {SINK_NDJSON, SINK_TEXT, SINK_RAW};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        struct bench b;
        setup(&b, formats[i], NULL, 0);
        struct entry entries[3] = {ENTRY("one"), ENTRY("two"), ENTRY("three")};
        struct entries all = {entries, 3};
        assert_int_equal(encoder_encode(&b.encoder, &b.texts, all, &b.out, 5),
                         formats[i] == SINK_RAW ? 2 : 1);
        struct buf small = BUF_INIT(3);
        assert_int_equal(encoder_encode(&b.encoder, &b.texts, all, &small, 5), 0);
        assert_int_equal(small.failed, -ENOBUFS);
        buf_deinit(&small);
        teardown(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ndjson_writes_every_member),
        cmocka_unit_test(test_ndjson_writes_chosen_members),
        cmocka_unit_test(test_ndjson_without_any_value_is_an_empty_object),
        cmocka_unit_test(test_ndjson_escapes_labels),
        cmocka_unit_test(test_unknown_fields_are_refused),
        cmocka_unit_test(test_every_rendered_label_is_a_known_field),
        cmocka_unit_test(test_text_escapes_control_bytes),
        cmocka_unit_test(test_text_finds_control_bytes_anywhere),
        cmocka_unit_test(test_text_names_a_nameless_container_by_id),
        cmocka_unit_test(test_raw_keeps_bytes),
        cmocka_unit_test(test_formats_want_their_form),
        cmocka_unit_test(test_times_are_those_of_rfc3339),
        cmocka_unit_test(test_encoding_stops_at_a_full_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
