// SPDX-License-Identifier: Apache-2.0
/* Segments with one fingerprint: the chunks of one long line may begin several (design §6,
 * identity: then chain order, then the oldest, booked ambiguous). */
#include "source_rig.h"

#include <string.h>

/* Two generations that begin with the same record, compressed, and a live file; nothing but content
 * tells them after a restart. */
static void write_twins(struct source_rig *r)
{
    source_rig_init(r);
    for (int i = 0; i < 2; i++) {
        rig_log_chunk(r, 1, "stdout", 'a');
        rig_sync(r, 1);
        rig_rotate(r, 9);
        rig_compress(r);
    }
    rig_log(r, 2, "live\\n");
    rig_sync(r, 1);
    rig_lose_pins(r);
}

static void assert_ambiguous(struct source_rig *r, uint64_t serial, bool expected)
{
    size_t count = chain_count(r->chain);
    struct segment *segments[SEGMENTS_MAX];
    chain_segments(r->chain, segments);
    for (size_t i = 0; i < count; i++)
        if (segments[i]->serial == serial)
            assert_int_equal(segments[i]->ambiguous, expected);
}

static void the_place_before_a_known_one_decides(void **state)
{
    struct source_rig r;
    write_twins(&r);
    rig_unlink(&r, ".2.gz"); /* the older twin was rotated away */
    rig_restart(&r);
    assert_chain(&r, "1s 2sz 3");
    assert_ambiguous(&r, 2, false);
    source_rig_deinit(&r);
}

/* Both are there, and a third generation with the same beginning is not: each is counted back. */
static void each_is_counted_back_from_a_known_one(void **state)
{
    struct source_rig r;
    write_twins(&r);
    rig_restart(&r);
    assert_chain(&r, "1sz 2sz 3");
    assert_ambiguous(&r, 1, false);
    assert_ambiguous(&r, 2, false);
    source_rig_deinit(&r);
}

static void without_a_place_the_oldest_is_taken_and_booked(void **state)
{
    struct source_rig r;
    write_twins(&r);
    rig_unlink(&r, ".2.gz");
    rig_unlink(&r, ""); /* nothing that is known lies behind the one that is left */
    rig_log(&r, 3, "new\\n");
    rig_restart(&r);
    assert_chain(&r, "1sz 2s 3s 4h:rotated 5");
    assert_ambiguous(&r, 1, true);

    rig_pull(&r);
    assert_came(&r, "gap ambiguous ?@1:0\n");
    rig_pull_all(&r);
    assert_null(strstr(buf_string(&r.came), "ambiguous")); /* said once */
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_place_before_a_known_one_decides),
        cmocka_unit_test(each_is_counted_back_from_a_known_one),
        cmocka_unit_test(without_a_place_the_oldest_is_taken_and_booked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
