// SPDX-License-Identifier: Apache-2.0
/* Quiet files wake their slot with the next write, once; busy ones cost nothing (S67, design §4).
 */
#include "source_rig.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/resource.h>

#include "source/watch.h"

enum { FILES = 200 };

struct watched {
    struct source_rig rig;
    struct watch *watch;
};

static void watched_init(struct watched *w)
{
    source_rig_init(&w->rig);
    rig_log(&w->rig, 1, "a\\n");
    rig_sync(&w->rig, 1);
    assert_int_equal(watch_new(&w->watch, NULL), 0);
    assert_true(watch_fd(w->watch) >= 0);
}

static void watched_deinit(struct watched *w)
{
    w->watch = watch_free(w->watch);
    source_rig_deinit(&w->rig);
}

static void arm(struct watched *w)
{
    assert_int_equal(watch_arm(w->watch, chain_live(w->rig.chain), w->rig.slot, 0), 0);
}

static int fired(struct watched *w)
{
    bool all;
    int count = watch_read(w->watch, &all);
    assert_false(all);
    return count;
}

static void next_write_marks_the_slot_once(void **state)
{
    struct watched w;
    watched_init(&w);
    arm(&w);
    assert_int_equal(fired(&w), 0);
    assert_false(slot_take_ready(w.rig.slot, 0));
    rig_log(&w.rig, 2, "b\\n");
    rig_log(&w.rig, 3, "c\\n");
    assert_int_equal(fired(&w), 1);
    assert_true(slot_take_ready(w.rig.slot, 0));
    rig_log(&w.rig, 4, "d\\n");
    assert_int_equal(fired(&w), 0);
    arm(&w);
    rig_log(&w.rig, 5, "e\\n");
    assert_int_equal(fired(&w), 1);
    watched_deinit(&w);
}

static void several_routes_arm_one_watch(void **state)
{
    struct watched w;
    watched_init(&w);
    arm(&w);
    arm(&w);
    rig_log(&w.rig, 2, "b\\n");
    assert_int_equal(fired(&w), 1);
    assert_true(slot_take_ready(w.rig.slot, 0));
    assert_true(slot_take_ready(w.rig.slot, 31));
    assert_int_equal(atomic_load(&w.rig.slot->refs), 2); /* the rig's and its follow's */
    watched_deinit(&w);
}

/* Docker writes on into a file that somebody unlinked. */
static void unlinked_file_is_watched_too(void **state)
{
    struct watched w;
    watched_init(&w);
    CLEANUP(close_fd) int writer = open(rig_file(&w.rig, ""), O_WRONLY | O_APPEND | O_CLOEXEC);
    rig_unlink(&w.rig, "");
    arm(&w);
    assert_int_equal(write(writer, "x", 1), 1);
    assert_int_equal(fired(&w), 1);
    watched_deinit(&w);
}

static void forgotten_slot_is_not_marked_and_not_kept(void **state)
{
    struct watched w;
    watched_init(&w);
    arm(&w);
    assert_int_equal(atomic_load(&w.rig.slot->refs), 3); /* the rig's, its follow's, the watch's */
    watch_forget(w.watch, w.rig.slot);
    assert_int_equal(atomic_load(&w.rig.slot->refs), 2);
    rig_log(&w.rig, 2, "b\\n");
    assert_int_equal(fired(&w), 0);
    assert_false(slot_take_ready(w.rig.slot, 0));
    watched_deinit(&w);
}

/* A file that is rotated away quietly takes its watch along: nothing is kept for it. */
static void s1_watch_of_a_file_that_is_no_more_is_given_back(void **state)
{
    struct watched w;
    watched_init(&w);
    arm(&w);
    rig_rotate(&w.rig, 1);
    rig_log(&w.rig, 2, "b\\n");
    rig_sync(&w.rig, 1);
    chain_release(w.rig.chain, 2);
    rig_publish(&w.rig);
    assert_int_equal(fired(&w), 0);
    assert_int_equal(atomic_load(&w.rig.slot->refs), 2);
    watched_deinit(&w);
}

/* The table grows, and its runs are closed up when entries go. */
static void many_files(void **state)
{
    struct watched w;
    struct slot *slots[FILES];
    struct segment *segments[FILES];
    watched_init(&w);
    for (int i = 0; i < FILES; i++) {
        char name[16];
        snprintf(name, sizeof(name), ".%d", i + 1);
        rig_write_text(&w.rig, name, "x");
        struct segment_options options = {.ref.serial = 1};
        options.fd = open(rig_file(&w.rig, name), O_RDONLY | O_CLOEXEC);
        assert_int_equal(segment_new(&segments[i], &options), 0);
        assert_int_equal(slot_new(&slots[i], name, 1), 0);
        struct view *view;
        assert_int_equal(view_new(&view, 1, false, &segments[i], 1, w.rig.eras, 1), 0);
        slot_publish(slots[i], view);
        assert_int_equal(watch_arm(w.watch, segments[i], slots[i], 0), 0);
    }
    for (int i = 0; i < FILES; i += 3)
        watch_forget(w.watch, slots[i]);
    for (int i = 0; i < FILES; i++)
        rig_write_text(&w.rig, slots[i]->id, "y");
    assert_int_equal(fired(&w), FILES - (FILES + 2) / 3);
    for (int i = 0; i < FILES; i++) {
        assert_int_equal(slot_take_ready(slots[i], 0), i % 3 != 0);
        assert_int_equal(atomic_load(&slots[i]->refs), 1);
        slot_unref(slots[i]);
        segment_unref(segments[i]);
    }
    watched_deinit(&w);
}

static void closed_segment_cannot_be_watched(void **state)
{
    struct watched w;
    watched_init(&w);
    struct segment *s = chain_live(w.rig.chain);
    segment_set_pinned(s, false);
    atomic_store(&s->named, false);
    segment_close_idle(s);
    assert_true(watch_arm(w.watch, s, w.rig.slot, 0) < 0);
    assert_null(watch_free(NULL));
    watched_deinit(&w);
}

/* As where the user has no inotify instance left: no descriptor can be opened. */
static void refuse_descriptors(bool refuse)
{
    struct rlimit limit;
    int next = dup(0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = refuse ? (rlim_t)next : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static struct watch *new_refused(struct health *health)
{
    struct watch *watch;
    refuse_descriptors(true);
    assert_int_equal(watch_new(&watch, health), 0);
    refuse_descriptors(false);
    assert_int_equal(watch_fd(watch), -1);
    return watch;
}

static void arm_refused(struct watched *w)
{
    refuse_descriptors(true);
    arm(w);
    refuse_descriptors(false);
}

/* S67: where inotify refuses, files are looked at from time to time; that is said once, and over
 * when it works again. */
static void refused_files_are_polled_until_inotify_works(void **state)
{
    struct watched w;
    struct health *health;
    struct health_trouble trouble;
    watched_init(&w);
    watch_free(w.watch);
    assert_int_equal(health_new(&health), 0);
    w.watch = new_refused(health);
    assert_int_equal(watch_due_ns(w.watch), INT64_MAX);
    arm_refused(&w);
    arm_refused(&w); /* another route */
    int64_t due = watch_due_ns(w.watch);
    assert_true(due < INT64_MAX);
    assert_int_equal(health_troubles(health, &trouble, 1), 1);
    assert_string_equal(trouble.code, "watch.polling");
    assert_string_equal(trouble.subject, "fs.inotify.max_user_instances");

    rig_log(&w.rig, 2, "b\\n");
    assert_int_equal(watch_poll(w.watch, due - 1), 0);
    assert_int_equal(watch_poll(w.watch, due), 1);
    assert_true(slot_take_ready(w.rig.slot, 0));
    arm_refused(&w); /* again */

    due = watch_due_ns(w.watch);
    assert_int_equal(watch_poll(w.watch, due), 1); /* one always tries */
    arm(&w);
    assert_true(watch_fd(w.watch) >= 0);
    slot_take_ready(w.rig.slot, 0);
    assert_int_equal(watch_poll(w.watch, watch_due_ns(w.watch)), 0);
    assert_int_equal(health_troubles(health, &trouble, 1), 0);
    assert_int_equal(watch_due_ns(w.watch), INT64_MAX);
    rig_log(&w.rig, 3, "c\\n");
    assert_int_equal(fired(&w), 1);
    watched_deinit(&w);
    health_free(health);
}

/* As on file systems that tell nothing: growth without an event, at one sweep after the other. */
static void files_that_tell_nothing_are_polled(void **state)
{
    struct watched w;
    struct health *health;
    struct health_trouble trouble;
    bool all;
    watched_init(&w);
    watch_free(w.watch);
    assert_int_equal(health_new(&health), 0);
    assert_int_equal(watch_new(&w.watch, health), 0);
    arm(&w);
    rig_log(&w.rig, 2, "b\\n");
    assert_false(watch_sweep(w.watch, &all)); /* its event was only not read yet */
    assert_true(slot_take_ready(w.rig.slot, 0));

    arm(&w);
    int wd = inotify_add_watch(watch_fd(w.watch), rig_file(&w.rig, ""), IN_MODIFY);
    assert_int_equal(inotify_rm_watch(watch_fd(w.watch), wd), 0);
    struct inotify_event event;
    assert_int_equal(read(watch_fd(w.watch), &event, sizeof(event)), sizeof(event));
    rig_log(&w.rig, 3, "c\\n");
    assert_false(watch_sweep(w.watch, &all)); /* a moment ago, perhaps */
    assert_true(watch_sweep(w.watch, &all));
    assert_true(all);
    assert_int_equal(health_troubles(health, &trouble, 1), 1);
    assert_string_equal(trouble.code, "watch.polling");

    arm(&w);
    rig_log(&w.rig, 4, "d\\n");
    assert_int_equal(fired(&w), 0);
    assert_int_equal(watch_poll(w.watch, watch_due_ns(w.watch)), 1);
    assert_true(slot_take_ready(w.rig.slot, 0));
    assert_int_equal(watch_poll(w.watch, INT64_MAX / 2), 0);
    watched_deinit(&w);
    health_free(health);
}

static void forgotten_slot_is_polled_no_more(void **state)
{
    struct watched w;
    watched_init(&w);
    watch_free(w.watch);
    w.watch = new_refused(NULL);
    arm_refused(&w);
    watch_forget(w.watch, w.rig.slot);
    assert_int_equal(atomic_load(&w.rig.slot->refs), 2);
    assert_int_equal(watch_poll(w.watch, INT64_MAX / 2), 0);
    arm(&w); /* from now on watched */
    assert_int_equal(atomic_load(&w.rig.slot->refs), 3);
    watched_deinit(&w);
}

struct armer {
    struct watched *w;
    atomic_bool stop;
};

static void *arm_on(void *context)
{
    struct armer *a = context;
    while (!atomic_load(&a->stop))
        assert_int_equal(watch_arm(a->w->watch, chain_live(a->w->rig.chain), a->w->rig.slot, 0), 0);
    return NULL;
}

static void routes_arm_while_the_monitor_reads(void **state)
{
    struct watched w;
    watched_init(&w);
    struct armer a = {.w = &w};
    pthread_t threads[2];
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, arm_on, &a), 0);
    for (int i = 0; i < 500; i++) {
        bool all;
        rig_write_text(&w.rig, "", "x");
        assert_true(watch_read(w.watch, &all) >= 0);
    }
    atomic_store(&a.stop, true);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    slot_take_ready(w.rig.slot, 0);
    arm(&w);
    rig_write_text(&w.rig, "", "x");
    assert_true(fired(&w) >= 1);
    assert_true(slot_take_ready(w.rig.slot, 0));
    watched_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_write_marks_the_slot_once),
        cmocka_unit_test(several_routes_arm_one_watch),
        cmocka_unit_test(unlinked_file_is_watched_too),
        cmocka_unit_test(forgotten_slot_is_not_marked_and_not_kept),
        cmocka_unit_test(s1_watch_of_a_file_that_is_no_more_is_given_back),
        cmocka_unit_test(many_files),
        cmocka_unit_test(closed_segment_cannot_be_watched),
        cmocka_unit_test(refused_files_are_polled_until_inotify_works),
        cmocka_unit_test(files_that_tell_nothing_are_polled),
        cmocka_unit_test(forgotten_slot_is_polled_no_more),
        cmocka_unit_test(routes_arm_while_the_monitor_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
