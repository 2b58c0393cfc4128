// SPDX-License-Identifier: Apache-2.0
/* crash_shim: what the tests of crashes stand on. It finds every call, dies exactly there, and
 * leaves the rest of the program alone. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
// cmocka needs those before it
#include <cmocka.h>

#include "base/cleanup.h"
#include "scratch.h"

enum { CALLS_OF_SUBJECT = 15 };

/* What the subject calls once each, but for write; `pwrite` and `ftruncate` under either name. */
static const char *const functions[] = {"write",     "fsync",  "pwrite",   "ftruncate",
                                        "fdatasync", "rename", "renameat", "renameat2",
                                        "link",      "linkat", "unlink",   "unlinkat"};

/* Runs the subject under the shim with up to two settings, "NAME=value". Answers waitpid's status.
 */
static int run(const char *directory, const char *database, char *setting, char *other)
{
    pid_t child = fork();
    if (child == 0) {
        char preload[SCRATCH_PATH_MAX + 16];
        snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", getenv("CRASH_SHIM"));
        const char *subject = getenv("CRASH_SHIM_SUBJECT");
        char *environment[] = {preload, setting, setting ? other : NULL, NULL};
        char *arguments[] = {(char *)subject, (char *)directory, (char *)database, NULL};
        if (!freopen("/dev/null", "w", stderr))
            _exit(126);
        execve(subject, arguments, environment);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assert_killed(int status)
{
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void assert_ended(int status, int expected)
{
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), expected);
}

struct listed {
    char text[256];
    unsigned long count;
};

struct list {
    struct listed items[64];
    size_t count;
};

/* The call sites of a run with everything. */
static struct list list_sites(const char *directory, const char *database)
{
    char setting[SCRATCH_PATH_MAX + 32];
    struct list list = {0};

    snprintf(setting, sizeof(setting), "CRASH_SHIM_LIST=%s/list", directory);
    assert_ended(run(directory, database, setting, NULL), 0);
    CLEANUP(fclose) FILE *file = fopen(strchr(setting, '=') + 1, "r");
    assert_non_null(file);
    for (struct listed *item = list.items; fscanf(file, "%255s %lu", item->text, &item->count) == 2;
         item++)
        list.count++;
    return list;
}

/* The next site of that function, after `from`; NULL where there is none. */
static struct listed *find_site(struct list *list, const char *function, const char *module,
                                size_t from)
{
    for (size_t i = from; i < list->count; i++) {
        const char *colon = strchr(list->items[i].text, ':');
        size_t size = strlen(function);
        bool same = strncmp(list->items[i].text, function, size) == 0 &&
                    (list->items[i].text + size == colon || strncmp(colon - 2, "64", 2) == 0);
        if (same && strstr(colon, module))
            return &list->items[i];
    }
    return NULL;
}

static void test_it_lists_every_call_site_with_its_count(void **state)
{
    struct list list = list_sites(*state, NULL);
    unsigned long calls = 0;

    for (size_t i = 0; i < list.count; i++)
        calls += list.items[i].count;
    assert_int_equal(calls, CALLS_OF_SUBJECT);
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
        struct listed *site = find_site(&list, functions[i], "crash_shim_subject+0x", 0);
        assert_non_null(site);
        assert_int_equal(site->count, strcmp(functions[i], "write") == 0 ? 3 : 1);
    }
    struct listed *file = find_site(&list, "fsync", "", 0);
    assert_non_null(find_site(&list, "fsync", "", (size_t)(file - list.items) + 1));
}

static void test_it_sees_what_sqlite_calls(void **state)
{
    struct list list = list_sites(*state, "data.db");
    assert_non_null(find_site(&list, "pwrite", "libsqlite3", 0));
    assert_non_null(find_site(&list, "fdatasync", "libsqlite3", 0));
    assert_non_null(find_site(&list, "unlink", "libsqlite3", 0));
}

static void test_it_dies_at_the_call_before_after_or_in_its_midst(void **state)
{
    struct list list = list_sites(*state, NULL);
    char setting[300];
    snprintf(setting, sizeof(setting), "CRASH_SHIM_SITE=%s:2",
             find_site(&list, "write", "", 0)->text);

    assert_killed(run(*state, NULL, setting, NULL));
    assert_int_equal(scratch_size(SCRATCH("a")), 10);
    assert_killed(run(*state, NULL, setting, "CRASH_SHIM_AFTER=1"));
    assert_int_equal(scratch_size(SCRATCH("a")), 20);
    assert_killed(run(*state, NULL, setting, "CRASH_SHIM_TORN=1"));
    assert_int_equal(scratch_size(SCRATCH("a")), 15);

    /* A site that is called less often than that is never reached. */
    setting[strlen(setting) - 1] = '4';
    assert_ended(run(*state, NULL, setting, NULL), 0);
}

static void test_it_dies_at_each_call_site(void **state)
{
    struct list list = list_sites(*state, "data.db");
    char setting[300], database[32];

    for (size_t i = 0; i < list.count; i++) {
        snprintf(setting, sizeof(setting), "CRASH_SHIM_SITE=%s:1", list.items[i].text);
        snprintf(database, sizeof(database), "data-%zu.db", i);
        assert_killed(run(*state, database, setting, NULL));
    }
}

static void test_it_dies_at_the_nth_call_of_all(void **state)
{
    char setting[64];

    for (int nth = 1; nth <= CALLS_OF_SUBJECT; nth++) {
        snprintf(setting, sizeof(setting), "CRASH_SHIM_NTH=%d", nth);
        assert_killed(run(*state, NULL, setting, "CRASH_SHIM_AFTER=1"));
        assert_killed(run(*state, NULL, setting, NULL));
        assert_int_equal(scratch_size(SCRATCH("a")), nth < 4 ? 10 * (nth - 1) : 30);
    }
    snprintf(setting, sizeof(setting), "CRASH_SHIM_NTH=%d", CALLS_OF_SUBJECT + 1);
    assert_ended(run(*state, NULL, setting, NULL), 0);
}

static void test_it_lets_calls_fail(void **state)
{
    assert_ended(run(*state, NULL, "CRASH_SHIM_FAIL=write:ENOSPC:2:1", NULL), ENOSPC);
    assert_int_equal(scratch_size(SCRATCH("a")), 20);
    assert_ended(run(*state, NULL, "CRASH_SHIM_FAIL=write:122:2:0", NULL), 122);
    assert_int_equal(scratch_size(SCRATCH("a")), 10);
    assert_ended(run(*state, NULL, "CRASH_SHIM_FAIL=fdatasync:EIO:1:1", NULL), EIO);
    assert_ended(run(*state, NULL, "CRASH_SHIM_FAIL=fdatasync:EIO:2:1", NULL), 0);
    assert_ended(run(*state, NULL, "CRASH_SHIM_FAIL=any:EACCES:1:3", NULL), EACCES);
    assert_int_equal(scratch_size(SCRATCH("a")), 0);
}

static void test_it_looks_only_at_the_paths_it_is_told(void **state)
{
    char path[SCRATCH_PATH_MAX + 32];

    snprintf(path, sizeof(path), "CRASH_SHIM_PATH=%s/b", (const char *)*state);
    assert_ended(run(*state, NULL, "CRASH_SHIM_FAIL=any:EIO:1:0", path), EIO);
    assert_int_equal(scratch_size(SCRATCH("a")), 30);
    assert_int_equal(scratch_size(SCRATCH("e")), 0);

    assert_killed(run(*state, NULL, "CRASH_SHIM_NTH=1", "CRASH_SHIM_PATH=second-link"));
    assert_int_equal(scratch_size(SCRATCH("f")), 20);
    assert_int_equal(scratch_size(SCRATCH("second-link")), -1);
}

static void test_what_it_does_not_understand_is_no_passed_test(void **state)
{
    char *const settings[] = {"CRASH_SHIM_NTH=x",      "CRASH_SHIM_NTH=-1",
                              "CRASH_SHIM_SITE=write", "CRASH_SHIM_FAIL=write:EWHAT:1:1",
                              "CRASH_SHIM_FAIL=write", "CRASH_SHIM_LIST=/no/such/directory"};
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        int status = run(*state, NULL, settings[i], NULL);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_lists_every_call_site_with_its_count),
        TEST(test_it_sees_what_sqlite_calls),
        TEST(test_it_dies_at_the_call_before_after_or_in_its_midst),
        TEST(test_it_dies_at_each_call_site),
        TEST(test_it_dies_at_the_nth_call_of_all),
        TEST(test_it_lets_calls_fail),
        TEST(test_it_looks_only_at_the_paths_it_is_told),
        TEST(test_what_it_does_not_understand_is_no_passed_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
