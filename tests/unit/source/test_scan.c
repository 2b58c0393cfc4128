// SPDX-License-Identifier: Apache-2.0
/* What lies in a log directory: docker-logs' names, oldest first. */
#include "source_rig.h"

#include "source/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static struct scan scan(struct source_rig *r)
{
    struct scan s;
    assert_int_equal(scan_directory(r->directory, r->live_name, &s), 0);
    return s;
}

static void touch(struct source_rig *r, const char *name)
{
    rig_write(r, name, SPAN("x"));
}

/* The endings of what was found, with a space between. */
static void assert_scan(struct source_rig *r, const char *expected)
{
    char text[1024] = "";
    struct scan s = scan(r);
    for (size_t i = 0; i < s.count; i++) {
        const char *ending = s.files[i].name + strlen(r->live_name);
        size_t size = strlen(text);
        snprintf(text + size, sizeof(text) - size, "%s%s", i ? " " : "", *ending ? ending : "live");
    }
    assert_string_equal(text, expected);
    scan_deinit(&s);
}

static void oldest_come_first_the_live_file_last(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    touch(&r, "");
    touch(&r, ".1");
    touch(&r, ".2.gz");
    touch(&r, ".10.gz");
    touch(&r, ".9");
    assert_scan(&r, ".10.gz .9 .2.gz .1 live");
    source_rig_deinit(&r);
}

/* A directory that has long been as it is, is looked at once: with the same result. */
static void one_look_at_what_is_settled_will_do(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    touch(&r, "");
    touch(&r, ".1");
    struct timespec long_ago[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    assert_int_equal(utimensat(AT_FDCWD, r.directory, long_ago, 0), 0);
    assert_scan(&r, ".1 live");
    touch(&r, ".2");
    assert_scan(&r, ".2 .1 live");
    source_rig_deinit(&r);
}

static void plain_rotation_is_preferred_to_its_growing_gz(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    touch(&r, ".1.gz");
    touch(&r, ".1");
    touch(&r, "");
    assert_scan(&r, ".1 live");
    source_rig_deinit(&r);
}

static void foreign_names_are_ignored(void **state)
{
    static const char *const names[] = {".1.gz.tmp", ".01",    ".0",       ".x",  ".1x",      ".",
                                        "~",         ".bak",   ".-1",      ".1.", ".1.gz.gz", ".+1",
                                        ".gz",       ".1.bz2", ".1000000", ". 1"};
    struct source_rig r;
    char path[2 * RIG_PATH_MAX];
    source_rig_init(&r);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        touch(&r, names[i]);
    snprintf(path, sizeof(path), "%s/config.v2.json", r.directory);
    CLEANUP(fclose) FILE *other = fopen(path, "w");
    assert_non_null(other);
    assert_scan(&r, "");
    source_rig_deinit(&r);
}

static void only_regular_files_count(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    assert_int_equal(mkdir(rig_file(&r, ".2"), 0700), 0);
    assert_int_equal(symlink("/etc/passwd", rig_file(&r, ".1")), 0);
    assert_int_equal(mkfifo(rig_file(&r, ""), 0600), 0);
    assert_scan(&r, "");
    source_rig_deinit(&r);
}

static void directory_that_is_gone_is_told(void **state)
{
    struct source_rig r;
    struct scan s = {0};
    source_rig_init(&r);
    rig_remove_container(&r);
    assert_int_equal(scan_directory(r.directory, r.live_name, &s), -ENOENT);
    assert_null(s.files);
    source_rig_deinit(&r);
}

/* A recycled inode is another file: its birth differs (design §6, identity). */
static void identity_holds_device_inode_and_birth(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write(&r, "", SPAN("twelve bytes"));
    struct scan before = scan(&r);
    rig_rename(&r, "", ".1");
    struct scan after = scan(&r);
    assert_true(file_id_equal(before.files[0].file, after.files[0].file));
    assert_int_equal(before.files[0].size, 12);
    assert_true(before.files[0].file.birth_ns > 0);

    struct file_id other = before.files[0].file;
    other.birth_ns++;
    assert_false(file_id_equal(before.files[0].file, other));
    assert_false(file_id_equal((struct file_id){0}, (struct file_id){0})); /* both unknown */
    scan_deinit(&before);
    scan_deinit(&after);
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oldest_come_first_the_live_file_last),
        cmocka_unit_test(one_look_at_what_is_settled_will_do),
        cmocka_unit_test(plain_rotation_is_preferred_to_its_growing_gz),
        cmocka_unit_test(foreign_names_are_ignored),
        cmocka_unit_test(only_regular_files_count),
        cmocka_unit_test(directory_that_is_gone_is_told),
        cmocka_unit_test(identity_holds_device_inode_and_birth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
