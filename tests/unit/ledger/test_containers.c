// SPDX-License-Identifier: Apache-2.0
/* containers: what the monitor knows of containers, segments and eras survives it (design §6, §7).
 */
#include "ledger/containers.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
// cmocka needs those before it
#include <cmocka.h>

#include "scratch.h"

static struct containers *open_book(const char *path)
{
    struct containers *c = NULL;
    struct error error = {0};
    if (containers_open(&c, path, NULL, 0, &error) < 0)
        fail_msg("%s", error.text);
    return c;
}

/* Everything of one kind, as text, one after the other. */
struct seen {
    char text[2000];
};

static void see(struct seen *seen, const char *format, ...) PRINTF_LIKE(2, 3);
static void see(struct seen *seen, const char *format, ...)
{
    size_t size = strlen(seen->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(seen->text + size, sizeof(seen->text) - size, format, arguments);
    va_end(arguments);
}

static int see_container(void *context, const struct container_row *row)
{
    see(context, "%s=%s@%lld ", row->id, row->record, (long long)row->removed_ns);
    return 0;
}

static int see_segment(void *context, const struct segment_row *row)
{
    see(context, "%llu ", (unsigned long long)row->ref.serial);
    return 0;
}

static int see_era(void *context, const struct era_row *row)
{
    see(context, "%llu:%llu=%s ", (unsigned long long)row->serial, (unsigned long long)row->offset,
        row->record);
    return 0;
}

static void assert_containers(struct containers *c, const char *expected)
{
    struct seen seen = {0};
    assert_int_equal(containers_each(c, see_container, &seen, NULL), 0);
    assert_string_equal(seen.text, expected);
}

static void assert_segments(struct containers *c, const char *id, const char *expected)
{
    struct seen seen = {0};
    assert_int_equal(containers_segments(c, id, see_segment, &seen, NULL), 0);
    assert_string_equal(seen.text, expected);
}

static void assert_eras(struct containers *c, const char *id, const char *expected)
{
    struct seen seen = {0};
    assert_int_equal(containers_eras(c, id, see_era, &seen, NULL), 0);
    assert_string_equal(seen.text, expected);
}

/* Two containers, "a" with segments 1 and 2, "b" with segment 1, both with eras. */
static void fill(struct containers *c)
{
    const struct container_row a = {.id = "a", .record = "{\"a\":1}"};
    const struct container_row b = {.id = "b", .record = "{}", .removed_ns = 9};
    const struct segment_row one = {.ref.serial = 1}, two = {.ref.serial = 2};
    const struct era_row eras[] = {{2, 0, "late"}, {1, 70, "middle"}, {1, 0, "early"}};

    assert_int_equal(containers_begin(c, NULL), 0);
    assert_int_equal(containers_put(c, &a, NULL), 0);
    assert_int_equal(containers_put(c, &b, NULL), 0);
    assert_int_equal(containers_put_segment(c, "a", &two, NULL), 0);
    assert_int_equal(containers_put_segment(c, "a", &one, NULL), 0);
    assert_int_equal(containers_put_segment(c, "b", &one, NULL), 0);
    assert_int_equal(containers_put_eras(c, "a", eras, ARRAY_SIZE(eras), NULL), 0);
    assert_int_equal(containers_put_eras(c, "b", eras, 1, NULL), 0);
    assert_int_equal(containers_commit(c, NULL), 0);
}

static void test_what_was_committed_is_read_in_order(void **state)
{
    struct containers *c = open_book(SCRATCH("c.db"));
    fill(c);
    for (int opening = 0; opening < 2; opening++) {
        assert_containers(c, "a={\"a\":1}@0 b={}@9 ");
        assert_segments(c, "a", "1 2 ");
        assert_segments(c, "b", "1 ");
        assert_segments(c, "c", "");
        assert_eras(c, "a", "1:0=early 1:70=middle 2:0=late ");
        assert_eras(c, "b", "2:0=late ");
        containers_close(c);
        c = open_book(SCRATCH("c.db"));
    }
    containers_close(c);
}

static void test_a_container_is_replaced_and_keeps_its_segments(void **state)
{
    const struct container_row renamed = {.id = "a", .record = "{\"b\":2}", .removed_ns = 5};
    CLEANUP(containers_close) struct containers *c = open_book(SCRATCH("c.db"));
    fill(c);
    assert_int_equal(containers_begin(c, NULL), 0);
    assert_int_equal(containers_put(c, &renamed, NULL), 0);
    assert_int_equal(containers_commit(c, NULL), 0);
    assert_containers(c, "a={\"b\":2}@5 b={}@9 ");
    assert_segments(c, "a", "1 2 ");
    assert_eras(c, "a", "1:0=early 1:70=middle 2:0=late ");
}

static int keep_segment(void *context, const struct segment_row *row)
{
    *(struct segment_row *)context = *row;
    return 7;
}

static void test_every_kind_of_segment_comes_back(void **state)
{
    const struct segment_ref ref = {.serial = 3,
                                    .fingerprint = {UINT64_MAX, UINT64_C(1) << 63},
                                    .file = {UINT64_MAX, UINT64_MAX - 1, INT64_MIN}};
    const struct segment_row rows[] = {
        {.ref = ref},
        {.ref = ref, .gzip = true},
        {.ref = ref, .sealed = true},
        {.ref = ref, .sealed = true, .cut = true},
        {.ref.serial = 3, .hole = true, .reason = GAP_ROTATED, .bytes = GAP_BYTES_UNKNOWN},
        {.ref.serial = 3, .hole = true, .reason = GAP_PIN_QUOTA, .bytes = INT64_MAX},
    };

    CLEANUP(containers_close) struct containers *c = open_book(SCRATCH("c.db"));
    fill(c);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct segment_row found;
        const struct segment_row *row = &rows[i];
        assert_int_equal(containers_begin(c, NULL), 0);
        assert_int_equal(containers_delete_segment(c, "b", 1, NULL), 0);
        assert_int_equal(containers_put_segment(c, "b", row, NULL), 0);
        assert_int_equal(containers_commit(c, NULL), 0);

        assert_int_equal(containers_segments(c, "b", keep_segment, &found, NULL), 7);
        assert_int_equal(found.ref.serial, row->ref.serial);
        assert_true(fingerprint_equal(found.ref.fingerprint, row->ref.fingerprint));
        assert_memory_equal(&found.ref.file, &row->ref.file, sizeof(row->ref.file));
        assert_int_equal(found.gzip, row->gzip);
        assert_int_equal(found.sealed, row->sealed);
        assert_int_equal(found.cut, row->cut);
        assert_int_equal(found.hole, row->hole);
        assert_int_equal(found.reason, row->reason);
        assert_int_equal(found.bytes, row->bytes);
    }
    assert_segments(c, "b", "3 ");
}

static void test_eras_are_replaced_as_a_whole(void **state)
{
    const struct era_row eras[] = {{4, 1, "new"}};
    CLEANUP(containers_close) struct containers *c = open_book(SCRATCH("c.db"));
    fill(c);
    assert_int_equal(containers_begin(c, NULL), 0);
    assert_int_equal(containers_put_eras(c, "a", eras, 1, NULL), 0);
    assert_int_equal(containers_put_eras(c, "b", NULL, 0, NULL), 0);
    assert_int_equal(containers_commit(c, NULL), 0);
    assert_eras(c, "a", "4:1=new ");
    assert_eras(c, "b", "");
}

static void test_a_forgotten_container_leaves_nothing(void **state)
{
    CLEANUP(containers_close) struct containers *c = open_book(SCRATCH("c.db"));
    fill(c);
    assert_int_equal(containers_begin(c, NULL), 0);
    assert_int_equal(containers_delete_segment(c, "a", 1, NULL), 0);
    assert_int_equal(containers_delete_segment(c, "a", 77, NULL), 0);
    assert_int_equal(containers_delete(c, "b", NULL), 0);
    assert_int_equal(containers_delete(c, "never there", NULL), 0);
    assert_int_equal(containers_commit(c, NULL), 0);
    assert_containers(c, "a={\"a\":1}@0 ");
    assert_segments(c, "a", "2 ");
    assert_segments(c, "b", "");
    assert_eras(c, "b", "");

    /* And does not come back with the old ones. */
    const struct container_row again = {.id = "b", .record = "{}"};
    assert_int_equal(containers_begin(c, NULL), 0);
    assert_int_equal(containers_put(c, &again, NULL), 0);
    assert_int_equal(containers_commit(c, NULL), 0);
    assert_segments(c, "b", "");
    assert_eras(c, "b", "");
}

static void test_what_belongs_to_no_container_undoes_the_transaction(void **state)
{
    const struct segment_row segment = {.ref.serial = 1};
    const struct era_row era = {1, 0, "x"};
    struct error error = {0};

    CLEANUP(containers_close) struct containers *c = open_book(SCRATCH("c.db"));
    fill(c);
    for (int call = 0; call < 2; call++) {
        assert_int_equal(containers_begin(c, NULL), 0);
        assert_int_equal(containers_delete(c, "a", NULL), 0);
        int r = call == 0 ? containers_put_segment(c, "c", &segment, &error)
                          : containers_put_eras(c, "c", &era, 1, &error);
        assert_int_equal(r, -ENOENT);
        assert_says(&error, SCRATCH("c.db"), "knows no such container");
        assert_containers(c, "a={\"a\":1}@0 b={}@9 ");
    }
}

static void test_what_is_rolled_back_is_not_there(void **state)
{
    CLEANUP(containers_close) struct containers *c = open_book(SCRATCH("c.db"));
    fill(c);
    assert_int_equal(containers_begin(c, NULL), 0);
    assert_int_equal(containers_delete(c, "a", NULL), 0);
    containers_rollback(c);
    assert_containers(c, "a={\"a\":1}@0 b={}@9 ");
    assert_segments(c, "a", "1 2 ");
}

/* synchronous=NORMAL: what is committed survives the process, without an fsync of ours. */
static void test_r1_what_was_committed_is_there_after_a_kill(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        fill(open_book(SCRATCH("c.db")));
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WTERMSIG(status), SIGKILL);

    CLEANUP(containers_close) struct containers *c = open_book(SCRATCH("c.db"));
    assert_containers(c, "a={\"a\":1}@0 b={}@9 ");
    assert_eras(c, "a", "1:0=early 1:70=middle 2:0=late ");
}

/* After a checkpoint the file is the whole book: its log is not needed. */
static void test_a_checkpoint_brings_everything_into_the_file(void **state)
{
    CLEANUP(containers_close) struct containers *c = open_book(SCRATCH("c.db"));
    fill(c);
    scratch_copy(SCRATCH("c.db"), SCRATCH("before.db"));
    assert_int_equal(containers_checkpoint(c, NULL), 0);
    scratch_copy(SCRATCH("c.db"), SCRATCH("after.db"));

    struct containers *copy = open_book(SCRATCH("before.db"));
    assert_containers(copy, "");
    containers_close(copy);
    copy = open_book(SCRATCH("after.db"));
    assert_containers(copy, "a={\"a\":1}@0 b={}@9 ");
    containers_close(copy);
}

static void test_a_reader_makes_no_book(void **state)
{
    struct containers *c = NULL;
    struct error error = {0};
    assert_int_equal(containers_open(&c, SCRATCH("c.db"), NULL, LEDGER_READ_ONLY, &error), -ENOENT);
    assert_says(&error, SCRATCH("c.db"), "no such book of containers");
    assert_int_equal(scratch_size(SCRATCH("c.db")), -1);

    CLEANUP(containers_close) struct containers *writer = open_book(SCRATCH("c.db"));
    fill(writer);
    CLEANUP(containers_close) struct containers *reader = NULL;
    assert_int_equal(containers_open(&reader, SCRATCH("c.db"), NULL, LEDGER_READ_ONLY, NULL), 0);
    assert_segments(reader, "a", "1 2 ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_committed_is_read_in_order),
        TEST(test_a_container_is_replaced_and_keeps_its_segments),
        TEST(test_every_kind_of_segment_comes_back),
        TEST(test_eras_are_replaced_as_a_whole),
        TEST(test_a_forgotten_container_leaves_nothing),
        TEST(test_what_belongs_to_no_container_undoes_the_transaction),
        TEST(test_what_is_rolled_back_is_not_there),
        TEST(test_r1_what_was_committed_is_there_after_a_kill),
        TEST(test_a_checkpoint_brings_everything_into_the_file),
        TEST(test_a_reader_makes_no_book),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
