// SPDX-License-Identifier: Apache-2.0
/* What a real Docker wrote, through chain and follow, is line for line what is written beside it;
 * what is no line is booked: D31 D32 R1. And it is the same wherever the reading was interrupted.
 */
#include "source_rig.h"

#include <string.h>

#include "base/json_text.h"
#include "base/rfc3339.h"
#include "base/utf8.h"

struct sample {
    const char *directory;
    enum record_format format;
    const char *gaps; /* as the rig tells them */
};

static const struct sample samples[] = {
    {"jsonfile-attrs", RECORD_JSON_FILE, ""},
    {"jsonfile-escapes", RECORD_JSON_FILE, ""},
    {"jsonfile-gz-zero-lasttime", RECORD_JSON_FILE, ""},
    {"jsonfile-interleaved", RECORD_JSON_FILE, ""},
    {"jsonfile-maxfile1", RECORD_JSON_FILE, ""},
    {"jsonfile-partial", RECORD_JSON_FILE, ""},
    {"jsonfile-restart-16k", RECORD_JSON_FILE, ""},
    {"jsonfile-restart-no-newline", RECORD_JSON_FILE, ""},
    {"jsonfile-rotated-gz", RECORD_JSON_FILE, ""},
    {"jsonfile-rotated-partial", RECORD_JSON_FILE, ""},
    {"jsonfile-rotated-plain", RECORD_JSON_FILE, ""},
    {"jsonfile-tty", RECORD_JSON_FILE, ""},
    {"corrupt-enospc-torn", RECORD_JSON_FILE, "gap torn 42@1:3637\n"},
    {"corrupt-truncated-sparse", RECORD_JSON_FILE, "gap nul 1988@2:0\n"},
    {"corrupt-crash-nul-json", RECORD_JSON_FILE, "gap nul 954@1:2479\n"},
    {"local-small", RECORD_LOCAL, ""},
    {"local-escapes", RECORD_LOCAL, ""},
    {"local-interleaved", RECORD_LOCAL, ""},
    {"local-partial", RECORD_LOCAL, ""},
    {"local-restart-no-newline", RECORD_LOCAL, ""},
    {"local-rotated-gz", RECORD_LOCAL, ""},
    {"local-rotated-partial", RECORD_LOCAL, ""},
    {"cached", RECORD_LOCAL, ""},
    {"corrupt-crash-nul-local", RECORD_LOCAL, "gap nul 567@1:1620\n"},
};

/* What came, as expected-lines.ndjson has it, and the gaps. */
struct lines {
    struct buf lines, gaps;
    uint64_t bytes_consumed, bytes_gap;
};

static void lines_init(struct lines *l)
{
    *l = (struct lines){.lines = BUF_INIT(RIG_TEXT_MAX), .gaps = BUF_INIT(RIG_TEXT_MAX)};
}

static void lines_deinit(struct lines *l)
{
    buf_deinit(&l->lines);
    buf_deinit(&l->gaps);
}

static void append_base64(struct buf *to, struct span bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < bytes.size; at += 3) {
        unsigned char three[3] = {0};
        size_t size = bytes.size - at < 3 ? bytes.size - at : 3;
        memcpy(three, bytes.data + at, size);
        unsigned bits = (unsigned)(three[0] << 16 | three[1] << 8 | three[2]);
        for (size_t i = 0; i < 4; i++)
            buf_append_char(to, i <= size ? digits[bits >> (18 - 6 * i) & 63] : '=');
    }
}

static void add_line(struct buf *to, const struct entry *e)
{
    char time[RFC3339_SIZE];
    rfc3339_format(time, e->time_ns);
    bool text = utf8_valid(e->message);
    buf_append_format(to, "{\"time\":\"%.*s\",\"stream\":\"%s\",\"%s\":\"", RFC3339_SIZE, time,
                      stream_word(e->stream), text ? "log" : "log_b64");
    if (text)
        json_text_escape(to, e->message);
    else
        append_base64(to, e->message);
    buf_append_format(to, "\",\"complete\":%s}\n",
                      e->flags & ENTRY_UNTERMINATED ? "false" : "true");
    assert_int_equal(e->flags & ~ENTRY_UNTERMINATED, 0);
}

static int pull(struct source_rig *r, struct lines *l)
{
    int outcome = rig_pull(r);
    if (outcome != FOLLOW_PROGRESS)
        return outcome;
    for (size_t i = 0; i < r->batch.count; i++)
        add_line(&l->lines, &r->batch.entries[i]);
    for (size_t i = 0; i < r->batch.gap_count; i++)
        rig_print_gap(&l->gaps, &r->batch.gaps[i]);
    l->bytes_consumed += r->batch.bytes_consumed;
    l->bytes_gap += r->batch.bytes_gap;
    return outcome;
}

static void pull_all(struct source_rig *r, struct lines *l)
{
    int outcome;
    do
        outcome = pull(r, l);
    while (outcome == FOLLOW_PROGRESS || outcome == FOLLOW_AGAIN);
    assert_int_equal(outcome, FOLLOW_END);
}

static void pull_to_limit(struct source_rig *r, struct lines *l)
{
    while (!follow_once_done(&r->follow)) {
        int outcome = pull(r, l);
        assert_true(outcome == FOLLOW_PROGRESS || outcome == FOLLOW_AGAIN);
    }
    r->tools.once = false;
}

static void open_sample(struct source_rig *r, const struct sample *sample)
{
    rig_format = sample->format;
    source_rig_init(r);
    rig_take_sample(r, sample->directory);
    rig_sync(r, CHAIN_CREATED_UNKNOWN);
    rig_remove_container(r); /* what is open at its end ends there */
    rig_sync(r, 0);
}

/* Appends the line; what is no UTF-8 stands in it twice, and its lossy text is left out. */
static void append_expected(struct buf *to, struct span line)
{
    static const struct span text = {"\"log\":", 6}, base64 = {"\"log_b64\":", 10};
    const char *exact = memmem(line.data, line.size, base64.data, base64.size);
    const char *lossy = memmem(line.data, line.size, text.data, text.size);
    const char *end = line.data + line.size;
    buf_append(to, (struct span){line.data, (size_t)((exact ? lossy : end) - line.data)});
    if (exact)
        buf_append(to, (struct span){exact, (size_t)(end - exact)});
}

static struct buf expected_lines(const struct sample *sample)
{
    char path[RIG_PATH_MAX];
    snprintf(path, sizeof(path), TEST_DATA "/docker/%s/expected-lines.ndjson", sample->directory);
    struct span file = rig_read_file(path);
    struct buf lines = BUF_INIT(RIG_TEXT_MAX);
    for (size_t at = 0, end; at < file.size; at = end) {
        const char *newline = memchr(file.data + at, '\n', file.size - at);
        end = (size_t)(newline - file.data) + 1;
        append_expected(&lines, (struct span){file.data + at, end - at});
    }
    free((char *)file.data);
    return lines;
}

static void check(const struct sample *sample, const struct lines *is, const struct buf *expected)
{
    assert_text_equal(buf_span(&is->lines), buf_span(expected));
    assert_text_equal(is->gaps.size ? buf_span(&is->gaps) : SPAN(""), span_of(sample->gaps));
}

static void d31_d32_samples_come_line_for_line(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
        struct source_rig r;
        struct lines l;
        open_sample(&r, &samples[i]);
        lines_init(&l);
        pull_all(&r, &l);
        struct buf expected = expected_lines(&samples[i]);
        check(&samples[i], &l, &expected);
        buf_deinit(&expected);
        lines_deinit(&l);
        source_rig_deinit(&r);
    }
}

/* S27 D27: what a sink of JSON is given is the bytes escaped, also where a character was cut. */
static void d27_the_json_form_of_a_local_sample_is_its_bytes_escaped(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
        struct source_rig r;
        if (samples[i].format != RECORD_LOCAL)
            continue;
        struct buf form[2] = {BUF_INIT(RIG_TEXT_MAX), BUF_INIT(RIG_TEXT_MAX)};
        for (int k = FORM_BYTES; k <= FORM_JSON; k++) {
            rig_form = (enum message_form)k;
            open_sample(&r, &samples[i]);
            while (rig_pull(&r) != FOLLOW_END)
                for (size_t e = 0; e < r.batch.count; e++) {
                    if (k == FORM_BYTES)
                        json_text_escape(&form[k], r.batch.entries[e].message);
                    else
                        buf_append(&form[k], r.batch.entries[e].message);
                    buf_append_char(&form[k], '\n');
                }
            source_rig_deinit(&r);
        }
        rig_form = FORM_BYTES;
        assert_text_equal(buf_span(&form[FORM_JSON]), buf_span(&form[FORM_BYTES]));
        buf_deinit(&form[FORM_BYTES]);
        buf_deinit(&form[FORM_JSON]);
    }
}

static void r1_each_byte_of_a_sample_is_passed_once(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
        struct source_rig r;
        struct lines l;
        struct rig_place places[RIG_PLACES_MAX];
        open_sample(&r, &samples[i]);
        lines_init(&l);
        size_t count = rig_find_places(&r, places);
        uint64_t size = 0;
        for (size_t k = 0; k < count; k++)
            if (k + 1 == count || places[k + 1].serial != places[k].serial)
                size += places[k].offset;
        pull_all(&r, &l);
        assert_int_equal(l.bytes_consumed, size);
        lines_deinit(&l);
        source_rig_deinit(&r);
    }
}

/* A crash behind any record: what was delivered before and what comes after is the same. */
static void d31_a_crash_behind_any_record_changes_nothing(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
        struct source_rig r;
        struct rig_place places[RIG_PLACES_MAX];
        open_sample(&r, &samples[i]);
        struct buf expected = expected_lines(&samples[i]);
        size_t count = rig_find_places(&r, places);
        assert_true(count > 0);
        for (size_t k = 0; k < count; k++) {
            struct lines l;
            lines_init(&l);
            rig_crash(&r, &CURSOR_INIT);
            rig_limit(&r, places[k]);
            pull_to_limit(&r, &l);
            rig_crash(&r, &r.follow.cursor);
            pull_all(&r, &l);
            check(&samples[i], &l, &expected);
            lines_deinit(&l);
        }
        buf_deinit(&expected);
        source_rig_deinit(&r);
    }
}

static void d31_a_crash_behind_every_record_changes_nothing(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
        struct source_rig r;
        struct lines l;
        struct rig_place places[RIG_PLACES_MAX];
        open_sample(&r, &samples[i]);
        lines_init(&l);
        size_t count = rig_find_places(&r, places);
        for (size_t k = 0; k < count; k++) {
            rig_limit(&r, places[k]);
            pull_to_limit(&r, &l);
            rig_crash(&r, &r.follow.cursor);
        }
        pull_all(&r, &l);
        struct buf expected = expected_lines(&samples[i]);
        check(&samples[i], &l, &expected);
        buf_deinit(&expected);
        lines_deinit(&l);
        source_rig_deinit(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d31_d32_samples_come_line_for_line),
        cmocka_unit_test(d27_the_json_form_of_a_local_sample_is_its_bytes_escaped),
        cmocka_unit_test(r1_each_byte_of_a_sample_is_passed_once),
        cmocka_unit_test(d31_a_crash_behind_any_record_changes_nothing),
        cmocka_unit_test(d31_a_crash_behind_every_record_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
