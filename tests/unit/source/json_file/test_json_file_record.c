// SPDX-License-Identifier: Apache-2.0
/* One record at a time: S19, S23 to S27, D25, D27. Each with every instruction set and form. */
#include "fixture.h"

#include "base/json_text.h"

#include <stdlib.h>
#include <string.h>

#define TIME_TEXT   "2026-11-23T16:01:42.234939836Z"
#define TIME_NS     INT64_C(1795449702234939836)
#define RECORD(log) "{\"log\":\"" log "\",\"stream\":\"stdout\",\"time\":\"" TIME_TEXT "\"}"

static bool is_json(const struct fixture *f)
{
    return f->decoder.form == FORM_JSON;
}

/* The message is `bytes` in FORM_BYTES and `json` in FORM_JSON. */
#define assert_forms(f, bytes, json)                                                               \
    do {                                                                                           \
        assert_int_equal((f)->batch.count, 1);                                                     \
        assert_int_equal((f)->batch.gap_count, 0);                                                 \
        assert_span((f)->batch.entries[0].message, is_json(f) ? SPAN(json) : SPAN(bytes));         \
    } while (0)

static void check_plain(struct fixture *f)
{
    fixture_line(f, RECORD("hello\\n"));
    const struct entry *entry = &f->batch.entries[0];
    assert_forms(f, "hello", "hello");
    assert_int_equal(entry->time_ns, TIME_NS);
    assert_int_equal(entry->stream, STREAM_STDOUT);
    assert_int_equal(entry->serial, 7);
    assert_int_equal(entry->offset, 0);
    assert_int_equal(entry->flags, 0);
    assert_int_equal(entry->attrs.size, 0);
    assert_int_equal(f->result.last_ns, TIME_NS);
    assert_span(f->result.last_record, SPAN(RECORD("hello\\n")));

    fixture_line(f, "{\"log\":\"e\\n\",\"stream\":\"stderr\",\"time\":\"" TIME_TEXT "\"}");
    assert_forms(f, "e", "e");
    assert_int_equal(f->batch.entries[0].stream, STREAM_STDERR);
}

static void s19_s28_a_record_becomes_an_entry(void **state)
{
    for_each_isa(check_plain);
}

static void check_order(struct fixture *f)
{
    static const struct span lines[] = {
        {"{\"time\":\"" TIME_TEXT "\",\"stream\":\"stderr\",\"log\":\"m\\n\"}\n", 0},
        {"{\"stream\":\"stderr\",\"log\":\"m\\n\",\"time\":\"" TIME_TEXT "\"}\n", 0},
        {" { \"log\" : \"m\\n\" , \"stream\":\"stderr\" ,\t\"time\": \"" TIME_TEXT "\" } \n", 0},
        {"{\"log\":\"m\\n\",\"stream\":\"stderr\",\"time\":\"" TIME_TEXT "\"}\r\n", 0},
        {"{\"log\":\"m\\n\",\"stream\":\"stderr\",\"time\":\"" TIME_TEXT "\",\"x\":null}\n", 0},
        {"{\"a\":[1,-2.5e+3,{\"log\":\"no\"}],\"log\":\"m\\n\",\"b\":true,\"stream\":\"stderr\","
         "\"c\":{},\"d\":[],\"time\":\"" TIME_TEXT "\",\"e\":false}\n",
         0},
        {"{\"log\":\"first\\n\",\"log\":\"m\\n\",\"stream\":\"stderr\",\"time\":\"" TIME_TEXT
         "\"}\n",
         0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        fixture_decode(f, span_of(lines[i].data));
        assert_forms(f, "m", "m");
        assert_int_equal(f->batch.entries[0].stream, STREAM_STDERR);
        assert_int_equal(f->batch.entries[0].time_ns, TIME_NS);
        assert_int_equal(f->batch.entries[0].flags, 0);
    }
}

static void s19_order_spaces_and_unknown_members_do_not_matter(void **state)
{
    for_each_isa(check_order);
}

static void check_attrs(struct fixture *f)
{
    fixture_line(
        f, "{\"log\":\"m\\n\",\"stream\":\"stdout\",\"attrs\":{\"time\":\"1\",\"a\":\"\\u003c\"},"
           "\"time\":\"" TIME_TEXT "\"}");
    assert_forms(f, "m", "m");
    assert_span(f->batch.entries[0].attrs, SPAN("{\"time\":\"1\",\"a\":\"\\u003c\"}"));
    assert_int_equal(f->batch.entries[0].time_ns, TIME_NS);

    fixture_line(f, "{\"log\":\"m\\n\",\"stream\":\"stdout\",\"attrs\":{\"log\":\"no\"},"
                    "\"time\":\"" TIME_TEXT "\"}");
    assert_forms(f, "m", "m");
    assert_span(f->batch.entries[0].attrs, SPAN("{\"log\":\"no\"}"));

    fixture_line(
        f, "{\"log\":\"m\",\"stream\":\"stdout\",\"attrs\":{\"a\":\"\xff\\ud800\"},\"time\":\"\"}");
    assert_span(f->batch.entries[0].attrs, SPAN("{\"a\":\"\xef\xbf\xbd\xef\xbf\xbd\"}"));

    fixture_line(f, "{\"log\":\"m\\n\",\"stream\":\"stdout\",\"attrs\":[1],\"time\":\"" TIME_TEXT
                    "\"}");
    assert_int_equal(f->batch.entries[0].attrs.size, 0);
}

static void s19_attrs_are_offered_and_cannot_imitate_a_record(void **state)
{
    for_each_isa(check_attrs);
}

static void check_missing(struct fixture *f)
{
    fixture_line(f, "{\"log\":\"m\\n\"}");
    assert_forms(f, "m", "m");
    assert_int_equal(f->batch.entries[0].flags, ENTRY_TIME_MISSING | ENTRY_STREAM_MISSING);
    assert_int_equal(f->batch.entries[0].time_ns, INGEST_NS);
    assert_int_equal(f->batch.entries[0].stream, STREAM_STDOUT);
    assert_int_equal(f->result.last_ns, GAP_TIME_UNKNOWN);

    fixture_line(f, "{\"log\":\"m\\n\",\"stream\":\"stdwhat\",\"time\":\"" TIME_TEXT "\"}");
    assert_forms(f, "m", "m");
    assert_int_equal(f->batch.entries[0].flags, ENTRY_STREAM_MISSING);

    static const char *const bad_times[] = {
        "",
        "yesterday",
        "2026-13-23T16:01:42.5Z",
        "2026-02-29T16:01:42.5Z",
        "2026-11-23T25:01:42.5Z",
        "2026-11-23T16:01:42.Z",
        "2026-11-23T16:01:42.234939836",
        "2026-11-23 16:01:42.234939836Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T00:00:00Z",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad_times); i++) {
        char line[256];
        snprintf(line, sizeof(line), "{\"log\":\"m\\n\",\"stream\":\"stderr\",\"time\":\"%s\"}\n",
                 bad_times[i]);
        fixture_decode(f, span_of(line));
        assert_forms(f, "m", "m");
        assert_int_equal(f->batch.entries[0].flags, ENTRY_TIME_MISSING);
        assert_int_equal(f->batch.entries[0].time_ns, INGEST_NS);
        assert_int_equal(f->batch.entries[0].stream, STREAM_STDERR);
    }
}

static void s23_s26_without_time_or_stream_it_is_kept_and_flagged(void **state)
{
    for_each_isa(check_missing);
}

static void check_times(struct fixture *f)
{
    static const struct {
        const char *text;
        int64_t ns;
    } times[] = {
        {"2026-11-23T16:01:42Z", INT64_C(1795449702000000000)},
        {"2026-11-23T16:01:42.2Z", INT64_C(1795449702200000000)},
        {"2026-11-23T16:01:42.23493983Z", INT64_C(1795449702234939830)},
        {"2026-11-23T16:01:42.000000001Z", INT64_C(1795449702000000001)},
        {"2026-11-23T16:01:42.2349398361Z", TIME_NS},
        {"2026-11-23T18:01:42.234939836+02:00", TIME_NS},
        {"2026-11-23T11:31:42.234939836-04:30", TIME_NS},
        {"2024-02-29T23:59:59.999999999Z", INT64_C(1709251199999999999)},
        {"1969-12-31T23:59:59.5Z", -500000000},
    };
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        char line[256];
        snprintf(line, sizeof(line), "{\"log\":\"m\\n\",\"stream\":\"stdout\",\"time\":\"%s\"}\n",
                 times[i].text);
        fixture_decode(f, span_of(line));
        assert_forms(f, "m", "m");
        assert_int_equal(f->batch.entries[0].flags, 0);
        assert_int_equal(f->batch.entries[0].time_ns, times[i].ns);
    }
}

static void s24_times_are_utc_nanoseconds(void **state)
{
    for_each_isa(check_times);
}

static void check_newlines(struct fixture *f)
{
    fixture_line(f, RECORD("a\\nb\\n\\n"));
    assert_forms(f, "a\nb\n", "a\\nb\\n");
    assert_int_equal(f->batch.entries[0].flags, 0);
    fixture_line(f, RECORD("\\n"));
    assert_forms(f, "", "");
    assert_int_equal(f->batch.entries[0].flags, 0);
    fixture_line(f, RECORD(""));
    assert_forms(f, "", "");
    assert_int_equal(f->batch.entries[0].flags, ENTRY_UNTERMINATED);
    assert_int_equal(f->batch.entries[0].source_bytes, 0);
    fixture_line(f, RECORD("n"));
    assert_forms(f, "n", "n");
    assert_int_equal(f->batch.entries[0].flags, ENTRY_UNTERMINATED);
    fixture_line(f, RECORD("a\\r\\n")); /* D25 */
    assert_forms(f, "a\r", "a\\r");

    /* A backslash and an n are no newline. */
    fixture_line(f, RECORD("a\\\\n"));
    assert_forms(f, "a\\n", "a\\\\n");
    assert_int_equal(f->batch.entries[0].flags, ENTRY_UNTERMINATED);
    assert_int_equal(f->batch.entries[0].source_bytes, 3);
    fixture_line(f, RECORD("a\\\\\\n"));
    assert_forms(f, "a\\", "a\\\\");
    assert_int_equal(f->batch.entries[0].flags, 0);
    fixture_line(f, RECORD("\\\\\\\\n"));
    assert_forms(f, "\\\\n", "\\\\\\\\n");
    assert_int_equal(f->batch.entries[0].flags, ENTRY_UNTERMINATED);

    fixture_line(f, RECORD("a\\u000a"));
    assert_forms(f, "a", "a");
    assert_int_equal(f->batch.entries[0].flags, 0);
    fixture_line(f, RECORD("a\\\\u000A"));
    assert_forms(f, "a\\u000A", "a\\\\u000A");
    assert_int_equal(f->batch.entries[0].flags, ENTRY_UNTERMINATED);
}

static void s25_d25_one_newline_is_stripped(void **state)
{
    for_each_isa(check_newlines);
}

static void check_escapes(struct fixture *f)
{
    fixture_line(f, RECORD("\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u001b\\u003c\\u2028\\u00e9.\\n"));
    assert_forms(f, "\"\\/\b\f\n\r\t\0\x1b<\xe2\x80\xa8\xc3\xa9.",
                 "\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u001b\\u003c\\u2028\\u00e9.");
    fixture_line(f, RECORD("\\ud83d\\ude00 \\uD834\\uDD1E\\n"));
    assert_forms(f, "\xf0\x9f\x98\x80 \xf0\x9d\x84\x9e", "\\ud83d\\ude00 \\uD834\\uDD1E");
    fixture_line(f, RECORD("\xf0\x9f\x98\x80 \xe2\x82\xac\\n"));
    assert_forms(f, "\xf0\x9f\x98\x80 \xe2\x82\xac", "\xf0\x9f\x98\x80 \xe2\x82\xac");

    /* Halves of pairs, alone, twice, in the wrong order. */
    fixture_line(f, RECORD("\\ud83d\\n"));
    assert_forms(f, "\xef\xbf\xbd", "\xef\xbf\xbd");
    fixture_line(f, RECORD("\\ude00\\ud83d\\ud83d\\ude00a\\n"));
    assert_forms(f,
                 "\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80"
                 "a",
                 "\xef\xbf\xbd\xef\xbf\xbd\\ud83d\\ude00a");
    fixture_line(f, RECORD("\\ud83d\\\\ude00\\n"));
    assert_forms(f, "\xef\xbf\xbd\\ude00", "\xef\xbf\xbd\\\\ude00");
}

static void s27_every_escape_and_surrogate_pairs(void **state)
{
    for_each_isa(check_escapes);
}

static void check_illegal(struct fixture *f)
{
    static const char *const texts[] = {"\\x",     "\\",     "\\u12",   "\\u12g4", "\\u 123",
                                        "\\U0041", "a\\0",   "\\'",     "a\tb",    "a\x01",
                                        "\x1f",    "\\u\\n", "\\u00\"", "a\"b",    "\\\xc3\xa9"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        for (size_t padding = 0; padding < 130; padding += 13) {
            char line[512];
            int size =
                snprintf(line, sizeof(line),
                         "{\"log\":\"%.*s%s\",\"stream\":\"stdout\",\"time\":\"" TIME_TEXT "\"}\n",
                         (int)padding,
                         "..............................................................."
                         "...............................................................",
                         texts[i]);
            fixture_decode(f, (struct span){line, (size_t)size});
            assert_int_equal(f->batch.count, 0);
            assert_int_equal(f->batch.gap_count, 1);
            assert_gap(&f->batch.gaps[0], GAP_MALFORMED, 0, size);
        }
    }
}

static void s22_what_json_forbids_is_no_record(void **state)
{
    for_each_isa(check_illegal);
}

/* Each byte as Docker escapes it, and raw where it may stand raw. */
static void check_all_bytes(struct fixture *f)
{
    for (int byte = 0; byte < 256; byte++) {
        char line[256];
        int size = snprintf(line, sizeof(line),
                            "{\"log\":\"<\\u%04x>\\n\",\"stream\":\"stdout\",\"time\":\"" TIME_TEXT
                            "\"}\n",
                            (unsigned)byte);
        fixture_decode(f, (struct span){line, (size_t)size});
        assert_int_equal(f->batch.count, 1);
        char expected[8] = "<", *end = expected + 1;
        if (byte < 0x80) {
            *end++ = (char)byte;
        } else {
            *end++ = (char)(0xc0 | byte >> 6);
            *end++ = (char)(0x80 | (byte & 0x3f));
        }
        *end++ = '>';
        if (!is_json(f))
            assert_span(f->batch.entries[0].message,
                        (struct span){expected, (size_t)(end - expected)});
        else
            assert_int_equal(f->batch.entries[0].message.size, 8);

        size = snprintf(line, sizeof(line),
                        "{\"log\":\"<%c>\\n\",\"stream\":\"stdout\",\"time\":\"" TIME_TEXT "\"}\n",
                        '!');
        line[9] = (char)byte;
        fixture_decode(f, (struct span){line, (size_t)size});
        if (byte < 0x20 || byte == '"') {
            assert_int_equal(f->batch.count, 0);
        } else if (byte == '\\') { /* "\>" is no escape */
            assert_int_equal(f->batch.count, 0);
        } else if (byte < 0x80 || !is_json(f)) {
            assert_span(f->batch.entries[0].message, (struct span){line + 8, 3});
        } else {
            assert_message(f, "<\xef\xbf\xbd>"); /* D27 */
        }
    }
}

static void s27_d27_all_256_bytes(void **state)
{
    for_each_isa(check_all_bytes);
}

static void check_source_bytes(struct fixture *f)
{
    static const struct {
        const char *text;
        uint32_t bytes;
    } pieces[] = {
        {"abc", 3},          {"\\\"\\\\", 2}, {"\\u003c\\u0000", 2}, {"\\ufffd\\uFFFD", 2},
        {"\xef\xbf\xbd", 3}, {"\\u2028", 3},  {"\xe2\x82\xac", 3},   {"\\ud83d\\ude00", 4},
        {"\\u00e9", 2},      {"a\\nb\\r", 4}, {"\\\\ufffd", 6},      {"\xff", 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        char line[256];
        snprintf(line, sizeof(line),
                 "{\"log\":\"%s\",\"stream\":\"stdout\",\"time\":\"" TIME_TEXT "\"}\n",
                 pieces[i].text);
        fixture_decode(f, span_of(line));
        assert_int_equal(f->batch.count, 1);
        assert_int_equal(f->batch.entries[0].flags, ENTRY_UNTERMINATED);
        assert_int_equal(f->batch.entries[0].source_bytes, pieces[i].bytes);
    }
}

static void d31_source_bytes_of_an_unterminated_record(void **state)
{
    for_each_isa(check_source_bytes);
}

/* A record of `count` times `unit`, terminated; what it decodes to is `count` times `meaning`. */
static void check_long(struct fixture *f, size_t count, struct span unit, struct span meaning)
{
    struct buf line = BUF_INIT(1 << 20), expected = BUF_INIT(1 << 20);
    buf_append(&line, SPAN("{\"log\":\""));
    for (size_t i = 0; i < count; i++) {
        buf_append(&line, unit);
        buf_append(&expected, is_json(f) ? unit : meaning);
    }
    buf_append(&line, SPAN("\",\"stream\":\"stdout\",\"time\":\"" TIME_TEXT "\"}\n"));
    fixture_decode(f, buf_span(&line));
    assert_int_equal(f->batch.count, 1);
    assert_span(f->batch.entries[0].message, buf_span(&expected));
    assert_int_equal(f->batch.entries[0].source_bytes, count);
    buf_deinit(&line);
    buf_deinit(&expected);
}

static void check_long_lines(struct fixture *f)
{
    check_long(f, 12345, SPAN("x"), SPAN("x"));
    check_long(f, 16384, SPAN("x"), SPAN("x"));
    check_long(f, 16384, SPAN("\\u0000"), SPAN("\0")); /* Docker's longest record: 98,373 bytes */
    check_long(f, 16384, SPAN("\\\""), SPAN("\""));
    check_long(f, 500000, SPAN("y"), SPAN("y"));
    check_long(f, 150000, SPAN("\\u0001"), SPAN("\x01"));
}

static void s27_long_lines_are_whole(void **state)
{
    for_each_isa(check_long_lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s19_s28_a_record_becomes_an_entry),
        cmocka_unit_test(s19_order_spaces_and_unknown_members_do_not_matter),
        cmocka_unit_test(s19_attrs_are_offered_and_cannot_imitate_a_record),
        cmocka_unit_test(s23_s26_without_time_or_stream_it_is_kept_and_flagged),
        cmocka_unit_test(s24_times_are_utc_nanoseconds),
        cmocka_unit_test(s25_d25_one_newline_is_stripped),
        cmocka_unit_test(s27_every_escape_and_surrogate_pairs),
        cmocka_unit_test(s22_what_json_forbids_is_no_record),
        cmocka_unit_test(s27_d27_all_256_bytes),
        cmocka_unit_test(d31_source_bytes_of_an_unterminated_record),
        cmocka_unit_test(s27_long_lines_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
