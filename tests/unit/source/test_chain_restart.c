// SPDX-License-Identifier: Apache-2.0
/* A chain that comes back: what is known is found again by its pin, by its inode, by its
 * fingerprint, by its place (design §6, identity; S67: positions survive restarts). */
#include "source_rig.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void s67_known_by_inode(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 3);
    rig_lose_pins(&r);
    rig_restart(&r);
    assert_chain(&r, "1s 2s 3");
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:1\no:2\no:3\n");
    source_rig_deinit(&r);
}

static void s67_known_by_its_pin_where_docker_has_let_go(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 3);
    rig_remove_container(&r);
    rig_restart(&r);
    assert_chain(&r, "1s 2s 3s 4h:removed"); /* nobody knows what came after the last we saw */
    assert_true(chain_is_gone(r.chain));
    assert_int_equal(rig_pull_all(&r), FOLLOW_END);
    assert_came(&r, "o:1\no:2\no:3\ngap removed ?@4:0\n");
    source_rig_deinit(&r);
}

/* Removed while we were down, its only file `bytes` more or less than what it is rotated at. */
static void remove_while_down(struct source_rig *r, int bytes)
{
    source_rig_init(r);
    rig_write_generations(r, 1);
    assert_int_equal(rig_pull_all(r), FOLLOW_IDLE);
    assert_came(r, "o:1\n");
    rig_log(r, 2, "written without us\\n");
    r->rotation_bytes = (int64_t)chain_live_size(r->chain) - bytes;
    rig_remove_container(r);
    rig_restart(r);
    assert_int_equal(rig_pull_all(r), FOLLOW_END);
}

/* R1: what Docker had no reason to rotate was the last, and the pin holds all of it. */
static void r1_a_pinned_file_below_max_size_was_the_last(void **state)
{
    struct source_rig r;
    remove_while_down(&r, -1);
    assert_chain(&r, "1s");
    assert_came(&r, "o:written without us\n");
    source_rig_deinit(&r);
}

/* R1: from max-size on Docker may have begun another one. */
static void r1_a_pinned_file_of_max_size_may_have_had_a_successor(void **state)
{
    struct source_rig r;
    remove_while_down(&r, 0);
    assert_chain(&r, "1s 2h:removed");
    assert_came(&r, "o:written without us\ngap removed ?@2:0\n");
    source_rig_deinit(&r);
}

static void r1_without_max_size_there_is_no_successor(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    r.rotation_bytes = CONTAINER_ROTATES_NEVER;
    rig_write_generations(&r, 1);
    rig_remove_container(&r);
    rig_restart(&r);
    assert_chain(&r, "1s");
    assert_int_equal(rig_pull_all(&r), FOLLOW_END);
    assert_came(&r, "o:1\n");
    source_rig_deinit(&r);
}

/* R1: what is not held may have been anything. */
static void r1_without_its_pin_a_removed_file_may_have_grown(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    r.rotation_bytes = CONTAINER_ROTATES_NEVER;
    rig_write_generations(&r, 1);
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:1\n");
    rig_lose_pins(&r);
    rig_remove_container(&r);
    rig_restart(&r);
    assert_chain(&r, "1h:removed");
    assert_int_equal(rig_pull_all(&r), FOLLOW_END);
    assert_came(&r, "gap removed ?@1:72\n"); /* one gap: of the file and of all behind it */
    source_rig_deinit(&r);
}

/* R1: seen before its first start, and not again. */
static void r1_what_had_no_file_yet_may_have_been_started(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    assert_chain(&r, "");
    rig_remove_container(&r);
    rig_restart(&r);
    assert_chain(&r, "1h:removed");
    assert_int_equal(rig_pull_all(&r), FOLLOW_END);
    assert_came(&r, "gap removed ?@1:0\n");
    source_rig_deinit(&r);
}

/* Killed between the pin and the commit of its row: the pin alone has to do. */
static void s67_pinned_gz_that_was_not_booked(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "one\\n");
    rig_rotate(&r, 9);
    rig_compress(&r);
    rig_log(&r, 2, "two\\n");
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    assert_chain(&r, "1sz 2");
    r.known[0] = (struct chain_known){.ref.serial = 1, .sealed = true, .dirty = true};
    rig_unlink(&r, ".1.gz");
    rig_restart(&r);
    assert_chain(&r, "1sz 2");
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:one\no:two\n");
    source_rig_deinit(&r);
}

static const char *pin_of_the_first(const struct source_rig *r)
{
    static char path[2 * RIG_PATH_MAX];
    snprintf(path, sizeof(path), "%.400s/pins/%.100s.1", r->root, r->id);
    return path;
}

/* A generation that was found but could not be linked: something stands in the pin's place. */
static void write_without_pin(struct source_rig *r)
{
    source_rig_init(r);
    assert_int_equal(mkdir(pin_of_the_first(r), 0700), 0);
    rig_log(r, 1, "one\\n");
    rig_sync(r, 1);
    assert_chain(r, "1");
    assert_false(segment_has_pin(r->slot->view->segments[0]));
    assert_int_equal(rmdir(pin_of_the_first(r)), 0);
}

/* S67: what could not be linked when it was found is linked later. */
static void s67_a_pin_that_failed_is_made_by_a_later_look(void **state)
{
    struct source_rig r;
    write_without_pin(&r);
    rig_sync(&r, 0);
    rig_rotate(&r, 9);
    rig_log(&r, 2, "two\\n");
    rig_sync(&r, 1);
    rig_unlink(&r, ".1");
    rig_restart(&r);
    assert_chain(&r, "1s 2");
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:one\no:two\n");
    source_rig_deinit(&r);
}

/* S67: what was removed before it could be linked is pinned as the .gz that was made of it, also
 * under a route that has begun to read it. */
static void s67_what_can_be_linked_no_more_is_pinned_as_gz(void **state)
{
    struct source_rig r;
    write_without_pin(&r);
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:one\n");
    rig_log(&r, 2, "rest\\n");
    rig_rotate(&r, 9);
    rig_compress(&r);
    rig_log(&r, 3, "two\\n");
    rig_sync(&r, 1);
    assert_chain(&r, "1sz 2");
    rig_unlink(&r, ".1.gz");
    rig_restart(&r);
    assert_chain(&r, "1sz 2");
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:rest\no:two\n");
    source_rig_deinit(&r);
}

/* R1: the descriptor still leads to what the .gz does not hold. */
static void r1_an_unfinished_gz_does_not_replace_what_is_open(void **state)
{
    struct source_rig r;
    struct stat st;
    write_without_pin(&r);
    rig_log(&r, 2, "rest\\n");
    rig_rotate(&r, 9);
    rig_compress(&r);
    assert_int_equal(stat(rig_file(&r, ".1.gz"), &st), 0);
    rig_truncate(&r, ".1.gz", (uint64_t)st.st_size - 1);
    rig_log(&r, 3, "two\\n");
    rig_sync(&r, 1);
    assert_chain(&r, "1s 2");
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:one\no:rest\no:two\n");
    source_rig_deinit(&r);
}

/* Pinned while it was empty; then, without us, written, rotated and compressed. */
static void s67_pinned_empty_file_is_known_as_gz(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_text(&r, "", "");
    rig_sync(&r, 1);
    assert_chain(&r, "1");
    rig_log(&r, 1, "one\\n");
    rig_rotate(&r, 9);
    rig_compress(&r);
    rig_log(&r, 2, "two\\n");
    rig_restart(&r);
    assert_chain(&r, "1s 2");
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:one\no:two\n");
    source_rig_deinit(&r);
}

static void s67_known_by_fingerprint_as_gz(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "one\\n");
    rig_log(&r, 2, "two\\n");
    rig_sync(&r, 1);
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:one\no:two\n");
    rig_log(&r, 3, "three\\n");
    rig_lose_pins(&r);
    rig_rotate(&r, 3);
    rig_compress(&r);
    rig_log(&r, 4, "four\\n");
    rig_restart(&r);
    assert_chain(&r, "1sz 2");
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:three\no:four\n");
    source_rig_deinit(&r);
}

/* The sample's .2 and .3 begin with the same record. */
static void coinciding_fingerprints_go_by_order(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_take_sample(&r, "jsonfile-rotated-partial");
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    assert_chain(&r, "1sz 2sz 3sz 4sz 5");
    assert_true(fingerprint_equal(r.known[1].ref.fingerprint, r.known[2].ref.fingerprint));
    struct chain_known before[5];
    memcpy(before, r.known, sizeof(before));
    for (size_t i = 0; i < r.known_count; i++)
        r.known[i].ref.file.inode += 1000000; /* restored from elsewhere */
    rig_lose_pins(&r);
    rig_restart(&r);
    assert_chain(&r, "1sz 2sz 3sz 4sz 5");
    for (size_t i = 0; i < r.known_count; i++)
        assert_true(file_id_equal(before[i].ref.file, r.known[i].ref.file));
    source_rig_deinit(&r);
}

/* An inode that was recycled while we were down is another file. */
static void recycled_inode_is_another_generation(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 1);
    rig_lose_pins(&r);
    r.known[0].ref.file.birth_ns--;
    r.known[0].ref.fingerprint = (struct fingerprint){1, 1};
    rig_restart(&r);
    assert_chain(&r, "1s 2h:rotated 3");
    source_rig_deinit(&r);
}

static void newest_known_out_of_sight_is_followed_by_a_hole(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 1);
    rig_lose_pins(&r);
    rig_unlink(&r, "");
    rig_log(&r, 5, "later\\n");
    rig_restart(&r);
    assert_chain(&r, "1s 2h:rotated 3");
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "gap rotated ?@1:0\ngap rotated ?@2:0\no:later\n");
    source_rig_deinit(&r);
}

/* containers.db is lost, the cursors are there: the rest is numbered around them. */
static void chain_is_numbered_around_what_cursors_name(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 6);
    rig_pull_all(&r);
    rig_lose_pins(&r);
    r.known[0] = r.known[4]; /* serial 5 */
    r.known_count = 1;
    rig_rotate(&r, 9);
    rig_log(&r, 7, "7\\n");
    rig_restart(&r);
    assert_chain(&r, "1s 2s 3s 4s 5s 6s 7");
    source_rig_deinit(&r);
}

static void highest_serial_is_never_given_again(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 3);
    rig_remove_container(&r);
    rig_sync(&r, 0);
    chain_release(r.chain, 3);
    rig_publish(&r);
    assert_chain(&r, "3s");
    assert_int_equal(r.known_count, 1);
    rig_restart(&r);
    assert_chain(&r, "3s 4h:removed");
    assert_int_equal(chain_highest_serial(r.chain), 4);
    source_rig_deinit(&r);
}

static void cut_serial_is_never_matched_by_inode_again(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 1);
    rig_truncate(&r, "", 0);
    assert_true(chain_cut(r.chain, 1));
    rig_publish(&r);
    assert_chain(&r, "1sc 2");
    rig_log(&r, 8, "new\\n");
    rig_restart(&r);
    assert_chain(&r, "1sc 2");
    rig_lose_pins(&r);
    rig_restart(&r);
    assert_chain(&r, "1sc 2");
    source_rig_deinit(&r);
}

static void holes_come_back(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_around_hole(&r);
    rig_restart(&r);
    assert_chain(&r, "1s 2h:rotated 3");
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:1\ngap rotated ?@2:0\no:3\n");
    source_rig_deinit(&r);
}

/* Killed between the pins of what was found and the commit of the hole before it. */
static void a_hole_that_was_not_booked_comes_back(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_around_hole(&r);
    r.known[1] = (struct chain_known){.ref.serial = 3, .sealed = true, .dirty = true};
    r.known_count = 2;
    rig_restart(&r);
    assert_chain(&r, "1s 2h:rotated 3");
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    assert_came(&r, "o:1\ngap rotated ?@2:0\no:3\n");
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s67_known_by_inode),
        cmocka_unit_test(s67_known_by_its_pin_where_docker_has_let_go),
        cmocka_unit_test(r1_a_pinned_file_below_max_size_was_the_last),
        cmocka_unit_test(r1_a_pinned_file_of_max_size_may_have_had_a_successor),
        cmocka_unit_test(r1_without_max_size_there_is_no_successor),
        cmocka_unit_test(r1_without_its_pin_a_removed_file_may_have_grown),
        cmocka_unit_test(r1_what_had_no_file_yet_may_have_been_started),
        cmocka_unit_test(s67_pinned_gz_that_was_not_booked),
        cmocka_unit_test(s67_a_pin_that_failed_is_made_by_a_later_look),
        cmocka_unit_test(s67_what_can_be_linked_no_more_is_pinned_as_gz),
        cmocka_unit_test(r1_an_unfinished_gz_does_not_replace_what_is_open),
        cmocka_unit_test(s67_pinned_empty_file_is_known_as_gz),
        cmocka_unit_test(s67_known_by_fingerprint_as_gz),
        cmocka_unit_test(coinciding_fingerprints_go_by_order),
        cmocka_unit_test(recycled_inode_is_another_generation),
        cmocka_unit_test(newest_known_out_of_sight_is_followed_by_a_hole),
        cmocka_unit_test(chain_is_numbered_around_what_cursors_name),
        cmocka_unit_test(highest_serial_is_never_given_again),
        cmocka_unit_test(cut_serial_is_never_matched_by_inode_again),
        cmocka_unit_test(holes_come_back),
        cmocka_unit_test(a_hole_that_was_not_booked_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
