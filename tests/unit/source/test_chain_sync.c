// SPDX-License-Identifier: Apache-2.0
/* Looking at the directory: who follows whom through renames, compression and removal (design §6,
 * D32, S67). A serial, once given, stays with its file. */
#include "source/descriptors.h"
#include "source_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

static void first_look_numbers_oldest_to_newest(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_rotate(&r, 3);
    rig_compress(&r);
    rig_log(&r, 2, "b\\n");
    rig_rotate(&r, 3);
    rig_log(&r, 3, "c\\n");
    assert_true(rig_sync(&r, CHAIN_CREATED_UNKNOWN));
    assert_chain(&r, "1sz 2s 3");
    assert_int_equal(chain_highest_serial(r.chain), 3);
    source_rig_deinit(&r);
}

static void look_without_a_change_changes_nothing(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    assert_true(rig_sync(&r, 1));
    assert_false(rig_sync(&r, 0));
    rig_log(&r, 2, "b\\n");
    assert_false(rig_sync(&r, 0)); /* growth is no change of the chain */
    assert_false(rig_sync(&r, CHAIN_CREATED_UNKNOWN));
    source_rig_deinit(&r);
}

static void rotation_by_rename_keeps_serials(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_sync(&r, 1);
    assert_chain(&r, "1");
    rig_rotate(&r, 3);
    assert_true(rig_sync(&r, 1));
    assert_chain(&r, "1s 2");
    rig_rotate(&r, 3);
    rig_sync(&r, 1);
    assert_chain(&r, "1s 2s 3");
    rig_rotate(&r, 3); /* serial 1 has no name any more, and is unread */
    rig_sync(&r, 1);
    assert_chain(&r, "1s 2s 3s 4");
    source_rig_deinit(&r);
}

static void compressed_rotation_keeps_its_serial(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_sync(&r, 1);
    rig_rotate(&r, 3);
    rig_write(&r, ".1.gz", SPAN("\x1f\x8b\x08")); /* growing beside .1 */
    rig_sync(&r, 1);
    assert_chain(&r, "1s 2");
    rig_unlink(&r, ".1.gz");
    rig_compress(&r);
    rig_sync(&r, 0);
    assert_chain(&r, "1s 2");
    rig_log(&r, 2, "b\\n");
    rig_rotate(&r, 3);
    rig_compress(&r);
    rig_sync(&r, 1);
    assert_chain(&r, "1s 2s 3");
    source_rig_deinit(&r);
}

static void d32_empty_and_unfinished_gz_are_holes(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write(&r, ".3.gz", SPAN("")); /* as a power cut leaves it */
    rig_write_gzip(&r, ".2.gz", SPAN("{\"log\":\"never whole\"}\n"), 12);
    rig_log(&r, 1, "a\\n");
    rig_rename(&r, "", ".1");
    rig_log(&r, 2, "b\\n");
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    assert_chain(&r, "1h:empty_rotation 2h:gzip 3s 4");
    assert_false(rig_sync(&r, 0));
    source_rig_deinit(&r);
}

static void unfinished_gz_with_a_whole_record_is_read(void **state)
{
    struct source_rig r;
    struct buf plain = BUF_INIT(1024 * 1024);
    for (int i = 0; i < 2000; i++)
        buf_append_format(&plain,
                          "{\"log\":\"%d\\n\",\"stream\":\"stdout\","
                          "\"time\":\"2026-01-01T00:00:00.%09dZ\"}\n",
                          i * 7919 % 1000, i);
    source_rig_init(&r);
    rig_write_gzip(&r, ".1.gz", buf_span(&plain), 4000);
    rig_log(&r, 1, "a\\n");
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    assert_chain(&r, "1sz 2");
    buf_deinit(&plain);
    source_rig_deinit(&r);
}

static void generation_that_came_and_went_unseen_is_a_hole(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_sync(&r, 1);
    for (int i = 2; i <= 4; i++) {
        rig_rotate(&r, 2);
        rig_log(&r, i, "x\\n");
    }
    rig_sync(&r, 3); /* three were created, two are left */
    assert_chain(&r, "1s 2h:rotated 3s 4");
    assert_int_equal(r.slot->view->segments[1]->bytes, GAP_BYTES_UNKNOWN);
    assert_false(rig_sync(&r, 0)); /* once */
    source_rig_deinit(&r);
}

static void generation_after_generation_makes_no_hole(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_sync(&r, 1);
    rig_rotate(&r, 3);
    rig_rotate(&r, 3);
    rig_sync(&r, 2);
    assert_chain(&r, "1s 2s 3");
    source_rig_deinit(&r);
}

/* A look while the system refuses all but `room` more descriptors. */
static void look_in_vain(struct source_rig *r, int created, int room)
{
    struct rlimit before, low;
    bool changed;
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

    descriptors_limit(0); /* what an earlier refusal has taught would close others in time */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = (struct rlimit){(rlim_t)(next + room), before.rlim_max};
    close(next);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int outcome = chain_sync(r->chain, created, &changed, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(outcome < 0);
}

/* R1: how many were created is known all the same: no more holes than there are, and no fewer. */
static void r1_a_look_that_fails_keeps_the_count(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_sync(&r, 1);
    rig_rotate(&r, 2);
    look_in_vain(&r, 1, 0);
    rig_rotate(&r, 2); /* serial 1 has no name any more */
    look_in_vain(&r, 1, 0);
    rig_sync(&r, 0);
    assert_chain(&r, "1s 2s 3");

    for (int i = 0; i < 3; i++) {
        rig_rotate(&r, 2);
        look_in_vain(&r, 1, 0);
    }
    rig_sync(&r, 0);
    assert_chain(&r, "1s 2s 3s 4h:rotated 5s 6");
    source_rig_deinit(&r);
}

/* Behind the count, with one generation added and two not: the newest is still open from the look
 * into it, so that there is room for one more. */
static void r1_a_look_that_fails_halfway_counts_once(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_sync(&r, 1);
    for (int i = 0; i < 3; i++)
        rig_rotate(&r, 4);
    look_in_vain(&r, 3, 2);
    assert_int_equal(chain_highest_serial(r.chain), 2);
    rig_sync(&r, 0);
    assert_chain(&r, "1s 2s 3s 4");
    for (int i = 0; i < 3; i++)
        rig_rotate(&r, 2);
    rig_sync(&r, 3);
    assert_chain(&r, "1s 2s 3s 4s 5h:rotated 6s 7");
    source_rig_deinit(&r);
}

static void late_event_makes_no_false_hole(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_sync(&r, 0); /* seen before its event */
    rig_sync(&r, 1);
    assert_chain(&r, "1");
    rig_rotate(&r, 3);
    rig_sync(&r, 0);
    rig_rotate(&r, 3);
    rig_sync(&r, 2); /* of the last rotation and of this one */
    assert_chain(&r, "1s 2s 3");
    rig_rotate(&r, 3);
    rig_sync(&r, 0);
    rig_sync(&r, 1);
    rig_sync(&r, 0);
    assert_chain(&r, "1s 2s 3s 4");
    source_rig_deinit(&r);
}

/* The first look comes between two renames of a rotation: nothing is missing. */
static void first_look_amid_a_rotation_makes_no_hole(void **state)
{
    struct source_rig r;
    struct error error;
    bool changed;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_rename(&r, "", ".2");
    rig_log(&r, 2, "b\\n"); /* .1 as soon as Docker comes to it */
    assert_int_equal(chain_sync(r.chain, CHAIN_CREATED_UNKNOWN, &changed, &error), -ESTALE);
    assert_false(chain_has_looked(r.chain));
    rig_rename(&r, "", ".1");
    rig_log(&r, 3, "c\\n");
    rig_sync(&r, 0);
    assert_chain(&r, "1s 2s 3");
    source_rig_deinit(&r);
}

/* Docker died before it had compressed it, and wrote over it. */
static void number_that_stays_missing_is_a_hole(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_rename(&r, "", ".2");
    rig_log(&r, 3, "c\\n");
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    assert_chain(&r, "1s 2h:rotated 3");
    source_rig_deinit(&r);
}

static void lost_events_make_a_hole_where_the_newest_is_out_of_sight(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_sync(&r, 1);
    rig_rotate(&r, 2);
    rig_sync(&r, CHAIN_CREATED_UNKNOWN); /* it is .1: nothing can be between */
    assert_chain(&r, "1s 2");
    rig_rotate(&r, 2);
    rig_rotate(&r, 2);
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    assert_chain(&r, "1s 2s 3h:rotated 4s 5");
    source_rig_deinit(&r);
}

static void max_file_1_by_rename_and_by_unlink(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_sync(&r, 1);
    rig_rename(&r, "", ".1"); /* up to 20.10 */
    rig_log(&r, 2, "b\\n");
    rig_sync(&r, 1);
    assert_chain(&r, "1s 2");
    rig_rename(&r, "", ".1");
    rig_log(&r, 3, "c\\n");
    rig_sync(&r, 1);
    assert_chain(&r, "1s 2s 3");
    rig_rotate(&r, 1); /* from 23.0 on */
    rig_log(&r, 4, "d\\n");
    rig_sync(&r, 1);
    assert_chain(&r, "1s 2s 3s 4");
    source_rig_deinit(&r);
}

static void copy_of_copytruncate_is_nobody_s_generation(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_sync(&r, 1);
    rig_copy(&r, "", ".1");
    rig_truncate(&r, "", 0);
    rig_sync(&r, 0);
    rig_sync(&r, 0);
    assert_chain(&r, "1");
    rig_log(&r, 2, "b\\n");
    rig_rotate(&r, 4); /* the copy moves up with the others */
    rig_sync(&r, 1);
    assert_chain(&r, "1s 2");
    source_rig_deinit(&r);
}

static void copy_is_ignored_however_many_have_been_let_go(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    for (int i = 1; i <= 9; i++) {
        rig_rotate(&r, 1);
        rig_log(&r, i, "x\\n");
        rig_sync(&r, 1);
    }
    chain_release(r.chain, 9);
    rig_publish(&r);
    assert_chain(&r, "9");
    rig_copy(&r, "", ".1");
    rig_sync(&r, 0);
    assert_chain(&r, "9");
    source_rig_deinit(&r);
}

static void live_file_that_is_missing_is_waited_for(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    assert_chain(&r, "");
    assert_null(chain_live(r.chain));
    assert_int_equal(chain_live_size(r.chain), 0);
    rig_log(&r, 1, "a\\n");
    rig_sync(&r, 1);
    assert_chain(&r, "1");
    rig_rename(&r, "", ".bak"); /* Docker writes on into it */
    rig_sync(&r, 0);
    assert_chain(&r, "1s");
    assert_false(chain_is_gone(r.chain));
    rig_log(&r, 2, "b\\n");
    rig_sync(&r, 1);
    assert_chain(&r, "1s 2");
    source_rig_deinit(&r);
}

static void directory_that_is_gone_ends_the_chain(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    rig_sync(&r, 1);
    rig_remove_container(&r);
    assert_true(rig_sync(&r, 0));
    assert_true(chain_is_gone(r.chain));
    assert_chain(&r, "1s");
    assert_true(chain_pinned_bytes(r.chain) > 0);
    source_rig_deinit(&r);
}

/* The fingerprint is learnt before the file is a .gz: then nothing else tells which one it was. */
static void head_is_learnt_while_it_can_be(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write(&r, "", SPAN(""));
    rig_sync(&r, 1);
    assert_false(fingerprint_known(r.known[0].ref.fingerprint));
    rig_log(&r, 1, "a\\n");
    rig_rotate(&r, 3);
    rig_sync(&r, 1);
    assert_true(fingerprint_known(r.known[0].ref.fingerprint));
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_look_numbers_oldest_to_newest),
        cmocka_unit_test(look_without_a_change_changes_nothing),
        cmocka_unit_test(rotation_by_rename_keeps_serials),
        cmocka_unit_test(compressed_rotation_keeps_its_serial),
        cmocka_unit_test(d32_empty_and_unfinished_gz_are_holes),
        cmocka_unit_test(unfinished_gz_with_a_whole_record_is_read),
        cmocka_unit_test(generation_that_came_and_went_unseen_is_a_hole),
        cmocka_unit_test(generation_after_generation_makes_no_hole),
        cmocka_unit_test(r1_a_look_that_fails_keeps_the_count),
        cmocka_unit_test(r1_a_look_that_fails_halfway_counts_once),
        cmocka_unit_test(late_event_makes_no_false_hole),
        cmocka_unit_test(first_look_amid_a_rotation_makes_no_hole),
        cmocka_unit_test(number_that_stays_missing_is_a_hole),
        cmocka_unit_test(lost_events_make_a_hole_where_the_newest_is_out_of_sight),
        cmocka_unit_test(max_file_1_by_rename_and_by_unlink),
        cmocka_unit_test(copy_of_copytruncate_is_nobody_s_generation),
        cmocka_unit_test(copy_is_ignored_however_many_have_been_let_go),
        cmocka_unit_test(live_file_that_is_missing_is_waited_for),
        cmocka_unit_test(directory_that_is_gone_ends_the_chain),
        cmocka_unit_test(head_is_learnt_while_it_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
