// SPDX-License-Identifier: Apache-2.0
/* What leaves a chain: cut in place, released, given up (design §6: truncation, pins, quota). */
#include "source_rig.h"

#include <string.h>
#include <sys/stat.h>

static void write_generations(struct source_rig *r, int count, unsigned max_file)
{
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            rig_rotate(r, max_file);
        rig_log(r, i, "x\\n");
        rig_sync(r, 1);
    }
}

static size_t count_pins(struct source_rig *r)
{
    char path[RIG_PATH_MAX];
    size_t count = 0;
    snprintf(path, sizeof(path), "%.300s/pins", r->root);
    CLEANUP(closedir) DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    return count;
}

static void cut_puts_a_new_segment_over_the_same_file(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    write_generations(&r, 1, 3);
    rig_truncate(&r, "", 0);
    assert_true(chain_cut(r.chain, 1));
    assert_false(chain_cut(r.chain, 1)); /* another route saw it too */
    assert_false(chain_cut(r.chain, 99));
    rig_publish(&r);
    assert_chain(&r, "1sc 2");
    assert_true(file_id_equal(r.slot->view->segments[0]->file, r.slot->view->segments[1]->file));
    assert_true(chain_live(r.chain) == r.slot->view->segments[1]);
    assert_false(rig_sync(&r, 0));
    rig_log(&r, 2, "y\\n");
    rig_rotate(&r, 3);
    rig_sync(&r, 1);
    assert_chain(&r, "1sc 2s 3");
    source_rig_deinit(&r);
}

/* What was cut holds no bytes of its own: nothing of it can be given up. */
static void cut_counts_nothing_against_the_quota(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    write_generations(&r, 1, 3);
    rig_truncate(&r, "", 0);
    chain_cut(r.chain, 1);
    assert_int_equal(chain_pinned_bytes(r.chain), 0);
    assert_int_equal(chain_give_up(r.chain, GAP_PIN_QUOTA), 0);
    source_rig_deinit(&r);
}

static void released_is_what_every_route_is_past_and_docker_let_go_of(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    write_generations(&r, 4, 2); /* serials 3 and 4 have names */
    assert_chain(&r, "1s 2s 3s 4");
    assert_int_equal(count_pins(&r), 4);
    assert_false(chain_release(r.chain, 1));
    assert_true(chain_release(r.chain, 2));
    assert_int_equal(count_pins(&r), 3);
    assert_true(chain_release(r.chain, SLOT_NEEDS_NOTHING));
    rig_publish(&r);
    assert_chain(&r, "3s 4");
    assert_int_equal(r.known_count, 2); /* the book forgets them too */
    assert_int_equal(count_pins(&r), 2);
    source_rig_deinit(&r);
}

static void s1_descriptors_of_what_is_not_live_are_closed(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    write_generations(&r, 2, 3);
    assert_true(segment_is_open(r.slot->view->segments[0]));
    chain_release(r.chain, 0);
    assert_false(segment_is_open(r.slot->view->segments[0])); /* its pin opens it again */
    assert_true(segment_is_open(r.slot->view->segments[1]));
    int fd;
    assert_int_equal(segment_acquire(r.slot->view->segments[0], &fd), 0);
    chain_release(r.chain, 0);
    assert_true(segment_is_open(r.slot->view->segments[0]));
    segment_release(r.slot->view->segments[0]);
    source_rig_deinit(&r);
}

static void unread_without_a_pin_stays_open(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    write_generations(&r, 2, 3);
    segment_set_pinned(r.slot->view->segments[0], false);
    chain_release(r.chain, 1);
    assert_true(segment_is_open(r.slot->view->segments[0]));
    chain_release(r.chain, 2); /* read: Docker still has it, nobody needs it open */
    assert_false(segment_is_open(r.slot->view->segments[0]));
    source_rig_deinit(&r);
}

/* Read and closed, with a name but no pin: looking again does not open it for nobody. */
static void s1_read_segment_stays_closed_at_the_next_look(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    write_generations(&r, 2, 3);
    segment_set_pinned(r.slot->view->segments[0], false);
    chain_release(r.chain, 2);
    assert_false(rig_sync(&r, 0));
    assert_false(segment_is_open(r.slot->view->segments[0]));
    chain_release(r.chain, 0); /* a new route needs all there is */
    rig_sync(&r, 0);
    assert_true(segment_is_open(r.slot->view->segments[0]));
    source_rig_deinit(&r);
}

static void given_up_is_the_oldest_that_only_we_keep(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    write_generations(&r, 4, 2);
    uint64_t size = chain_live_size(r.chain);
    assert_int_equal(chain_pinned_bytes(r.chain), 2 * size); /* those that have no name */
    assert_int_equal(chain_held_bytes(r.chain, 2), size);    /* for a route that has read 1 */
    assert_int_equal(chain_held_bytes(r.chain, 3), 0);
    int64_t since = chain_let_go_ns(r.chain);
    assert_true(since > 0 && since < INT64_MAX);
    assert_int_equal(chain_give_up(r.chain, GAP_PIN_QUOTA), size);
    rig_publish(&r);
    assert_chain(&r, "1h:pin_quota 2s 3s 4");
    assert_int_equal(r.slot->view->segments[0]->bytes, size);
    assert_true(chain_let_go_ns(r.chain) >= since);
    assert_int_equal(chain_give_up(r.chain, GAP_PIN_DROPPED), size);
    assert_int_equal(chain_give_up(r.chain, GAP_PIN_QUOTA), 0); /* Docker keeps the others */
    rig_publish(&r);
    assert_chain(&r, "1h:pin_quota 2h:pin_dropped 3s 4");
    assert_int_equal(chain_pinned_bytes(r.chain), 0);
    assert_int_equal(count_pins(&r), 2);
    assert_int_equal(chain_let_go_ns(r.chain), INT64_MAX);
    source_rig_deinit(&r);
}

/* Giving up is for the disk: a route that stands in the segment must not keep its bytes. */
static void given_up_frees_the_bytes_under_a_route(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    write_generations(&r, 1, 1);
    rig_pull_all(&r);
    rig_log(&r, 2, "unread\\n");
    struct segment *held = r.follow.segment;
    assert_non_null(held);
    rig_rotate(&r, 1);
    rig_log(&r, 3, "z\\n");
    rig_sync(&r, 1);
    uint64_t given_up = chain_give_up(r.chain, GAP_PIN_QUOTA);
    assert_true(given_up > 0);
    assert_false(segment_is_open(held));
    rig_publish(&r);
    assert_came(&r, "o:x\n");
    uint64_t read = r.follow.cursor.offset;
    assert_int_equal(rig_pull_all(&r), FOLLOW_IDLE);
    char expected[128];
    snprintf(expected, sizeof(expected), "gap pin_quota %d@1:%d\no:z\n", (int)(given_up - read),
             (int)read);
    assert_came(&r, expected);
    source_rig_deinit(&r);
}

/* Plain bytes of a compressed rotation are not known. */
static void given_up_gz_has_unknown_bytes(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_gzip(&r, ".1.gz",
                   SPAN("{\"log\":\"a\\n\",\"stream\":\"stdout\","
                        "\"time\":\"2026-01-01T00:00:00Z\"}\n"),
                   SIZE_MAX);
    rig_log(&r, 1, "b\\n");
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    rig_unlink(&r, ".1.gz");
    rig_sync(&r, 0);
    assert_true(chain_give_up(r.chain, GAP_PIN_QUOTA) > 0);
    rig_publish(&r);
    assert_chain(&r, "1h:pin_quota 2");
    assert_int_equal(r.slot->view->segments[0]->bytes, GAP_BYTES_UNKNOWN);
    source_rig_deinit(&r);
}

static void orderly_stop_leaves_only_unread_pins(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    write_generations(&r, 4, 2);
    chain_unpin_read(r.chain, 3);
    assert_int_equal(count_pins(&r), 2);
    chain_unpin_read(r.chain, SLOT_NEEDS_NOTHING);
    assert_int_equal(count_pins(&r), 0);
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_puts_a_new_segment_over_the_same_file),
        cmocka_unit_test(cut_counts_nothing_against_the_quota),
        cmocka_unit_test(released_is_what_every_route_is_past_and_docker_let_go_of),
        cmocka_unit_test(s1_descriptors_of_what_is_not_live_are_closed),
        cmocka_unit_test(unread_without_a_pin_stays_open),
        cmocka_unit_test(s1_read_segment_stays_closed_at_the_next_look),
        cmocka_unit_test(given_up_is_the_oldest_that_only_we_keep),
        cmocka_unit_test(given_up_frees_the_bytes_under_a_route),
        cmocka_unit_test(given_up_gz_has_unknown_bytes),
        cmocka_unit_test(orderly_stop_leaves_only_unread_pins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
