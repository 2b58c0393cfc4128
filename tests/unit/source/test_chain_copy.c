// SPDX-License-Identifier: Apache-2.0
/* A copy, however edited, is put in the live file's place (`sed -i`, a restored backup): Docker
 * writes on into the file that it has open, and into the copy from its next start on. R1: nothing
 * that is in either of them is lost, and nothing comes twice. */
#include "source_rig.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Three lines, read; `fd` is Docker's, as it has the live file open. */
static int write_and_read(struct source_rig *r)
{
    source_rig_init(r);
    rig_write_generations(r, 1);
    rig_log(r, 2, "2\\n");
    rig_log(r, 3, "3\\n");
    rig_pull_all(r);
    assert_came(r, "o:1\no:2\no:3\n");
    int fd = open(rig_file(r, ""), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* As `cp` and `mv` do, and `sed -i '2d'`. */
static void put_copy(struct source_rig *r)
{
    rig_copy(r, "", ".new");
    rig_rename(r, ".new", "");
}

static void put_without_second_line(struct source_rig *r)
{
    struct span all = rig_read_file(rig_file(r, ""));
    const char *second = (const char *)memchr(all.data, '\n', all.size) + 1;
    const char *third = (const char *)memchr(second, '\n', all.size) + 1;
    rig_write(r, ".new", (struct span){all.data, (size_t)(second - all.data)});
    rig_write(r, ".new", (struct span){third, (size_t)(all.data + all.size - third)});
    free((char *)all.data);
    rig_rename(r, ".new", "");
}

/* A record into the file that Docker has open, whatever its name is by now. */
static void log_into(struct source_rig *r, int fd, int64_t at_ns, const char *log)
{
    rig_rename(r, "", ".aside");
    rig_log(r, at_ns, log);
    struct span record = rig_read_file(rig_file(r, ""));
    assert_int_equal(write(fd, record.data, record.size), record.size);
    free((char *)record.data);
    rig_rename(r, ".aside", "");
}

static void r1_a_copy_that_is_written_into_takes_over(void **state)
{
    struct source_rig r;
    int fd = write_and_read(&r);
    put_copy(&r);
    assert_false(rig_sync(&r, 1));
    close(fd);
    rig_log(&r, 4, "4\\n");
    assert_true(rig_sync(&r, 0));
    assert_chain(&r, "1s 2h:rewritten 3");
    rig_pull_all(&r);
    assert_came(&r, "gap rewritten 0@2:0\no:4\n");
    rig_log(&r, 5, "5\\n");
    assert_false(rig_sync(&r, 0));
    rig_pull_all(&r);
    assert_came(&r, "o:5\n");
    source_rig_deinit(&r);
}

static void r1_what_docker_still_writes_into_the_file_before_comes_first(void **state)
{
    struct source_rig r;
    int fd = write_and_read(&r);
    put_without_second_line(&r);
    rig_sync(&r, 1);
    log_into(&r, fd, 4, "4\\n");
    assert_false(rig_sync(&r, 0));
    assert_chain(&r, "1");
    rig_pull_all(&r);
    assert_came(&r, "o:4\n");
    log_into(&r, fd, 5, "5\\n");
    close(fd);
    rig_log(&r, 6, "6\\n");
    rig_sync(&r, 0);
    rig_pull_all(&r);
    assert_came(&r, "o:5\ngap rewritten 0@2:0\no:6\n");
    source_rig_deinit(&r);
}

/* Each route, and also one that comes back behind our restart, reads the file before to its end. */
static void s67_what_was_unread_survives_a_restart(void **state)
{
    struct source_rig r;
    int fd = write_and_read(&r);
    put_without_second_line(&r);
    rig_sync(&r, 1);
    log_into(&r, fd, 4, "4\\n");
    close(fd);
    rig_restart(&r); /* before the copy is written into */
    rig_log(&r, 5, "5\\n");
    rig_sync(&r, 0);
    assert_chain(&r, "1s 2h:rewritten 3");
    rig_restart(&r); /* and behind that */
    assert_chain(&r, "1s 2h:rewritten 3");
    rig_pull_all(&r);
    assert_came(&r, "o:4\ngap rewritten 0@2:0\no:5\n");
    source_rig_deinit(&r);
}

/* Both the copying and what came after while we were down. */
static void s67_replaced_and_written_into_while_down(void **state)
{
    struct source_rig r;
    close(write_and_read(&r));
    put_without_second_line(&r);
    rig_log(&r, 4, "4\\n");
    rig_restart(&r);
    rig_pull_all(&r);
    assert_came(&r, "gap rewritten 0@2:0\no:4\n");
    source_rig_deinit(&r);
}

/* What the copying takes along is no sign that Docker writes into the copy. */
static void a_copy_that_grows_while_it_is_made_waits(void **state)
{
    struct source_rig r;
    int fd = write_and_read(&r);
    rig_rename(&r, "", ".before");
    struct span all = rig_read_file(rig_file(&r, ".before"));
    rig_write(&r, "", (struct span){all.data, all.size / 2});
    rig_sync(&r, 1);
    rig_write(&r, "", (struct span){all.data + all.size / 2, all.size - all.size / 2});
    free((char *)all.data);
    assert_false(rig_sync(&r, 0));
    assert_chain(&r, "1");
    close(fd);
    source_rig_deinit(&r);
}

static void r1_a_copy_that_is_rotated_or_removed_at_once_is_read(void **state)
{
    struct source_rig r;
    close(write_and_read(&r));
    put_copy(&r);
    rig_sync(&r, 1);
    rig_log(&r, 4, "4\\n");
    rig_rotate(&r, 3);
    rig_log(&r, 5, "5\\n");
    rig_sync(&r, 1);
    assert_chain(&r, "1s 2h:rewritten 3s 4");
    put_copy(&r);
    rig_sync(&r, 1);
    rig_log(&r, 6, "6\\n");
    rig_remove_container(&r);
    rig_sync(&r, 0);
    assert_chain(&r, "1s 2h:rewritten 3s 4s 5h:rewritten 6s");
    assert_int_equal(rig_pull_all(&r), FOLLOW_END);
    assert_came(&r, "gap rewritten 0@2:0\no:4\no:5\ngap rewritten 0@5:0\no:6\n");
    source_rig_deinit(&r);
}

/* Copied again before the first copy was read: one after the other. */
static void r1_a_copy_of_a_copy(void **state)
{
    struct source_rig r;
    close(write_and_read(&r));
    for (int i = 4; i <= 6; i++) {
        char log[8];
        put_copy(&r);
        rig_sync(&r, 1);
        snprintf(log, sizeof(log), "%d\\n", i);
        rig_log(&r, i, log);
        rig_sync(&r, 0);
    }
    rig_pull_all(&r);
    assert_came(&r, "gap rewritten 0@2:0\no:4\ngap rewritten 0@4:0\no:5\n"
                    "gap rewritten 0@6:0\no:6\n");
    source_rig_deinit(&r);
}

/* More than is read at once, in both formats: the end is found from the end, and what was read last
 * in its place or, where the copy was edited, by searching. */
static void r1_a_large_copy(void **state)
{
    static const enum record_format formats[] = {RECORD_JSON_FILE, RECORD_LOCAL};
    enum { LINES = 9000 };
    for (size_t k = 0; k < 2 * ARRAY_SIZE(formats); k++) {
        struct source_rig r;
        rig_format = formats[k / 2];
        source_rig_init(&r);
        bool edited = k % 2;
        rig_log(&r, 1, "first\\n");
        if (edited)
            rig_log(&r, 2, "a secret\\n");
        for (int i = 3; i < LINES; i++)
            rig_log(&r, i, "another\\n");
        rig_sync(&r, 1);
        assert_true(chain_live_size(r.chain) > READ_QUANTUM_BYTES);
        rig_pull_all(&r);
        buf_clear(&r.came);
        if (edited) {
            rig_rename(&r, "", ".before");
            rig_log(&r, 1, "first\\n");
            for (int i = 3; i < LINES; i++)
                rig_log(&r, i, "another\\n");
        } else {
            put_copy(&r);
        }
        assert_false(rig_sync(&r, 1));
        rig_log(&r, LINES, "last\\n");
        rig_sync(&r, 0);
        rig_pull_all(&r);
        assert_came(&r, "gap rewritten 0@2:0\no:last\n");
        source_rig_deinit(&r);
    }
    rig_format = RECORD_JSON_FILE;
}

/* A backup of the whole directory, rotated files and all. */
static void r1_a_copy_of_all_files(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_write_generations(&r, 3);
    rig_pull_all(&r);
    assert_came(&r, "o:1\no:2\no:3\n");
    static const char *const names[] = {".2", ".1", ""};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        rig_copy(&r, names[i], ".new");
        rig_rename(&r, ".new", names[i]);
    }
    rig_sync(&r, CHAIN_CREATED_UNKNOWN);
    assert_chain(&r, "1s 2s 3");
    rig_log(&r, 4, "4\\n");
    rig_sync(&r, 0);
    rig_pull_all(&r);
    assert_came(&r, "gap rewritten 0@4:0\no:4\n");
    source_rig_deinit(&r);
}

/* What was given up is booked; of that, what was copied is read from the copy. */
static void what_was_given_up_is_read_from_the_copy(void **state)
{
    struct source_rig r;
    int fd = write_and_read(&r);
    log_into(&r, fd, 4, "4\\n");
    put_copy(&r);
    rig_sync(&r, 1);
    log_into(&r, fd, 5, "5\\n");
    close(fd);
    rig_log(&r, 6, "6\\n");
    rig_sync(&r, 0);
    assert_int_not_equal(chain_give_up(r.chain, GAP_PIN_QUOTA), 0);
    rig_publish(&r);
    assert_chain(&r, "1h:pin_quota 2h:rewritten 3");
    rig_pull_all(&r);
    assert_came(&r, "gap pin_quota 144@1:216\ngap rewritten 0@2:0\no:4\no:6\n");
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r1_a_copy_that_is_written_into_takes_over),
        cmocka_unit_test(r1_what_docker_still_writes_into_the_file_before_comes_first),
        cmocka_unit_test(s67_what_was_unread_survives_a_restart),
        cmocka_unit_test(s67_replaced_and_written_into_while_down),
        cmocka_unit_test(a_copy_that_grows_while_it_is_made_waits),
        cmocka_unit_test(r1_a_copy_that_is_rotated_or_removed_at_once_is_read),
        cmocka_unit_test(r1_a_copy_of_a_copy),
        cmocka_unit_test(r1_a_large_copy),
        cmocka_unit_test(r1_a_copy_of_all_files),
        cmocka_unit_test(what_was_given_up_is_read_from_the_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
