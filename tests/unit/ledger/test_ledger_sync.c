// SPDX-License-Identifier: Apache-2.0
/* ledger: when a commit is on the disk, and what a power cut leaves of those that are not (R1, R7).
 */
#include "ledger/letters.h"

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

#define ID "4749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"

static struct failing_vfs disk;

static int setup(void **state)
{
    failing_vfs_register(&disk);
    disk.remembers = true;
    return scratch_make(state);
}

static int teardown(void **state)
{
    failing_vfs_unregister(&disk);
    return scratch_remove(state);
}

static struct ledger *open_with(const char *path, unsigned flags)
{
    struct ledger *l = NULL;
    assert_int_equal(ledger_open(&l, path, FAILING_VFS, flags, ATTACHED_NS, NULL), 0);
    return l;
}

static void sync_book(struct ledger *l)
{
    struct error error = {0};
    if (ledger_sync(l, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(ledger_is_synced(l));
}

static void put_letter(struct ledger *l, uint32_t key)
{
    struct container *c = NULL;
    struct pairs rendered = {NULL, 0};
    assert_int_equal(container_restore(&c, ID, "a", &rendered, false), 0);
    struct ledger_letter letter = {.source = key,
                                   .refused_ns = 1,
                                   .reason = "bad",
                                   .answer = "HTTP 400",
                                   .form = FORM_BYTES,
                                   .message = SPAN("refused"),
                                   .container = c};
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_put_letter(l, &letter, NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);
    container_unref(c);
}

static uint64_t count_letters(struct ledger *l)
{
    uint64_t count, bytes;
    assert_int_equal(ledger_letter_sums(l, &count, &bytes, NULL), 0);
    return count;
}

/* The offset of "a" in the copy of a book, which is whole. */
static uint64_t offset_in(const char *path, uint64_t *ret_letters)
{
    struct ledger *l = book_open(path);
    uint64_t offset = book_offset(l, "a");
    if (ret_letters)
        *ret_letters = count_letters(l);
    ledger_close(l);
    return offset;
}

/* Where cursors must agree with outputs nothing is left for later. */
static void test_r1_each_commit_waits_for_the_disk(void **state)
{
    struct ledger *l = open_with(SCRATCH("a.db"), 0);
    uint32_t key = book_add(l, "a");
    unsigned before = disk.log_syncs;
    for (uint64_t i = 1; i <= 20; i++) {
        book_put(l, key, i);
        assert_true(ledger_is_synced(l));
        failing_vfs_copy_after_cut(SCRATCH("a.db"), SCRATCH("cut.db"));
        assert_int_equal(offset_in(SCRATCH("cut.db"), NULL), i);
    }
    assert_int_equal(disk.log_syncs - before, 20);
    before = disk.log_syncs;
    sync_book(l);
    assert_int_equal(disk.log_syncs, before);
    ledger_close(l);
}

static void test_commits_that_are_synced_later_do_not_wait(void **state)
{
    struct ledger *l = open_with(SCRATCH("a.db"), LEDGER_SYNC_LATER);
    uint32_t key = book_add(l, "a");
    sync_book(l);
    unsigned log = disk.log_syncs, other = disk.other_syncs;
    for (uint64_t i = 1; i <= 100; i++)
        book_put(l, key, i);
    assert_false(ledger_is_synced(l));
    assert_int_equal(disk.log_syncs, log);
    sync_book(l);
    sync_book(l);
    assert_int_equal(disk.log_syncs, log + 1);
    assert_int_equal(disk.other_syncs, other);
    ledger_close(l);
}

/* The cursor and the dead letters beside it go back together. */
static void test_r7_a_power_cut_goes_back_to_the_last_sync(void **state)
{
    uint64_t letters;
    struct ledger *l = open_with(SCRATCH("a.db"), LEDGER_SYNC_LATER);
    uint32_t key = book_add(l, "a");
    book_put(l, key, 1);
    sync_book(l);
    book_put(l, key, 2);
    put_letter(l, key);
    book_put(l, key, 3);

    failing_vfs_copy_after_cut(SCRATCH("a.db"), SCRATCH("cut.db"));
    assert_int_equal(offset_in(SCRATCH("cut.db"), &letters), 1);
    assert_int_equal(letters, 0);
    scratch_copy_book(SCRATCH("a.db"), SCRATCH("killed.db")); /* a death of ours undoes nothing */
    assert_int_equal(offset_in(SCRATCH("killed.db"), &letters), 3);
    assert_int_equal(letters, 1);

    sync_book(l);
    failing_vfs_copy_after_cut(SCRATCH("a.db"), SCRATCH("cut.db"));
    assert_int_equal(offset_in(SCRATCH("cut.db"), &letters), 3);
    assert_int_equal(letters, 1);
    ledger_close(l);
}

/* What a cut leaves of either file may be newer than its last sync. */
static void copy_after_mixed_cut(void **state, bool old_file, bool old_log)
{
    failing_vfs_copy_after_cut(SCRATCH("a.db"), SCRATCH("cut.db"));
    if (!old_file)
        scratch_copy(SCRATCH("a.db"), SCRATCH("cut.db"));
    if (!old_log)
        scratch_copy(SCRATCH("a.db-wal"), SCRATCH("cut.db-wal"));
}

/* The log is copied into the file several times over meanwhile. */
static void test_r1_a_power_cut_leaves_a_whole_book_whenever_it_comes(void **state)
{
    enum { COMMITS = 5000, CUT_EACH = 499 };
    uint64_t synced = 0;
    struct ledger *l = open_with(SCRATCH("a.db"), LEDGER_SYNC_LATER);
    uint32_t key = book_add(l, "a");
    sync_book(l);
    unsigned before = disk.other_syncs;
    for (uint64_t i = 1; i <= COMMITS; i++) {
        book_put(l, key, i);
        if (i % 1000 == 0) {
            sync_book(l);
            synced = i;
        }
        if (i % CUT_EACH)
            continue;
        for (unsigned kept = 0; kept < 4; kept++) {
            copy_after_mixed_cut(state, kept & 1, kept & 2);
            uint64_t offset = offset_in(SCRATCH("cut.db"), NULL);
            assert_in_range(offset, synced, i);
        }
    }
    assert_in_range(disk.other_syncs - before, 1, COMMITS / 100);
    ledger_close(l);
}

static void test_an_orderly_end_leaves_nothing_behind(void **state)
{
    struct ledger *l = open_with(SCRATCH("a.db"), LEDGER_SYNC_LATER);
    book_put(l, book_add(l, "a"), 7);
    ledger_close(l);
    failing_vfs_copy_after_cut(SCRATCH("a.db"), SCRATCH("cut.db"));
    assert_int_equal(offset_in(SCRATCH("cut.db"), NULL), 7);
}

static void test_a_sync_that_fails_is_said_and_tried_again(void **state)
{
    struct error error = {0};
    struct ledger *l = open_with(SCRATCH("a.db"), LEDGER_SYNC_LATER);
    uint32_t key = book_add(l, "a");
    book_put(l, key, 1);
    disk.failing = FAIL_SYNC;
    disk.code = SQLITE_IOERR_FSYNC;
    assert_int_equal(ledger_sync(l, &error), -EIO);
    assert_says(&error, SCRATCH("a.db"), "the disk failed");
    assert_false(ledger_is_synced(l));
    assert_int_equal(book_offset(l, "a"), 1);

    disk.failing = FAIL_NOTHING;
    sync_book(l);
    failing_vfs_copy_after_cut(SCRATCH("a.db"), SCRATCH("cut.db"));
    assert_int_equal(offset_in(SCRATCH("cut.db"), NULL), 1);
    ledger_close(l);
}

/* R13: who gave letters up was told so. */
static void test_r13_letters_that_were_given_up_do_not_come_back(void **state)
{
    uint64_t letters;
    struct ledger *l = open_with(SCRATCH("a.db"), LEDGER_SYNC_LATER);
    uint32_t key = book_add(l, "a");
    book_put(l, key, 1);
    put_letter(l, key);
    sync_book(l);
    assert_int_equal(ledger_drop_letters(l, &(struct ledger_letter_filter){0}, &letters, NULL), 0);
    assert_int_equal(letters, 1);
    failing_vfs_copy_after_cut(SCRATCH("a.db"), SCRATCH("cut.db"));
    assert_int_equal(offset_in(SCRATCH("cut.db"), &letters), 1);
    assert_int_equal(letters, 0);
    ledger_close(l);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_r1_each_commit_waits_for_the_disk),
        TEST(test_commits_that_are_synced_later_do_not_wait),
        TEST(test_r7_a_power_cut_goes_back_to_the_last_sync),
        TEST(test_r1_a_power_cut_leaves_a_whole_book_whenever_it_comes),
        TEST(test_an_orderly_end_leaves_nothing_behind),
        TEST(test_a_sync_that_fails_is_said_and_tried_again),
        TEST(test_r13_letters_that_were_given_up_do_not_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
