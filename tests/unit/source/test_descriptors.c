// SPDX-License-Identifier: Apache-2.0
/* Open files stay within the budget: what may be closed goes in a firm order, nothing in use does,
 * and all opens again when it is read (S1, design §6). */
#include "source_rig.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "base/resource.h"
#include "source/descriptors.h"
#include "source/scan.h"

enum { FILES = 24, BUDGET = 8, AT_ONCE = BUDGET / 8 + 1, THREADS = 4, ROUNDS = 1000 };

struct many {
    struct source_rig rig;
    struct segment *segments[FILES];
};

/* Files of Docker's, `name`.1 and so on, each with its number as its only byte; closed. */
static void many_init(struct many *m)
{
    source_rig_init(&m->rig);
    for (int i = 0; i < FILES; i++) {
        char name[16];
        char text[] = {(char)('A' + i), '\0'};
        uint64_t size;
        snprintf(name, sizeof(name), ".%d", i + 1);
        rig_write_text(&m->rig, name, text);
        struct segment_options options = {
            .ref.serial = (uint64_t)i + 1, .named = true, .fd = -1, .home = m->rig.home};
        assert_int_equal(scan_identify_path(rig_file(&m->rig, name), &options.ref.file, &size), 0);
        assert_int_equal(segment_new(&m->segments[i], &options), 0);
    }
}

static void many_deinit(struct many *m)
{
    descriptors_limit(0);
    for (int i = 0; i < FILES; i++)
        segment_unref(m->segments[i]);
    source_rig_deinit(&m->rig);
}

static void use(struct many *m, int i)
{
    int fd;
    char byte;
    assert_int_equal(segment_acquire(m->segments[i], &fd), 0);
    assert_int_equal(pread(fd, &byte, 1, 0), 1);
    assert_int_equal(byte, 'A' + i);
    segment_release(m->segments[i]);
}

static void s1_never_more_than_the_budget_are_open(void **state)
{
    struct many m;
    many_init(&m);
    uint64_t before = resource_open(RESOURCE_SEGMENT);
    descriptors_limit(BUDGET);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < FILES; i++) {
            use(&m, i);
            assert_true(resource_open(RESOURCE_SEGMENT) <= BUDGET);
        }
    many_deinit(&m);
    assert_int_equal(resource_open(RESOURCE_SEGMENT), before);
}

static void no_limit_closes_nothing(void **state)
{
    struct many m;
    many_init(&m);
    for (int i = 0; i < FILES; i++)
        use(&m, i);
    for (int i = 0; i < FILES; i++)
        assert_true(segment_is_open(m.segments[i]));
    many_deinit(&m);
}

/* Opens one more than there is room for; which of the first BUDGET are closed then, as letters. */
static void assert_closed_for_another(struct many *m, const char *expected)
{
    char closed[BUDGET + 1] = "";
    size_t count = 0;
    use(m, BUDGET);
    for (int i = 0; i < BUDGET; i++)
        if (!segment_is_open(m->segments[i]))
            closed[count++] = (char)('A' + i);
    closed[count] = '\0';
    assert_string_equal(closed, expected);
}

static void fill(struct many *m)
{
    many_init(m);
    descriptors_limit(BUDGET);
    for (int i = 0; i < BUDGET; i++)
        use(m, i);
}

static void least_recently_used_goes_first(void **state)
{
    struct many m;
    fill(&m);
    use(&m, 0);
    use(&m, 2);
    assert_closed_for_another(&m, "BD");
    many_deinit(&m);
}

/* Used later than all the others, and yet first: opening a pin again never fails. */
static void pinned_goes_before_what_only_has_a_name(void **state)
{
    struct many m;
    fill(&m);
    assert_int_equal(pin_segment(m.rig.pins, m.segments[6]), 0);
    assert_int_equal(pin_segment(m.rig.pins, m.segments[7]), 0);
    assert_closed_for_another(&m, "GH");
    many_deinit(&m);
}

static void read_by_every_route_goes_before_pinned(void **state)
{
    struct many m;
    fill(&m);
    assert_int_equal(pin_segment(m.rig.pins, m.segments[1]), 0);
    segment_set_read(m.segments[5], 0, 2);
    segment_set_read(m.segments[5], 1, 2);
    segment_set_read(m.segments[6], 0, 2); /* the other route has not come to its end */
    segment_set_read(m.segments[7], 0, 1);
    rig_write_text(&m.rig, ".8", "x"); /* and has grown since */
    assert_closed_for_another(&m, "BF");
    many_deinit(&m);
}

/* What nothing else keeps is the last to go, and no more of it than must. */
static void only_ours_is_the_last_resort(void **state)
{
    struct many m;
    int fd;
    fill(&m);
    for (int i = 0; i < BUDGET - 1; i++)
        atomic_store(&m.segments[i]->named, false);
    assert_closed_for_another(&m, "H");
    atomic_store(&m.segments[BUDGET]->named, false);
    rig_unlink(&m.rig, ".10"); /* a name that nobody has seen to be gone is none either */
    assert_int_equal(segment_acquire(m.segments[9], &fd), -ESTALE);
    use(&m, 10);
    assert_false(segment_is_open(m.segments[0]));
    assert_true(segment_is_open(m.segments[1]));
    assert_int_equal(segment_acquire(m.segments[0], &fd), SEGMENT_GONE);
    many_deinit(&m);
}

static void what_is_in_use_is_never_closed(void **state)
{
    struct many m;
    int fds[BUDGET], fd;
    fill(&m);
    for (int i = 0; i < BUDGET; i++)
        assert_int_equal(segment_acquire(m.segments[i], &fds[i]), 0);
    assert_int_equal(segment_acquire(m.segments[BUDGET], &fd), 0); /* rather one too many */
    for (int i = 0; i < BUDGET; i++) {
        char byte;
        assert_int_equal(pread(fds[i], &byte, 1, 0), 1);
        segment_release(m.segments[i]);
    }
    segment_release(m.segments[BUDGET]);
    use(&m, BUDGET + 1);
    assert_true(resource_open(RESOURCE_SEGMENT) <= BUDGET);
    many_deinit(&m);
}

/* Somebody else has taken all descriptors that there are: room is made, and it is tried again. */
static void refusal_of_the_system_makes_room_too(void **state)
{
    struct many m;
    struct rlimit before, low;
    many_init(&m);
    for (int i = 0; i < BUDGET; i++)
        use(&m, i);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    int next = dup(0);
    close(next);
    low.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    use(&m, BUDGET);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(segment_is_open(m.segments[0]));
    assert_false(descriptors_relieve(-EIO));
    assert_true(segment_is_open(m.segments[BUDGET]));
    many_deinit(&m);
    assert_false(descriptors_relieve(-EMFILE)); /* none is left to be closed */
}

static void *use_all(void *context)
{
    struct many *m = context;
    for (int i = 0; i < ROUNDS; i++)
        use(m, i % FILES);
    return NULL;
}

static void s1_threads_share_the_budget(void **state)
{
    struct many m;
    pthread_t threads[THREADS];
    fill(&m);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_all, &m), 0);
    for (int i = 0; i < ROUNDS; i++)
        assert_true(resource_open(RESOURCE_SEGMENT) <= BUDGET + THREADS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    many_deinit(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s1_never_more_than_the_budget_are_open),
        cmocka_unit_test(no_limit_closes_nothing),
        cmocka_unit_test(least_recently_used_goes_first),
        cmocka_unit_test(pinned_goes_before_what_only_has_a_name),
        cmocka_unit_test(read_by_every_route_goes_before_pinned),
        cmocka_unit_test(only_ours_is_the_last_resort),
        cmocka_unit_test(what_is_in_use_is_never_closed),
        cmocka_unit_test(refusal_of_the_system_makes_room_too),
        cmocka_unit_test(s1_threads_share_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
