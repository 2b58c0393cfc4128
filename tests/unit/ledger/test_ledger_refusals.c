// SPDX-License-Identifier: Apache-2.0
/* ledger: what it will not open, in words that name the file and what to do (R13); and that it
 * never puts anything else in the place of what it refused (design §7). */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
// cmocka needs those before it
#include <cmocka.h>

#include "book.h"
#include "ledger/containers.h"
#include "scratch.h"

enum { PAGE_BYTES = 4096 };

/* A book of some pages, closed in order: one file. */
static void make_book(const char *path)
{
    CLEANUP(ledger_close) struct ledger *l = book_open(path);
    for (int i = 0; i < 40; i++) {
        char id[80];
        snprintf(id, sizeof(id), "%064d", i);
        book_put(l, book_add(l, id), 1);
    }
}

static void assert_refused(const char *path, unsigned flags, int answer, const char *words)
{
    struct ledger *l = NULL;
    struct error error = {0};
    int64_t size = scratch_size(path);

    assert_int_equal(ledger_open(&l, path, NULL, flags, ATTACHED_NS, &error), answer);
    assert_says(&error, path, words);
    assert_null(l);
    assert_int_equal(scratch_size(path), size);
}

static void assert_refused_both_ways(const char *path, int answer, const char *words)
{
    assert_refused(path, 0, answer, words);
    assert_refused(path, LEDGER_READ_ONLY, answer, words);
}

static void test_a_missing_book_is_not_made_by_a_reader(void **state)
{
    assert_refused(SCRATCH("a.db"), LEDGER_READ_ONLY, -ENOENT, "no such ledger");
    assert_int_equal(scratch_size(SCRATCH("a.db")), -1);
}

static void test_a_missing_directory(void **state)
{
    assert_refused_both_ways(SCRATCH("none/a.db"), -ENOENT, "its directory");
}

static void test_a_directory_in_its_place(void **state)
{
    assert_int_equal(mkdir(SCRATCH("a.db"), 0700), 0);
    assert_refused_both_ways(SCRATCH("a.db"), -EISDIR, "cannot be opened");
}

static void test_an_empty_file_is_damage_not_a_beginning(void **state)
{
    scratch_write(SCRATCH("a.db"), "", 0);
    assert_refused_both_ways(SCRATCH("a.db"), -EBADMSG, "damaged");
}

static void test_a_garbage_header(void **state)
{
    char garbage[PAGE_BYTES];
    memset(garbage, 'x', sizeof(garbage));
    scratch_write(SCRATCH("a.db"), garbage, sizeof(garbage));
    assert_refused_both_ways(SCRATCH("a.db"), -EBADMSG, "damaged");
}

static void test_a_book_cut_short(void **state)
{
    make_book(SCRATCH("a.db"));
    assert_int_equal(
        truncate(SCRATCH("a.db"), scratch_size(SCRATCH("a.db")) / PAGE_BYTES / 2 * PAGE_BYTES), 0);
    assert_refused_both_ways(SCRATCH("a.db"), -EBADMSG, "damaged");
}

/* Each page but the first in turn: the beginning of it, which says what it holds. */
static void test_a_flipped_page_is_found_at_open(void **state)
{
    make_book(SCRATCH("whole.db"));
    int64_t pages = scratch_size(SCRATCH("whole.db")) / PAGE_BYTES;
    assert_true(pages > 5);
    for (int64_t page = 1; page < pages; page++) {
        scratch_copy(SCRATCH("whole.db"), SCRATCH("a.db"));
        int fd = open(SCRATCH("a.db"), O_RDWR);
        unsigned char bytes[8];
        assert_int_equal(pread(fd, bytes, sizeof(bytes), page * PAGE_BYTES), sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] ^= 0xff;
        assert_int_equal(pwrite(fd, bytes, sizeof(bytes), page * PAGE_BYTES), sizeof(bytes));
        close(fd);
        assert_refused(SCRATCH("a.db"), 0, -EBADMSG, "damaged");
    }
}

static int ignore_source(void *context, const struct ledger_source *s)
{
    return 0;
}

/* One flipped bit in a word that decides where reading goes on. No check of pages finds that. */
static void test_a_flipped_bit_in_a_position_is_found_by_its_reader(void **state)
{
    make_book(SCRATCH("a.db"));
    int64_t size = scratch_size(SCRATCH("a.db"));
    char *bytes = malloc((size_t)size);
    int fd = open(SCRATCH("a.db"), O_RDWR);
    assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
    /* The last source's id, and after it the name, which is the same, and the position "at". */
    const char *word = memmem(bytes, (size_t)size, "39at", 4);
    assert_non_null(word);
    assert_int_equal(pwrite(fd, "au", 2, word + 2 - bytes), 2);
    close(fd);
    free(bytes);

    struct error error = {0};
    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    assert_int_equal(ledger_sources(l, ignore_source, NULL, &error), -EBADMSG);
    assert_says(&error, SCRATCH("a.db"), "damaged");
}

static void test_somebody_elses_database(void **state)
{
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(SCRATCH("a.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_refused_both_ways(SCRATCH("a.db"), -EINVAL, "something else's");
}

static void test_a_book_of_another_kind(void **state)
{
    struct containers *c = NULL;
    assert_int_equal(containers_open(&c, SCRATCH("a.db"), NULL, 0, NULL), 0);
    containers_close(c);
    assert_refused_both_ways(SCRATCH("a.db"), -EINVAL, "no ledger of tallyman");
}

static void test_a_newer_schema(void **state)
{
    sqlite3 *newer = NULL;
    make_book(SCRATCH("a.db"));
    assert_int_equal(sqlite3_open(SCRATCH("a.db"), &newer), SQLITE_OK);
    assert_int_equal(sqlite3_exec(newer, "PRAGMA user_version = 1000", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(newer);
    assert_refused_both_ways(SCRATCH("a.db"), -ENOTSUP, "newer tallyman");
}

/* Laid beside a new book, the old log would be taken for its own. */
static void test_a_log_without_its_book(void **state)
{
    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("live.db"));
    book_add(l, "a");
    scratch_copy(SCRATCH("live.db-wal"), SCRATCH("a.db-wal"));
    assert_refused(SCRATCH("a.db"), 0, -EBADMSG, "put both back");
}

/* Runs `what` as somebody without rights, where we are root. */
static void as_nobody(void (*what)(const char *path), const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
            _exit(2);
        what(path);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void expect(const char *path, unsigned flags, const char *words)
{
    struct ledger *l = NULL;
    struct error error = {0};
    int r = ledger_open(&l, path, NULL, flags, ATTACHED_NS, &error);
    if (r != -EACCES || !strstr(error.text, path) || !strstr(error.text, words)) {
        fprintf(stderr, "%d: %s\n", r, error.text);
        _exit(1);
    }
}

static void expect_no_reading(const char *path)
{
    expect(path, LEDGER_READ_ONLY, "give it rights");
}

static void expect_no_writing(const char *path)
{
    expect(path, 0, "give it rights");
}

static void test_a_file_without_rights(void **state)
{
    assert_int_equal(chmod(*state, 0755), 0);
    make_book(SCRATCH("a.db"));
    assert_int_equal(chmod(SCRATCH("a.db"), 0), 0);
    as_nobody(expect_no_reading, SCRATCH("a.db"));
    as_nobody(expect_no_writing, SCRATCH("a.db"));
    assert_int_equal(chmod(SCRATCH("a.db"), 0444), 0);
    as_nobody(expect_no_writing, SCRATCH("a.db"));
    /* SQLite would open it, for reading only. */
    assert_int_equal(chmod(*state, 0777), 0);
    as_nobody(expect_no_writing, SCRATCH("a.db"));
}

static void test_a_directory_without_rights(void **state)
{
    assert_int_equal(chmod(*state, 0555), 0);
    as_nobody(expect_no_writing, SCRATCH("a.db"));
    assert_int_equal(chmod(*state, 0755), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_missing_book_is_not_made_by_a_reader),
        TEST(test_a_missing_directory),
        TEST(test_a_directory_in_its_place),
        TEST(test_an_empty_file_is_damage_not_a_beginning),
        TEST(test_a_garbage_header),
        TEST(test_a_book_cut_short),
        TEST(test_a_flipped_page_is_found_at_open),
        TEST(test_a_flipped_bit_in_a_position_is_found_by_its_reader),
        TEST(test_somebody_elses_database),
        TEST(test_a_book_of_another_kind),
        TEST(test_a_newer_schema),
        TEST(test_a_log_without_its_book),
        TEST(test_a_file_without_rights),
        TEST(test_a_directory_without_rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
