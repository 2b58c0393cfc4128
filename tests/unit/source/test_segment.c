// SPDX-License-Identifier: Apache-2.0
/* A segment's life: references, its descriptor, its pin. S1: a descriptor is open while somebody
 * needs it, once, and no longer. */
#include "source_rig.h"

#include <errno.h>
#include <fcntl.h>

#include "base/resource.h"
#include "source/scan.h"

enum { THREADS = 4, ROUNDS = 2000 };

static struct segment *new_segment(int fd)
{
    struct segment *s;
    struct segment_options options = {.ref = {.serial = 7}, .fd = fd};
    assert_int_equal(segment_new(&s, &options), 0);
    return s;
}

/* The live file as the chain would have it: closed, with a name, not pinned. */
static struct segment *named_segment(struct source_rig *r)
{
    struct segment *s;
    uint64_t size;
    struct segment_options options = {.ref.serial = 7, .named = true, .fd = -1, .home = r->home};
    assert_int_equal(scan_identify_path(rig_file(r, ""), &options.ref.file, &size), 0);
    assert_int_equal(segment_new(&s, &options), 0);
    return s;
}

static int open_live(struct source_rig *r)
{
    int fd = open(rig_file(r, ""), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void s1_last_reference_closes_the_descriptor(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "one\\n");
    int fd = open_live(&r);
    struct segment *s = new_segment(fd);
    segment_ref(s);
    segment_unref(s);
    assert_true(is_open(fd));
    segment_unref(s);
    assert_false(is_open(fd));
    assert_null(segment_unref(NULL));
    source_rig_deinit(&r);
}

static void s1_descriptor_in_use_is_not_closed(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "one\\n");
    int fd = open_live(&r), got;
    CLEANUP(segment_unref) struct segment *s = new_segment(fd);
    assert_int_equal(segment_acquire(s, &got), 0);
    assert_int_equal(got, fd);
    assert_false(segment_close_idle(s));
    assert_true(is_open(fd));
    segment_release(s);
    assert_true(segment_close_idle(s));
    assert_false(segment_is_open(s));
    source_rig_deinit(&r);
}

static void closed_segment_without_a_pin_is_gone(void **state)
{
    int fd;
    CLEANUP(segment_unref) struct segment *s = new_segment(-1);
    assert_int_equal(segment_acquire(s, &fd), SEGMENT_GONE);
    assert_true(segment_close_idle(s));
}

static void hole_is_gone(void **state)
{
    struct segment_options options = {
        .ref.serial = 3, .hole = true, .reason = GAP_ROTATED, .bytes = 12, .fd = -1};
    CLEANUP(segment_unref) struct segment *s = NULL;
    int fd;
    assert_int_equal(segment_new(&s, &options), 0);
    assert_int_equal(segment_acquire(s, &fd), SEGMENT_GONE);
    assert_int_equal(s->bytes, 12);
}

static char first_byte(struct segment *s)
{
    int fd;
    char byte = '\0';
    assert_int_equal(segment_acquire(s, &fd), 0);
    assert_int_equal(pread(fd, &byte, 1, 0), 1);
    segment_release(s);
    return byte;
}

/* Design §6: without a link, from Docker's own path, whatever rotation has made of its name. */
static void closed_segment_opens_again_by_dockers_name(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_text(&r, "", "one");
    CLEANUP(segment_unref) struct segment *s = named_segment(&r);
    assert_false(segment_is_open(s));
    assert_int_equal(segment_size(s), 3);
    assert_false(segment_is_open(s)); /* its size costs no descriptor */
    assert_int_equal(first_byte(s), 'o');
    for (int i = 0; i < 3; i++) {
        segment_close_idle(s);
        rig_rotate(&r, 5);
        rig_write_text(&r, "", "another");
        assert_int_equal(segment_size(s), 3);
        assert_int_equal(first_byte(s), 'o');
    }
    source_rig_deinit(&r);
}

/* A file of its name that is not it is never read; whether it is gone, the monitor's look tells. */
static void closed_segment_is_never_another_file(void **state)
{
    struct source_rig r;
    int fd;
    source_rig_init(&r);
    rig_write_text(&r, "", "one");
    CLEANUP(segment_unref) struct segment *s = named_segment(&r);
    rig_unlink(&r, "");
    rig_write_text(&r, "", "two");
    assert_int_equal(segment_acquire(s, &fd), -ESTALE);
    assert_int_equal(segment_size(s), -1);
    atomic_store(&s->named, false);
    assert_int_equal(segment_acquire(s, &fd), SEGMENT_GONE);

    CLEANUP(segment_unref) struct segment *last = named_segment(&r);
    rig_remove_container(&r);
    assert_int_equal(segment_acquire(last, &fd), -ESTALE);
    source_rig_deinit(&r);
}

static void closed_segment_opens_again_from_its_pin(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_text(&r, "", "one");
    CLEANUP(segment_unref) struct segment *s = named_segment(&r);
    char path[RIG_PATH_MAX];
    int fd;
    assert_int_equal(pin_segment(r.pins, s), 0);
    assert_true(segment_has_pin(s));
    rig_unlink(&r, "");
    atomic_store(&s->named, false);
    assert_true(segment_close_idle(s));
    assert_int_equal(segment_size(s), 3);
    assert_int_equal(first_byte(s), 'o');

    segment_close_idle(s);
    assert_int_equal(home_pin_path(r.home, 7, path, sizeof(path)), 0);
    assert_int_equal(unlink(path), 0); /* somebody took the pin away */
    assert_int_equal(segment_acquire(s, &fd), SEGMENT_GONE);
    segment_set_pinned(s, false);
    assert_false(segment_has_pin(s));
    source_rig_deinit(&r);
}

/* What was open for one segment serves another, and is counted once. */
static void s1_a_descriptor_is_taken_out(void **state)
{
    uint64_t before = resource_open(RESOURCE_SEGMENT);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct segment *s = new_segment(fd);
    assert_int_equal(segment_take_fd(s), fd);
    assert_false(segment_is_open(s));
    assert_int_equal(segment_take_fd(s), -1);
    assert_int_equal(resource_open(RESOURCE_SEGMENT), before);
    segment_unref(s);
    assert_int_equal(close(fd), 0);
}

static void fingerprint_is_written_once(void **state)
{
    CLEANUP(segment_unref) struct segment *s = new_segment(-1);
    segment_set_fingerprint(s, (struct fingerprint){1, 2});
    segment_set_fingerprint(s, (struct fingerprint){3, 4});
    assert_int_equal(segment_name(s).fingerprint.high, 1);
    assert_int_equal(segment_name(s).serial, 7);
}

static void *use_segment(void *context)
{
    struct segment *s = segment_ref(context);
    for (int i = 0; i < ROUNDS; i++) {
        int fd;
        char byte;
        assert_int_equal(segment_acquire(s, &fd), 0);
        assert_int_equal(pread(fd, &byte, 1, 0), 1);
        assert_int_equal(byte, '{');
        segment_release(s);
        segment_close_idle(s);
        segment_set_fingerprint(s, (struct fingerprint){1, 1});
        assert_int_equal(segment_name(s).serial, 7);
    }
    segment_unref(s);
    return NULL;
}

static void s1_threads_share_one_descriptor(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "one\\n");
    struct segment *s = named_segment(&r);
    assert_int_equal(pin_segment(r.pins, s), 0);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_segment, s), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(segment_close_idle(s));
    segment_unref(s);
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s1_last_reference_closes_the_descriptor),
        cmocka_unit_test(s1_descriptor_in_use_is_not_closed),
        cmocka_unit_test(closed_segment_without_a_pin_is_gone),
        cmocka_unit_test(hole_is_gone),
        cmocka_unit_test(closed_segment_opens_again_by_dockers_name),
        cmocka_unit_test(closed_segment_is_never_another_file),
        cmocka_unit_test(closed_segment_opens_again_from_its_pin),
        cmocka_unit_test(s1_a_descriptor_is_taken_out),
        cmocka_unit_test(fingerprint_is_written_once),
        cmocka_unit_test(s1_threads_share_one_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
