// SPDX-License-Identifier: Apache-2.0
/* What keeps a segment readable after Docker let go of it (design §6, pins). */
#include "source_rig.h"

#include "source/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static struct segment *live_unpinned(struct source_rig *r, uint64_t serial)
{
    struct segment_options options = {.ref.serial = serial, .home = r->home};
    struct segment *s;
    uint64_t size;
    unsigned links;
    options.fd = open(rig_file(r, ""), O_RDONLY | O_CLOEXEC);
    assert_true(options.fd >= 0);
    assert_int_equal(scan_identify(options.fd, &options.ref.file, &size, &links), 0);
    assert_int_equal(segment_new(&s, &options), 0);
    return s;
}

static const char *pin_path(struct source_rig *r, unsigned serial)
{
    static char path[2 * RIG_PATH_MAX];
    snprintf(path, sizeof(path), "%s/pins/" RIG_ID ".%u", r->root, serial);
    return path;
}

static void link_is_the_very_file(void **state)
{
    struct source_rig r;
    struct stat ours, theirs;
    source_rig_init(&r);
    assert_int_equal(pin_way(r.pins), PIN_LINK);
    assert_string_equal(pin_way_word(PIN_LINK), "link");
    rig_log(&r, 1, "a\\n");
    CLEANUP(segment_unref) struct segment *s = live_unpinned(&r, 7);
    rig_rotate(&r, 3); /* whatever its name is by now */
    assert_int_equal(pin_segment(r.pins, s), 0);
    assert_int_equal(stat(pin_path(&r, 7), &ours), 0);
    assert_int_equal(stat(rig_file(&r, ".1"), &theirs), 0);
    assert_int_equal(ours.st_ino, theirs.st_ino);
    assert_int_equal(ours.st_nlink, 2);
    rig_unlink(&r, ".1");
    assert_int_equal(stat(pin_path(&r, 7), &ours), 0);
    assert_int_equal(pin_segment(r.pins, s), 0); /* once is enough */
    pin_drop(s);
    assert_int_equal(stat(pin_path(&r, 7), &ours), -1);
    assert_false(segment_has_pin(s));
    pin_drop(s);
    source_rig_deinit(&r);
}

/* An unlinked descriptor can't be linked any more: it stays pinned by itself. */
static void unlinked_file_stays_by_its_descriptor(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    CLEANUP(segment_unref) struct segment *s = live_unpinned(&r, 1);
    rig_unlink(&r, "");
    assert_true(pin_segment(r.pins, s) < 0);
    assert_false(segment_has_pin(s));
    assert_true(segment_is_open(s));
    source_rig_deinit(&r);
}

/* Left behind by a serial that was never committed. */
static void stale_link_of_the_same_name_is_replaced(void **state)
{
    struct source_rig r;
    struct stat st;
    source_rig_init(&r);
    rig_log(&r, 1, "old\\n");
    CLEANUP(segment_unref) struct segment *old = live_unpinned(&r, 1);
    assert_int_equal(pin_segment(r.pins, old), 0);
    rig_rotate(&r, 1);
    CLEANUP(segment_unref) struct segment *s = live_unpinned(&r, 1);
    assert_int_equal(pin_segment(r.pins, s), 0);
    assert_int_equal(stat(pin_path(&r, 1), &st), 0);
    assert_int_equal(st.st_ino, s->file.inode);
    source_rig_deinit(&r);
}

static struct segment *known(struct source_rig *r, struct file_id file)
{
    struct segment_options options = {
        .ref = {.serial = 1, .file = file}, .fd = -1, .home = r->home};
    struct segment *s;
    assert_int_equal(segment_new(&s, &options), 0);
    return s;
}

static void s67_link_of_an_earlier_run_is_taken_up(void **state)
{
    struct source_rig r;
    uint64_t size;
    int fd;
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    CLEANUP(segment_unref) struct segment *before = live_unpinned(&r, 1);
    assert_int_equal(pin_segment(r.pins, before), 0);
    rig_remove_container(&r);

    CLEANUP(segment_unref) struct segment *same = known(&r, before->file);
    assert_int_equal(pin_adopt(same, &size), 0);
    assert_true(size > 0);
    assert_int_equal(segment_acquire(same, &fd), 0);
    segment_release(same);

    struct file_id file = before->file;
    file.birth_ns++;
    CLEANUP(segment_unref) struct segment *other = known(&r, file);
    assert_int_equal(pin_adopt(other, &size), -ESTALE);
    assert_false(segment_has_pin(other));

    CLEANUP(segment_unref) struct segment *unknown = known(&r, (struct file_id){0});
    assert_int_equal(pin_adopt(unknown, &size), 0); /* from the pin's name alone */
    assert_true(file_id_equal(unknown->file, before->file));

    pin_drop(same);
    CLEANUP(segment_unref) struct segment *late = known(&r, before->file);
    assert_int_equal(pin_adopt(late, &size), -ENOENT);
    source_rig_deinit(&r);
}

struct visited {
    unsigned count;
    uint64_t serials;
};

static int visit(void *context, const char *id, uint64_t serial, const char *path)
{
    struct visited *v = context;
    struct stat st;
    assert_string_equal(id, RIG_ID);
    assert_int_equal(stat(path, &st), 0);
    v->count++;
    v->serials += serial;
    return v->count == 3 ? 42 : 0;
}

static void each_pin_is_visited(void **state)
{
    struct source_rig r;
    struct visited v = {0};
    source_rig_init(&r);
    rig_log(&r, 1, "a\\n");
    for (unsigned serial = 1; serial <= 2; serial++) {
        CLEANUP(segment_unref) struct segment *s = live_unpinned(&r, serial);
        assert_int_equal(pin_segment(r.pins, s), 0);
    }
    rig_write(&r, "", SPAN(""));
    assert_int_equal(pin_each(r.pins, visit, &v), 0);
    assert_int_equal(v.count, 2);
    assert_int_equal(v.serials, 3);
    assert_int_equal(pin_each(r.pins, visit, &v), 42);
    source_rig_deinit(&r);
}

static void names_of_pins(void **state)
{
    static const char *const bad[] = {"",     ".1",    "id",    "id.",   "id.0",
                                      "id.x", "id.1x", "id.-1", "id.01", "id.99999999999999999999"};
    char id[PIN_ID_MAX];
    uint64_t serial;
    assert_true(pin_parse_name("id.18446744073709551615", id, &serial));
    assert_string_equal(id, "id");
    assert_true(serial == UINT64_MAX);
    assert_true(pin_parse_name("a.b.12", id, &serial));
    assert_string_equal(id, "a.b");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(pin_parse_name(bad[i], id, &serial));
    char longer[PIN_ID_MAX + 8];
    memset(longer, 'a', sizeof(longer));
    memcpy(longer + PIN_ID_MAX, ".1", 3);
    assert_false(pin_parse_name(longer, id, &serial));
}

static void other_file_system_leaves_the_descriptor(void **state)
{
    struct source_rig r;
    struct error reason = {""};
    struct pin *pins;
    struct stat here, there;
    char path[] = "/dev/shm/tallyman-pins-XXXXXX";
    source_rig_init(&r);
    if (!mkdtemp(path) || stat(path, &there) < 0 || stat(r.root, &here) < 0 ||
        here.st_dev == there.st_dev) {
        source_rig_deinit(&r);
        skip();
    }
    assert_int_equal(pin_open(&pins, path, r.containers, &reason), 0);
    assert_int_equal(pin_way(pins), PIN_DESCRIPTOR);
    assert_non_null(strstr(reason.text, path));
    assert_non_null(strstr(reason.text, "tallyman-pins")); /* what would work */
    rig_log(&r, 1, "a\\n");
    CLEANUP(segment_unref) struct segment *s = live_unpinned(&r, 1);
    assert_int_equal(pin_segment(pins, s), 0);
    assert_false(segment_has_pin(s));
    pin_close(pins);
    rmdir(path);
    source_rig_deinit(&r);
}

/* dockerd bind-mounts its root where `/` is not shared: the same device, and EXDEV all the same. */
static void other_mount_of_the_same_device_is_found_out(void **state)
{
    struct source_rig r;
    struct error reason = {""};
    struct pin *pins;
    char path[RIG_PATH_MAX];
    if (unshare(CLONE_NEWNS) < 0)
        skip();
    source_rig_init(&r);
    snprintf(path, sizeof(path), "%.300s/pins2", r.root);
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    assert_int_equal(mount(r.containers, r.containers, NULL, MS_BIND, NULL), 0);
    assert_int_equal(pin_open(&pins, path, r.containers, &reason), 0);
    assert_int_equal(pin_way(pins), PIN_DESCRIPTOR);
    assert_non_null(strstr(reason.text, "another mount"));
    pin_close(pins);
    assert_int_equal(umount(r.containers), 0);
    source_rig_deinit(&r);
}

static void directory_is_made_and_closed_to_others(void **state)
{
    struct source_rig r;
    struct error reason = {""};
    struct pin *pins;
    struct stat st;
    char path[RIG_PATH_MAX];
    source_rig_init(&r);
    snprintf(path, sizeof(path), "%.300s/a/b/pins", r.root);
    assert_int_equal(pin_open(&pins, path, r.containers, &reason), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    pin_close(pins);

    snprintf(path, sizeof(path), "%.300s/a/file", r.root);
    CLEANUP(fclose) FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(pin_open(&pins, path, r.containers, &reason) < 0);
    assert_non_null(strstr(reason.text, path));
    assert_null(pin_close(NULL));
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_is_the_very_file),
        cmocka_unit_test(unlinked_file_stays_by_its_descriptor),
        cmocka_unit_test(stale_link_of_the_same_name_is_replaced),
        cmocka_unit_test(s67_link_of_an_earlier_run_is_taken_up),
        cmocka_unit_test(each_pin_is_visited),
        cmocka_unit_test(names_of_pins),
        cmocka_unit_test(other_file_system_leaves_the_descriptor),
        cmocka_unit_test(other_mount_of_the_same_device_is_found_out),
        cmocka_unit_test(directory_is_made_and_closed_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
