// SPDX-License-Identifier: Apache-2.0
/* ledger: what a full or failing disk does to it. Nothing that was committed is lost, nothing that
 * failed comes back, and it goes on when the disk does (R1; design §7: a failed commit counts as a
 * crash of that route). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
// cmocka needs those before it
#include <cmocka.h>

#include "book.h"
#include "failing_vfs.h"
#include "scratch.h"

static struct failing_vfs disk;

static int setup(void **state)
{
    failing_vfs_register(&disk);
    return scratch_make(state);
}

static int teardown(void **state)
{
    failing_vfs_unregister(&disk);
    return scratch_remove(state);
}

static struct ledger *open_on(const char *vfs, const char *path)
{
    struct ledger *l = NULL;
    assert_int_equal(ledger_open(&l, path, vfs, 0, ATTACHED_NS, NULL), 0);
    return l;
}

static void full_disk(int allowed)
{
    disk.code = SQLITE_FULL;
    disk.system_errno = ENOSPC;
    disk.allowed = allowed;
    disk.failing = FAIL_WRITE;
}

static void failing_sync(void)
{
    disk.code = SQLITE_IOERR_FSYNC;
    disk.system_errno = EIO;
    disk.allowed = 0;
    disk.failing = FAIL_SYNC;
}

/* Puts offset 2 where 1 is committed, up to the commit. */
static void put_two(struct ledger *l, uint32_t key)
{
    struct cursor cursor = book_cursor(2);
    struct tally tally = book_tally(2);
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_put_source(l, key, &cursor, &tally, NULL), 0);
}

static void test_a_full_disk_at_commit_undoes_it(void **state)
{
    struct error error = {0};

    struct ledger *l = open_on(FAILING_VFS, SCRATCH("a.db"));
    uint32_t key = book_add(l, "a");
    book_put(l, key, 1);

    put_two(l, key);
    full_disk(0);
    assert_int_equal(ledger_commit(l, &error), -ENOSPC);
    assert_says(&error, SCRATCH("a.db"), "no space left");

    /* Recovery needs no space: outputs that are cut back may be what makes room. */
    assert_int_equal(book_offset(l, "a"), 1);
    disk.failing = FAIL_NOTHING;
    book_put(l, key, 3);
    assert_int_equal(book_offset(l, "a"), 3);
    ledger_close(l);
}

/* A transaction that does not fit into the cache is written before its commit. */
static void test_a_full_disk_at_a_put_undoes_the_transaction(void **state)
{
    struct error error = {0};
    struct gap gap = {.reason = GAP_TORN};
    struct cursor cursor = book_cursor(2);
    struct tally tally = book_tally(2);
    int r = 0;

    struct ledger *l = open_on(FAILING_VFS, SCRATCH("a.db"));
    uint32_t key = book_add(l, "a");
    book_put(l, key, 1);

    put_two(l, key);
    full_disk(10);
    for (int i = 0; r == 0 && i < LEDGER_GAPS_MAX; i++)
        r = ledger_put_gap(l, key, &gap, i, &error);
    assert_int_equal(r, -ENOSPC);
    assert_says(&error, SCRATCH("a.db"), "no space left");
    assert_int_equal(ledger_put_source(l, key, &cursor, &tally, &error), -EINVAL);
    assert_int_equal(ledger_commit(l, &error), -EINVAL);

    disk.failing = FAIL_NOTHING;
    assert_int_equal(book_offset(l, "a"), 1);
    book_put(l, key, 3);
    assert_int_equal(book_offset(l, "a"), 3);
    ledger_close(l);
}

static int ignore_output(void *context, const struct ledger_output *o)
{
    return 0;
}

static int ignore_source(void *context, const struct ledger_source *s)
{
    return 0;
}

static int ignore_gap(void *context, const struct ledger_gap *g)
{
    return 0;
}

/* A commit whose fsync failed stands in the log, whole. It must not come back to life after a kill,
 * when the caller has long cut its outputs back. */
static void test_a_commit_that_failed_stays_undone_after_a_kill(void **state)
{
    struct error error = {0};
    struct tally total;

    struct ledger *l = open_on(FAILING_VFS, SCRATCH("a.db"));
    uint32_t key = book_add(l, "a");
    book_put(l, key, 1);

    put_two(l, key);
    failing_sync();
    assert_int_equal(ledger_commit(l, &error), -EIO);
    assert_says(&error, SCRATCH("a.db"), "the disk failed");

    /* Nothing is vouched for until the disk lets us make sure. */
    assert_int_equal(ledger_sources(l, ignore_source, NULL, &error), -EIO);
    assert_int_equal(ledger_find(l, "a", ignore_source, NULL, &error), -EIO);
    assert_int_equal(ledger_outputs(l, ignore_output, NULL, &error), -EIO);
    assert_int_equal(ledger_gaps(l, ignore_gap, NULL, &error), -EIO);
    assert_int_equal(ledger_total(l, &total, &error), -EIO);
    assert_int_equal(ledger_begin(l, &error), -EIO);

    disk.failing = FAIL_NOTHING;
    assert_int_equal(book_offset(l, "a"), 1);
    scratch_copy_book(SCRATCH("a.db"), SCRATCH("killed.db"));
    struct ledger *killed = book_open(SCRATCH("killed.db"));
    assert_int_equal(book_offset(killed, "a"), 1);

    ledger_close(killed);
    ledger_close(l);
}

static void test_r1_folding_on_a_full_disk_changes_nothing(void **state)
{
    struct tally before, after;
    uint64_t folded = 77;

    struct ledger *l = open_on(FAILING_VFS, SCRATCH("a.db"));
    uint32_t key = book_add(l, "a");
    book_put(l, key, 5);
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_put_removed(l, key, 1, NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);
    assert_int_equal(ledger_total(l, &before, NULL), 0);

    full_disk(0);
    assert_int_equal(ledger_fold(l, 2, &folded, NULL), -ENOSPC);
    assert_int_equal(folded, 77);

    disk.failing = FAIL_NOTHING;
    assert_int_equal(book_source_count(l), 1);
    assert_int_equal(ledger_total(l, &after, NULL), 0);
    assert_memory_equal(&after, &before, sizeof(after));
    assert_int_equal(ledger_fold(l, 2, &folded, NULL), 0);
    assert_int_equal(folded, 1);
    ledger_close(l);
}

/* Whichever write of the making of a book fails, none is left behind, and the next start makes it.
 */
static void test_a_full_disk_leaves_no_half_made_book(void **state)
{
    struct error error = {0};
    struct ledger *l = NULL;
    int allowed = 0, r;

    do {
        full_disk(allowed++);
        r = ledger_open(&l, SCRATCH("a.db"), FAILING_VFS, 0, ATTACHED_NS, &error);
        if (r < 0) {
            assert_int_equal(r, -ENOSPC);
            assert_says(&error, SCRATCH("a.db"), "no space left");
            assert_int_equal(scratch_size(SCRATCH("a.db.new")), -1);
        }
    } while (r < 0 && allowed < 1000);
    assert_int_equal(r, 0);
    assert_true(allowed > 5);

    disk.failing = FAIL_NOTHING;
    assert_int_equal(ledger_attached_ns(l), ATTACHED_NS);
    book_add(l, "a");
    ledger_close(l);
}

static void test_a_disk_that_cannot_be_read_is_said(void **state)
{
    struct error error = {0};
    struct ledger *l = NULL;

    ledger_close(book_open(SCRATCH("a.db")));
    disk.code = SQLITE_IOERR_READ;
    disk.system_errno = EIO;
    disk.failing = FAIL_READ;
    assert_int_equal(ledger_open(&l, SCRATCH("a.db"), FAILING_VFS, 0, 0, &error), -EIO);
    assert_says(&error, SCRATCH("a.db"), "the disk failed");
    assert_null(l);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_full_disk_at_commit_undoes_it),
        TEST(test_a_full_disk_at_a_put_undoes_the_transaction),
        TEST(test_a_commit_that_failed_stays_undone_after_a_kill),
        TEST(test_r1_folding_on_a_full_disk_changes_nothing),
        TEST(test_a_full_disk_leaves_no_half_made_book),
        TEST(test_a_disk_that_cannot_be_read_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
