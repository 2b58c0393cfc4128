// SPDX-License-Identifier: Apache-2.0
/* ledger: verbs read it beside the running daemon, after a kill, and from where they may not write
 * (design §7). */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
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
#include "scratch.h"

static void test_a_reader_beside_the_writer(void **state)
{
    struct cursor cursor = book_cursor(3);
    struct tally tally = book_tally(3);

    CLEANUP(ledger_close) struct ledger *writer = book_open(SCRATCH("a.db"));
    uint32_t key = book_add(writer, "a");
    CLEANUP(ledger_close) struct ledger *reader = book_open_to_read(SCRATCH("a.db"));
    book_put(writer, key, 2);
    assert_int_equal(book_offset(reader, "a"), 2);

    assert_int_equal(ledger_begin(writer, NULL), 0);
    assert_int_equal(ledger_put_source(writer, key, &cursor, &tally, NULL), 0);
    assert_int_equal(book_offset(reader, "a"), 2);
    assert_int_equal(ledger_commit(writer, NULL), 0);
    assert_int_equal(book_offset(reader, "a"), 3);
}

struct pair_of_books {
    struct ledger *writer;
    uint32_t key;
};

static int write_meanwhile(void *context, const struct ledger_source *s)
{
    struct pair_of_books *pair = context;
    book_put(pair->writer, pair->key, s->cursor.offset + 1);
    return 0;
}

static void test_a_reader_in_its_midst_holds_no_writer_up(void **state)
{
    CLEANUP(ledger_close) struct ledger *writer = book_open(SCRATCH("a.db"));
    struct pair_of_books pair = {writer, book_add(writer, "a")};
    CLEANUP(ledger_close) struct ledger *reader = book_open_to_read(SCRATCH("a.db"));
    assert_int_equal(ledger_sources(reader, write_meanwhile, &pair, NULL), 0);
    assert_int_equal(book_offset(writer, "a"), 1);
}

static void test_a_reader_cannot_write(void **state)
{
    struct error error = {0};
    struct cursor beginning = CURSOR_INIT;
    uint32_t key;

    ledger_close(book_open(SCRATCH("a.db")));
    CLEANUP(ledger_close) struct ledger *reader = book_open_to_read(SCRATCH("a.db"));
    int r = ledger_begin(reader, &error);
    if (r == 0)
        r = ledger_add_source(reader, "a", "", &beginning, &key, &error);
    assert_int_equal(r, -EACCES);
    assert_says(&error, SCRATCH("a.db"), "may not use");
}

/* A writer that commits and is killed: its log and shared memory stay. */
static void kill_a_writer(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        struct ledger *l = book_open(path);
        book_put(l, book_add(l, "a"), 5);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void test_r1_what_was_committed_is_there_after_a_kill(void **state)
{
    kill_a_writer(SCRATCH("a.db"));
    assert_true(scratch_size(SCRATCH("a.db-wal")) > 0);
    struct ledger *l = book_open_to_read(SCRATCH("a.db"));
    assert_int_equal(book_offset(l, "a"), 5);
    ledger_close(l);
    l = book_open(SCRATCH("a.db"));
    assert_int_equal(book_offset(l, "a"), 5);
    ledger_close(l);
}

/* Reads as somebody who may only read, and answers whether that went as `expected`. */
static void read_as_nobody(const char *path, int expected)
{
    pid_t child = fork();
    if (child == 0) {
        struct ledger *l = NULL;
        struct error error = {0};
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
            _exit(2);
        int r = ledger_open(&l, path, NULL, LEDGER_READ_ONLY, 0, &error);
        if (r != expected)
            fprintf(stderr, "%d: %s\n", r, error.text);
        _exit(r != expected || (r == 0 && book_offset(l, "a") != 5));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_a_reader_that_may_not_write_the_directory(void **state)
{
    /* After a kill, with log and shared memory. */
    kill_a_writer(SCRATCH("a#%?.db"));
    assert_int_equal(chmod(*state, 0555), 0);
    read_as_nobody(SCRATCH("a#%?.db"), 0);

    /* Without the shared memory there is no way in. */
    assert_int_equal(chmod(*state, 0755), 0);
    scratch_copy_book(SCRATCH("a#%?.db"), SCRATCH("b.db"));
    assert_int_equal(chmod(*state, 0555), 0);
    read_as_nobody(SCRATCH("b.db"), -EACCES);

    /* After an orderly end there is only the file. */
    assert_int_equal(chmod(*state, 0755), 0);
    ledger_close(book_open(SCRATCH("a#%?.db")));
    assert_int_equal(scratch_size(SCRATCH("a#%?.db-wal")), -1);
    assert_int_equal(chmod(*state, 0555), 0);
    read_as_nobody(SCRATCH("a#%?.db"), 0);
    assert_int_equal(chmod(*state, 0755), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_reader_beside_the_writer),
        TEST(test_a_reader_in_its_midst_holds_no_writer_up),
        TEST(test_a_reader_cannot_write),
        TEST(test_r1_what_was_committed_is_there_after_a_kill),
        TEST(test_a_reader_that_may_not_write_the_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
