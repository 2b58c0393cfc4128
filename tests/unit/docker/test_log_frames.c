// SPDX-License-Identifier: Apache-2.0
#include "base/rfc3339.h"
#include "docker/log_frames.h"
#include "sample.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define STAMP "2026-11-23T16:34:48.520093080Z "
#define LATER "2026-11-23T16:34:49.000000000Z "

static const struct log_shape framed, terminal = {.tty = true}, detailed = {.own_times = true},
                                      journal_terminal = {.tty = true, .own_times = true};

/* All records of `body`, fed in pieces of `step` bytes, one a line: how they are compared. */
static struct buf decode(struct span body, struct log_shape shape, size_t step,
                         uint64_t *ret_nonsense)
{
    struct buf told = BUF_INIT(4 * 1024 * 1024);
    struct log_frames frames;
    struct log_record record;

    log_frames_init(&frames, shape);
    for (size_t at = 0; at < body.size || !frames.finished;) {
        size_t size = body.size - at < step ? body.size - at : step;
        assert_int_equal(log_frames_feed(&frames, (struct span){body.data + at, size}), 0);
        at += size;
        if (at == body.size)
            log_frames_finish(&frames);
        while (log_frames_next(&frames, &record)) {
            buf_append_format(&told, "%s %lld %s%s%s ", stream_word(record.stream),
                              (long long)record.time_ns, record.starts_line ? "starts " : "",
                              record.ends_line ? "ends" : "goes on",
                              record.is_fault ? " fault" : "");
            buf_append(&told, record.text);
            buf_append_char(&told, '\n');
        }
    }
    *ret_nonsense = frames.broken ? UINT64_MAX : frames.nonsense;
    log_frames_deinit(&frames);
    assert_non_null(buf_string(&told));
    return told;
}

/* The same, as a sample's expectation tells it. */
static struct buf expect(const char *name)
{
    CLEANUP(buf_deinit) struct buf text = sample_read(name);
    struct buf told = BUF_INIT(4 * 1024 * 1024);
    json_error_t error;

    for (size_t at = 0; at < text.size;) {
        json_t *line = json_loadb(text.data + at, text.size - at, JSON_DISABLE_EOF_CHECK, &error);
        assert_non_null(line);
        at += (size_t)error.position + 1;

        const char *time = json_string_value(json_object_get(line, "time"));
        const char *stream = json_string_value(json_object_get(line, "stream"));
        bool fault = strcmp(stream, "systemerr") == 0;
        int64_t ns = 0;
        if (time)
            assert_int_equal(rfc3339_parse(span_of(time), &ns), 0);
        buf_append_format(&told, "%s %lld %s%s %s\n", fault ? "stdout" : stream, (long long)ns,
                          json_is_true(json_object_get(line, "partial")) ? "goes on" : "ends",
                          fault ? " fault" : "", json_string_value(json_object_get(line, "log")));
        json_decref(line);
    }
    assert_non_null(buf_string(&told));
    return told;
}

static void compare(struct span body, struct log_shape shape, const char *expected)
{
    const size_t steps[] = {1, 7, 8, 100, 16384, 1 << 20};

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        uint64_t nonsense;
        CLEANUP(buf_deinit) struct buf told = decode(body, shape, steps[i], &nonsense);
        assert_string_equal(buf_string(&told), expected);
        assert_int_equal(nonsense, 0);
    }
}

/* S77: what an Engine sent is read as what the container wrote, however it is cut on its way. */
static void s77_frames_of_an_engine_are_read(void **state)
{
    const char *const names[] = {"mux-timestamps", "mux-local-driver", "systemerr"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char path[64];
        snprintf(path, sizeof(path), "api-logs/%s.body", names[i]);
        CLEANUP(buf_deinit) struct buf body = sample_read(path);
        snprintf(path, sizeof(path), "api-logs/%s.expected.ndjson", names[i]);
        CLEANUP(buf_deinit) struct buf expected = expect(path);
        compare(buf_span(&body), framed, buf_string(&expected));
    }
}

static void s77_a_terminal_is_read_record_by_record(void **state)
{
    CLEANUP(buf_deinit) struct buf body = sample_read("api-logs/tty-raw-timestamps.body");
    char z[SOURCE_CHUNK_BYTES + 1] = "";
    CLEANUP(buf_deinit) struct buf expected = BUF_INIT(100000);

    memset(z, 'z', SOURCE_CHUNK_BYTES);
    buf_append_format(&expected, "stdout 1795451688944519572 ends tty1\r\n");
    buf_append_format(&expected, "stdout 1795451688945061350 ends tty2\r\n");
    buf_append_format(&expected, "stdout 1795451688946290313 goes on %s\n", z);
    buf_append_format(&expected, "stdout 1795451688946290313 ends %.16s\r\n", z);
    buf_append_format(&expected, "stdout 1795451688974576897 goes on end\n");
    compare(buf_span(&body), terminal, buf_string(&expected));
}

/* Its faults stand unmarked between the records. */
static void a_line_without_a_time_is_a_fault_of_the_engine(void **state)
{
    compare(SPAN(STAMP "one\r\nError grabbing logs: EOF\n" LATER "two\n"), terminal,
            "stdout 1795451688520093080 ends one\r\n"
            "stdout 0 ends fault Error grabbing logs: EOF\n"
            "stdout 1795451689000000000 ends two\n");
}

/* A line of exactly 16,384 bytes comes in two records, the second of them empty. */
static void a_full_record_of_a_terminal_is_followed_by_an_empty_one(void **state)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(100000), expected = BUF_INIT(100000);
    char x[SOURCE_CHUNK_BYTES + 1] = "";

    memset(x, 'x', SOURCE_CHUNK_BYTES);
    buf_append_format(&body, STAMP "%s" STAMP "\n", x);
    buf_append_format(&expected, "stdout 1795451688520093080 goes on %s\n", x);
    buf_append_format(&expected, "stdout 1795451688520093080 ends \n");
    compare(buf_span(&body), terminal, buf_string(&expected));
}

/* Where Docker did not cut, the text goes on with the time of its line. */
static void a_longer_record_of_a_terminal_goes_on(void **state)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(100000), expected = BUF_INIT(100000);
    char x[SOURCE_CHUNK_BYTES + 1] = "";

    memset(x, 'x', SOURCE_CHUNK_BYTES);
    buf_append_format(&body,
                      STAMP "%s"
                            "and a tail of more than thirty bytes\n",
                      x);
    buf_append_format(&expected, "stdout 1795451688520093080 goes on %s\n", x);
    buf_append_format(&expected, "stdout 1795451688520093080 ends "
                                 "and a tail of more than thirty bytes\n");
    compare(buf_span(&body), terminal, buf_string(&expected));
}

static void append_frame(struct buf *body, char type, uint32_t size)
{
    const char head[] = {
        type, 0, 0, 0, (char)(size >> 24), (char)(size >> 16), (char)(size >> 8), (char)size};
    buf_append(body, (struct span){head, sizeof(head)});
}

static void a_frame_that_is_too_long_is_passed_over(void **state)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(4 * 1024 * 1024);
    uint32_t size = LOG_FRAME_BYTES_MAX + 1;
    uint64_t nonsense;

    append_frame(&body, 1, size);
    memset(buf_reserve(&body, size), 'x', size);
    body.size += size;
    append_frame(&body, 2, 35);
    buf_append(&body, SPAN(STAMP "end\n"));

    for (size_t step = 1000; step < 10000000; step *= 100) {
        CLEANUP(buf_deinit) struct buf told = decode(buf_span(&body), framed, step, &nonsense);
        assert_string_equal(buf_string(&told), "stderr 1795451688520093080 ends end\n");
        assert_int_equal(nonsense, 1);
    }
}

static void frames_without_a_time_are_counted(void **state)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(1000);
    uint64_t nonsense;

    append_frame(&body, 1, 0);
    append_frame(&body, 1, 6);
    buf_append(&body, SPAN("hello\n"));
    append_frame(&body, 1, 31);
    buf_append(&body, SPAN(STAMP));
    CLEANUP(buf_deinit) struct buf told = decode(buf_span(&body), framed, 3, &nonsense);
    assert_string_equal(buf_string(&told), "stdout 1795451688520093080 goes on \n");
    assert_int_equal(nonsense, 2);
}

/* Nothing is guessed where the frames have lost their beat. */
static void what_is_no_frame_ends_it(void **state)
{
    uint64_t nonsense;
    CLEANUP(buf_deinit)
    struct buf told = decode(SPAN(STAMP "raw text of a terminal\n"), framed, 5, &nonsense);

    assert_string_equal(buf_string(&told), "");
    assert_true(nonsense == UINT64_MAX);
}

static void append_record(struct buf *body, char type, const char *text)
{
    append_frame(body, type, (uint32_t)strlen(text));
    buf_append(body, span_of(text));
}

/* An Engine that tells the numbers of chunks tells thereby what is none. */
static void d31_numbers_of_chunks_are_among_the_details(void **state)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(1000);

    append_record(&body, 1, STAMP " before any\n");
    append_record(&body, 1, STAMP "A=1%2C2,CONTAINER_PARTIAL_ORDINAL=1,Z=x one");
    append_record(&body, 2, STAMP "CONTAINER_PARTIAL_ORDINAL=1 other stream");
    append_record(&body, 1, LATER "CONTAINER_PARTIAL_ORDINAL=2  two\n");
    append_record(&body, 1, LATER "A=1 whole\n");
    append_record(&body, 3, "Error grabbing logs: EOF\n");
    append_record(&body, 1, LATER " \n");
    compare(buf_span(&body), detailed,
            "stdout 1795451688520093080 ends before any\n"
            "stdout 1795451688520093080 starts goes on one\n"
            "stderr 1795451688520093080 starts goes on other stream\n"
            "stdout 1795451689000000000 ends  two\n"
            "stdout 1795451689000000000 starts ends whole\n"
            "stdout 0 ends fault Error grabbing logs: EOF\n"
            "stdout 1795451689000000000 starts ends \n");
}

/* Of another, nothing is known but that details stand there, though there are none. */
static void details_are_no_text(void **state)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(1000);
    uint64_t nonsense;

    append_record(&body, 1, STAMP " CONTAINER_PARTIAL_ORDINAL=1 is text");
    append_record(&body, 1, LATER "LABEL=a+b and text\n");
    append_record(&body, 1, LATER "without\n");
    append_record(&body, 1, LATER);
    CLEANUP(buf_deinit) struct buf told = decode(buf_span(&body), detailed, 9, &nonsense);
    assert_string_equal(buf_string(&told), "stdout 1795451688520093080 goes on "
                                           "CONTAINER_PARTIAL_ORDINAL=1 is text\n"
                                           "stdout 1795451689000000000 ends and text\n");
    assert_int_equal(nonsense, 2);

    assert_false(log_shape_is_detailed(journal_terminal));
    compare(SPAN(STAMP "LABEL=a text\n"), journal_terminal,
            "stdout 1795451688520093080 ends LABEL=a text\n");
}

static void the_journal_gives_each_chunk_its_time(void **state)
{
    const struct container journal = {.log_driver = "journald", .tty = true};
    const struct container file = {.log_driver = "json-file"};

    assert_true(log_shape_of(&journal).own_times && log_shape_of(&journal).tty);
    assert_false(log_shape_of(&file).own_times || log_shape_of(&file).tty);
}

/* The half of a record that a broken connection leaves behind is none. */
static void half_a_record_is_none(void **state)
{
    struct log_frames frames;
    struct log_record record;

    for (int tty = 0; tty < 2; tty++) {
        log_frames_init(&frames, tty ? terminal : framed);
        if (!tty)
            assert_int_equal(log_frames_feed(&frames, SPAN("\1\0\0\0\0\0\0\50")), 0);
        assert_int_equal(log_frames_feed(&frames, SPAN(STAMP "half")), 0);
        assert_false(log_frames_next(&frames, &record));
        assert_false(frames.broken);
        log_frames_deinit(&frames);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s77_frames_of_an_engine_are_read),
        cmocka_unit_test(s77_a_terminal_is_read_record_by_record),
        cmocka_unit_test(a_line_without_a_time_is_a_fault_of_the_engine),
        cmocka_unit_test(a_full_record_of_a_terminal_is_followed_by_an_empty_one),
        cmocka_unit_test(a_longer_record_of_a_terminal_goes_on),
        cmocka_unit_test(a_frame_that_is_too_long_is_passed_over),
        cmocka_unit_test(frames_without_a_time_are_counted),
        cmocka_unit_test(what_is_no_frame_ends_it),
        cmocka_unit_test(d31_numbers_of_chunks_are_among_the_details),
        cmocka_unit_test(details_are_no_text),
        cmocka_unit_test(the_journal_gives_each_chunk_its_time),
        cmocka_unit_test(half_a_record_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
