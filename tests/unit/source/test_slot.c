// SPDX-License-Identifier: Apache-2.0
/* What monitor and routes share: views, ready bits, needs, the roster (design §4, S14). */
#include "source_rig.h"

#include <string.h>

enum { THREADS = 3, ROUNDS = 2000 };

static struct view *new_view(struct source_rig *r, uint32_t version)
{
    struct view *view;
    assert_int_equal(view_new(&view, version, false, NULL, 0, r->eras, r->era_count), 0);
    return view;
}

static void view_finds_segments_by_serial(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    struct segment *segments[3];
    static const uint64_t serials[] = {2, 5, 9};
    for (size_t i = 0; i < ARRAY_SIZE(serials); i++) {
        struct segment_options options = {.ref.serial = serials[i], .fd = -1};
        assert_int_equal(segment_new(&segments[i], &options), 0);
    }
    struct view *view;
    assert_int_equal(view_new(&view, 1, false, segments, 3, r.eras, 1), 0);
    for (size_t i = 0; i < ARRAY_SIZE(serials); i++)
        segment_unref(segments[i]); /* the view has its own references */
    assert_int_equal(view_find(view, 0), 0);
    assert_int_equal(view_find(view, 2), 0);
    assert_int_equal(view_find(view, 3), 1);
    assert_int_equal(view_find(view, 9), 2);
    assert_int_equal(view_find(view, 10), 3);
    view_unref(view);
    source_rig_deinit(&r);
}

static void view_finds_the_era_of_a_position(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_add_era(&r, 3, 100, "second");
    rig_add_era(&r, 3, 200, "third");
    CLEANUP(view_unref) struct view *view = new_view(&r, 1);
    assert_int_equal(view_era(view, 0, 0), 0);
    assert_int_equal(view_era(view, 3, 99), 0);
    assert_int_equal(view_era(view, 3, 100), 1);
    assert_int_equal(view_era(view, 3, 199), 1);
    assert_int_equal(view_era(view, 3, 200), 2);
    assert_int_equal(view_era(view, 9, 0), 2);
    assert_string_equal(view_container(view)->name, "third");
    source_rig_deinit(&r);
}

static void ready_bit_is_taken_once_by_each_route(void **state)
{
    struct slot *s;
    assert_int_equal(slot_new(&s, "id", 2), 0);
    assert_false(slot_take_ready(s, 0));
    slot_mark_ready(s);
    assert_true(slot_take_ready(s, 0));
    assert_false(slot_take_ready(s, 0));
    assert_true(slot_take_ready(s, 1));
    assert_true(slot_take_ready(s, ROUTES_MAX - 1));
    slot_unref(s);
}

static void needed_is_the_lowest_of_all_routes(void **state)
{
    struct slot *s;
    assert_int_equal(slot_new(&s, "id", 3), 0);
    assert_int_equal(slot_needed(s), 0); /* as long as one has said nothing: everything */
    atomic_store(&s->routes[0].needs, 7);
    atomic_store(&s->routes[1].needs, SLOT_NEEDS_NOTHING);
    assert_int_equal(slot_needed(s), 0);
    atomic_store(&s->routes[2].needs, 9);
    assert_int_equal(slot_needed(s), 7);
    atomic_store(&s->routes[0].needs, SLOT_NEEDS_NOTHING);
    atomic_store(&s->routes[2].needs, SLOT_NEEDS_NOTHING);
    assert_true(slot_needed(s) == SLOT_NEEDS_NOTHING);
    slot_unref(s);
}

static void published_view_replaces_the_old_one(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    struct view *old = slot_view(r.slot);
    slot_publish(r.slot, new_view(&r, 77));
    CLEANUP(view_unref) struct view *now = slot_view(r.slot);
    assert_int_equal(now->version, 77);
    assert_int_equal(atomic_load(&old->refs), 1);
    view_unref(old);
    source_rig_deinit(&r);
}

static void roster_is_taken_by_reference(void **state)
{
    struct roster_board board;
    struct slot *s;
    struct roster *first, *second;
    assert_int_equal(slot_new(&s, "id", 1), 0);
    roster_board_init(&board);
    assert_null(roster_board_take(&board));
    assert_int_equal(roster_new(&first, 1, &s, 1), 0);
    assert_int_equal(atomic_load(&s->refs), 2);
    roster_board_publish(&board, first);
    struct roster *mine = roster_board_take(&board);
    assert_int_equal(mine->version, 1);
    assert_int_equal(roster_new(&second, 2, NULL, 0), 0);
    roster_board_publish(&board, second);
    assert_int_equal(atomic_load(&board.version), 2);
    assert_true(mine->slots[0] == s);
    roster_unref(mine);
    assert_int_equal(atomic_load(&s->refs), 1);
    roster_board_deinit(&board);
    slot_unref(s);
}

/* A container that does not run, as far as is known, has written: the lines wait for its record. */
static void hold_begins_when_something_stands_behind_it(void **state)
{
    struct source_rig r;
    const int64_t now_ns = 1000 * NS_PER_SECOND;
    source_rig_init(&r);
    rig_log(&r, 1, "1\\n");
    rig_sync(&r, 1);
    struct view *view = r.slot->view;
    assert_true(slot_hold(r.slot, view, now_ns).serial == SLOT_NO_HOLD);

    atomic_store(&r.slot->hold_serial, 1);
    atomic_store(&r.slot->hold_offset, 72);
    atomic_store(&r.slot->hold_until_ns, SLOT_HELD);
    struct slot_hold hold = slot_hold(r.slot, view, now_ns);
    assert_int_equal(hold.serial, 1);
    assert_int_equal(hold.offset, 72);
    assert_false(hold.waiting);
    assert_true(atomic_load(&r.slot->hold_until_ns) == SLOT_HELD);

    rig_log(&r, 2, "2\\n");
    assert_true(slot_hold(r.slot, view, now_ns).waiting);
    assert_int_equal(atomic_load(&r.slot->hold_until_ns), now_ns + SLOT_HOLD_NS);
    assert_true(slot_hold(r.slot, view, now_ns + SLOT_HOLD_NS - 1).waiting);
    hold = slot_hold(r.slot, view, now_ns + SLOT_HOLD_NS); /* it has waited long enough */
    assert_true(hold.serial == SLOT_NO_HOLD && !hold.waiting);
    source_rig_deinit(&r);
}

static void hold_begins_with_a_new_segment_too(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "1\\n");
    rig_sync(&r, 1);
    atomic_store(&r.slot->hold_serial, 1);
    atomic_store(&r.slot->hold_offset, 72);
    atomic_store(&r.slot->hold_until_ns, SLOT_HELD);
    rig_rotate(&r, 3);
    rig_sync(&r, 1);
    assert_true(slot_hold(r.slot, r.slot->view, 1).waiting);
    source_rig_deinit(&r);
}

struct shared {
    struct source_rig rig;
    struct roster_board board;
};

static void *look(void *context)
{
    struct shared *shared = context;
    uint64_t last = 0;
    for (int i = 0; i < ROUNDS; i++) {
        CLEANUP(view_unref) struct view *view = slot_view(shared->rig.slot);
        assert_true(view->version >= last);
        last = view->version;
        assert_string_equal(view_container(view)->name, "first");
        CLEANUP(roster_unref) struct roster *roster = roster_board_take(&shared->board);
        assert_int_equal(roster->count, 1);
        slot_take_ready(roster->slots[0], 0);
        atomic_store(&roster->slots[0]->routes[0].needs, view->version);
    }
    return NULL;
}

static void s14_threads_see_whole_views_only(void **state)
{
    struct shared shared;
    struct roster *roster;
    source_rig_init(&shared.rig);
    roster_board_init(&shared.board);
    assert_int_equal(roster_new(&roster, 1, &shared.rig.slot, 1), 0);
    roster_board_publish(&shared.board, roster);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look, &shared), 0);
    for (uint32_t version = 10; version < 10 + ROUNDS; version++) {
        slot_publish(shared.rig.slot, new_view(&shared.rig, version));
        slot_mark_ready(shared.rig.slot);
        assert_int_equal(roster_new(&roster, version, &shared.rig.slot, 1), 0);
        roster_board_publish(&shared.board, roster);
        (void)slot_needed(shared.rig.slot);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    roster_board_deinit(&shared.board);
    source_rig_deinit(&shared.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(view_finds_segments_by_serial),
        cmocka_unit_test(view_finds_the_era_of_a_position),
        cmocka_unit_test(ready_bit_is_taken_once_by_each_route),
        cmocka_unit_test(needed_is_the_lowest_of_all_routes),
        cmocka_unit_test(published_view_replaces_the_old_one),
        cmocka_unit_test(roster_is_taken_by_reference),
        cmocka_unit_test(hold_begins_when_something_stands_behind_it),
        cmocka_unit_test(hold_begins_with_a_new_segment_too),
        cmocka_unit_test(s14_threads_see_whole_views_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
