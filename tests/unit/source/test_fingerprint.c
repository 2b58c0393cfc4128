// SPDX-License-Identifier: Apache-2.0
/* What tells one segment from another: the first whole record that decodes (design §6, identity).
 */
#include "source_rig.h"

#include "source/fingerprint.h"

#include <string.h>

#define RECORD(text, second)                                                                       \
    "{\"log\":\"" text "\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:0" second "Z\"}"

/* Of a live file with this content; *ret_outcome what the reading said. */
static struct fingerprint fingerprint(struct source_rig *r, struct span content, int *ret_outcome)
{
    struct fingerprint f = {0};
    rig_unlink(r, "");
    rig_write(r, "", content);
    rig_sync(r, 1);
    struct segment *s = chain_live(r->chain);
    *ret_outcome = fingerprint_read(r->reader, s, &r->scratch, &f);
    assert_int_equal(r->scratch.count, 0);
    return f;
}

static void assert_fingerprint(struct source_rig *r, struct span content, const char *record)
{
    int outcome;
    struct fingerprint f = fingerprint(r, content, &outcome);
    assert_int_equal(outcome, 0);
    assert_true(fingerprint_equal(f, fingerprint_of(span_of(record))));
    assert_true(fingerprint_known(f));
}

static void assert_none(struct source_rig *r, struct span content)
{
    int outcome;
    struct fingerprint f = fingerprint(r, content, &outcome);
    assert_int_equal(outcome, READER_END);
    assert_false(fingerprint_known(f));
}

static void it_is_the_first_whole_record_s(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    assert_fingerprint(&r, SPAN(RECORD("a", "1") "\n" RECORD("b", "2") "\n"), RECORD("a", "1"));
    assert_fingerprint(&r, SPAN(RECORD("a", "2") "\n"), RECORD("a", "2"));
    assert_none(&r, SPAN(""));
    assert_none(&r, SPAN(RECORD("a", "1"))); /* not whole yet */
    source_rig_deinit(&r);
}

static void damage_and_nuls_before_it_are_passed_over(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    assert_fingerprint(&r, SPAN("\n\nnonsense\n" RECORD("a", "1") "\n"), RECORD("a", "1"));
    assert_fingerprint(&r, SPAN("\0\0\0" RECORD("a", "1") "\n"), RECORD("a", "1"));
    assert_fingerprint(&r, SPAN("{\"log\":\"x" RECORD("a", "1") "\n"), RECORD("a", "1"));
    source_rig_deinit(&r);
}

static void hole_is_not_searched(void **state)
{
    struct source_rig r;
    int outcome;
    source_rig_init(&r);
    rig_write_text(&r, "", "");
    rig_truncate(&r, "", 64 * 1024 * 1024);
    rig_write_text(&r, "", RECORD("a", "1") "\n");
    rig_sync(&r, 1);
    struct fingerprint f;
    outcome = fingerprint_read(r.reader, chain_live(r.chain), &r.scratch, &f);
    assert_int_equal(outcome, 0);
    assert_true(fingerprint_equal(f, fingerprint_of(SPAN(RECORD("a", "1")))));
    source_rig_deinit(&r);
}

static void search_is_bounded(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    struct buf text = BUF_INIT(4 * FINGERPRINT_SEARCH_MAX);
    while (text.size < FINGERPRINT_SEARCH_MAX + READ_QUANTUM_BYTES)
        buf_append(&text, SPAN("nonsense that is no record\n"));
    buf_append(&text, SPAN(RECORD("a", "1") "\n"));
    assert_none(&r, buf_span(&text));
    buf_deinit(&text);
    source_rig_deinit(&r);
}

static void it_is_learnt_once(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_text(&r, "", RECORD("a", "1") "\n");
    rig_sync(&r, 1);
    struct segment *s = chain_live(r.chain);
    assert_int_equal(fingerprint_learn(r.reader, s, &r.scratch), 0);
    struct fingerprint f = segment_name(s).fingerprint;
    rig_truncate(&r, "", 0);
    assert_int_equal(fingerprint_learn(r.reader, s, &r.scratch), 0);
    assert_true(fingerprint_equal(f, segment_name(s).fingerprint));
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_first_whole_record_s),
        cmocka_unit_test(damage_and_nuls_before_it_are_passed_over),
        cmocka_unit_test(hole_is_not_searched),
        cmocka_unit_test(search_is_bounded),
        cmocka_unit_test(it_is_learnt_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
