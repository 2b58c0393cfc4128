// SPDX-License-Identifier: Apache-2.0
/* What a real Docker wrote, through chain and follow, is line for line what is written beside it;
 * what is no line is booked: D31 D32 R1. And it is the same wherever the reading was interrupted.
 */
#include "source_rig.h"

#include <string.h>

#include "base/json_text.h"
#include "base/rfc3339.h"

struct sample {
    const char *directory;
    const char *gaps; /* as the rig tells them */
};

static const struct sample samples[] = {
    {"jsonfile-attrs", ""},
    {"jsonfile-escapes", ""},
    {"jsonfile-gz-zero-lasttime", ""},
    {"jsonfile-interleaved", ""},
    {"jsonfile-maxfile1", ""},
    {"jsonfile-partial", ""},
    {"jsonfile-restart-16k", ""},
    {"jsonfile-restart-no-newline", ""},
    {"jsonfile-rotated-gz", ""},
    {"jsonfile-rotated-partial", ""},
    {"jsonfile-rotated-plain", ""},
    {"jsonfile-tty", ""},
    {"corrupt-enospc-torn", "gap torn 42@1:3637\n"},
    {"corrupt-truncated-sparse", "gap nul 1988@2:0\n"},
    {"corrupt-crash-nul-json", "gap nul 954@1:2479\n"},
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

static void add_line(struct buf *to, const struct entry *e)
{
    char time[RFC3339_SIZE];
    rfc3339_format(time, e->time_ns);
    buf_append_format(to, "{\"time\":\"%.*s\",\"stream\":\"%s\",\"log\":\"", RFC3339_SIZE, time,
                      stream_word(e->stream));
    json_text_escape(to, e->message);
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
    source_rig_init(r);
    rig_take_sample(r, sample->directory);
    rig_sync(r, CHAIN_CREATED_UNKNOWN);
    rig_remove_container(r); /* what is open at its end ends there */
    rig_sync(r, 0);
}

static struct span expected_lines(const struct sample *sample)
{
    char path[RIG_PATH_MAX];
    snprintf(path, sizeof(path), TEST_DATA "/docker/%s/expected-lines.ndjson", sample->directory);
    return rig_read_file(path);
}

static void check(const struct sample *sample, const struct lines *is, struct span expected)
{
    assert_text_equal(buf_span(&is->lines), expected);
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
        struct span expected = expected_lines(&samples[i]);
        check(&samples[i], &l, expected);
        free((char *)expected.data);
        lines_deinit(&l);
        source_rig_deinit(&r);
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
        struct span expected = expected_lines(&samples[i]);
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
            check(&samples[i], &l, expected);
            lines_deinit(&l);
        }
        free((char *)expected.data);
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
        struct span expected = expected_lines(&samples[i]);
        check(&samples[i], &l, expected);
        free((char *)expected.data);
        lines_deinit(&l);
        source_rig_deinit(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d31_d32_samples_come_line_for_line),
        cmocka_unit_test(r1_each_byte_of_a_sample_is_passed_once),
        cmocka_unit_test(d31_a_crash_behind_any_record_changes_nothing),
        cmocka_unit_test(d31_a_crash_behind_every_record_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
