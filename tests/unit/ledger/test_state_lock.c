// SPDX-License-Identifier: Apache-2.0
/* state_lock: one tallyman at a time, for as long as it lives (design §7). */
#include "ledger/state_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
// cmocka needs those before it
#include <cmocka.h>

#include "scratch.h"

static void assert_private_directory(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_it_makes_the_directory_and_its_parents(void **state)
{
    int fd = -1;
    assert_int_equal(state_lock_acquire(SCRATCH("x/y//z/"), &fd, NULL), 0);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_private_directory(SCRATCH("x"));
    assert_private_directory(SCRATCH("x/y"));
    assert_private_directory(SCRATCH("x/y/z"));
    close(fd);
}

static void test_it_leaves_the_rights_of_a_directory_that_is_there(void **state)
{
    struct stat st;
    int fd = -1;
    assert_int_equal(mkdir(SCRATCH("x"), 0700), 0);
    assert_int_equal(chmod(SCRATCH("x"), 0750), 0);
    assert_int_equal(state_lock_acquire(SCRATCH("x"), &fd, NULL), 0);
    assert_int_equal(stat(SCRATCH("x"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    close(fd);
}

static void test_a_second_one_is_refused_by_name(void **state)
{
    char words[64];
    struct error error = {0};
    int first = -1, second = -1;

    /* A longer pid of an earlier owner must not shine through. */
    scratch_write(SCRATCH("lock"), "99999999999\n", 12);
    assert_int_equal(state_lock_acquire(*state, &first, NULL), 0);
    assert_int_equal(state_lock_acquire(*state, &second, &error), -EBUSY);
    assert_int_equal(second, -1);
    snprintf(words, sizeof(words), "in use by another tallyman, pid %d:", (int)getpid());
    assert_says(&error, *state, words);
    snprintf(words, sizeof(words), "%d\n", (int)getpid());
    assert_int_equal(scratch_size(SCRATCH("lock")), strlen(words));

    close(first);
    assert_int_equal(state_lock_acquire(*state, &second, NULL), 0);
    close(second);
}

/* It dies with the process, however that ends. */
static void test_a_killed_owner_holds_nothing(void **state)
{
    int ready[2], fd = -1;
    char byte;
    struct error error = {0};
    assert_int_equal(pipe(ready), 0);

    pid_t child = fork();
    if (child == 0) {
        int r = state_lock_acquire(*state, &fd, NULL);
        if (write(ready[1], r == 0 ? "y" : "n", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(state_lock_acquire(*state, &fd, &error), -EBUSY);
    char words[64];
    snprintf(words, sizeof(words), "pid %d:", (int)child);
    assert_says(&error, *state, words);

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(state_lock_acquire(*state, &fd, NULL), 0);
    close(fd);
    close(ready[0]);
    close(ready[1]);
}

static void test_what_cannot_be_a_state_directory(void **state)
{
    char *long_path = malloc(5001);
    struct error error = {0};
    int fd = -1;

    scratch_write(SCRATCH("file"), "", 0);
    assert_int_equal(state_lock_acquire(SCRATCH("file"), &fd, &error), -ENOTDIR);
    assert_says(&error, SCRATCH("file"), "is a directory");
    assert_int_equal(state_lock_acquire(SCRATCH("file/below"), &fd, &error), -ENOTDIR);
    assert_says(&error, SCRATCH("file/below"), "make it");
    assert_int_equal(mkdir(SCRATCH("lock"), 0700), 0);
    assert_int_equal(state_lock_acquire(*state, &fd, &error), -EISDIR);
    assert_says(&error, SCRATCH("lock"), "cannot open the lock");

    assert_int_equal(state_lock_acquire("", &fd, &error), -EINVAL);
    memset(long_path, 'x', 5000);
    long_path[5000] = '\0';
    assert_int_equal(state_lock_acquire(long_path, &fd, &error), -ENAMETOOLONG);
    free(long_path);
    assert_int_equal(fd, -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_makes_the_directory_and_its_parents),
        TEST(test_it_leaves_the_rights_of_a_directory_that_is_there),
        TEST(test_a_second_one_is_refused_by_name),
        TEST(test_a_killed_owner_holds_nothing),
        TEST(test_what_cannot_be_a_state_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
