// SPDX-License-Identifier: Apache-2.0
/* letters: what a sink refused is kept whole, once, with the sums it moves (R1, R13). */
#include "ledger/letters.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
// cmocka needs those before it
#include <cmocka.h>

#include "book.h"
#include "scratch.h"

#define ID_A "4749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"
#define ID_B "0000f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"

static struct container *container_of(const char *id, const char *name, bool tty)
{
    struct pair labels[] = {{"container_name", name}, {"a_quote", "\"\\\n\xc3\xa4"}, {"state", ""}};
    struct pairs rendered = {labels, ARRAY_SIZE(labels)};
    struct container *c = NULL;
    assert_int_equal(container_restore(&c, id, name, &rendered, tty), 0);
    return c;
}

static void assert_same_container(const struct container *a, const struct container *b)
{
    assert_true(container_renders_same(a, b));
    assert_int_equal(a->rendered.count, b->rendered.count);
}

static struct ledger_letter letter_of(const struct container *c, uint32_t source, uint64_t offset)
{
    return (struct ledger_letter){.source = source,
                                  .refused_ns = 1000 + (int64_t)offset,
                                  .reason = "too_old",
                                  .answer = "http://x: HTTP 400: entry too far behind",
                                  .serial = 3,
                                  .offset = offset,
                                  .time_ns = -7,
                                  .stream = STREAM_STDERR,
                                  .flags = ENTRY_PARTIAL,
                                  .form = FORM_BYTES,
                                  .message = SPAN("a\0b\xff"),
                                  .attrs = SPAN("{\"k\":1}"),
                                  .container = c};
}

static void put(struct ledger *l, const struct ledger_letter *letter)
{
    struct error error = {0};
    if (ledger_put_letter(l, letter, &error) < 0)
        fail_msg("%s", error.text);
}

/* A source of which `refused` of ten lines are refused. */
static uint32_t add_source(struct ledger *l, const char *id, uint64_t refused)
{
    struct cursor cursor = book_cursor(9);
    struct tally tally = book_tally(10);
    tally.lines_delivered -= refused;
    tally.lines_refused += refused;
    uint32_t key = book_add(l, id);
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_put_source(l, key, &cursor, &tally, NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);
    return key;
}

/* Letters of a source at the offsets 1 to `count`, committed. */
static void fill(struct ledger *l, const struct container *c, uint32_t source, uint64_t count)
{
    assert_int_equal(ledger_begin(l, NULL), 0);
    for (uint64_t offset = 1; offset <= count; offset++) {
        struct ledger_letter letter = letter_of(c, source, offset);
        put(l, &letter);
    }
    assert_int_equal(ledger_commit(l, NULL), 0);
}

static void assert_sums(struct ledger *l, uint64_t count, uint64_t bytes)
{
    uint64_t found_count = 99, found_bytes = 99;
    assert_int_equal(ledger_letter_sums(l, &found_count, &found_bytes, NULL), 0);
    assert_int_equal(found_count, count);
    assert_int_equal(found_bytes, bytes);
}

/* The lines delivered and refused of the whole book. */
static void assert_total(struct ledger *l, uint64_t delivered, uint64_t refused)
{
    struct tally total;
    assert_int_equal(ledger_total(l, &total, NULL), 0);
    assert_true(tally_adds_up(&total));
    assert_int_equal(total.lines_delivered, delivered);
    assert_int_equal(total.lines_refused, refused);
}

struct expected {
    const struct ledger_letter *letters;
    size_t seen;
};

static int expect(void *context, const struct ledger_letter *found)
{
    struct expected *expected = context;
    const struct ledger_letter *put = &expected->letters[expected->seen++];
    assert_int_equal(found->key, expected->seen);
    assert_int_equal(found->source, put->source);
    assert_int_equal(found->refused_ns, put->refused_ns);
    assert_string_equal(found->reason, put->reason);
    assert_string_equal(found->answer, put->answer);
    assert_int_equal(found->serial, put->serial);
    assert_int_equal(found->offset, put->offset);
    assert_int_equal(found->time_ns, put->time_ns);
    assert_int_equal(found->stream, put->stream);
    assert_int_equal(found->flags, put->flags);
    assert_int_equal(found->form, put->form);
    assert_true(span_equal(found->message, put->message));
    assert_true(span_equal(found->attrs, put->attrs));
    assert_same_container(found->container, put->container);
    return 0;
}

static void test_r13_every_letter_comes_back_oldest_first(void **state)
{
    CLEANUP(container_unref) struct container *a = container_of(ID_A, "web", false);
    CLEANUP(container_unref) struct container *renamed = container_of(ID_A, "web-2", false);
    CLEANUP(container_unref) struct container *tty = container_of(ID_A, "web-2", true);
    CLEANUP(container_unref) struct container *b = container_of(ID_B, "db", false);
    struct ledger_letter letters[] = {letter_of(a, 1, 1), letter_of(a, 1, UINT64_MAX),
                                      letter_of(renamed, 1, 3), letter_of(tty, 1, 4),
                                      letter_of(b, 9, 5)};
    letters[1].stream = STREAM_STDOUT;
    letters[1].form = FORM_JSON;
    letters[2].message = letters[2].attrs = (struct span){0};
    letters[3].refused_ns = INT64_MIN;

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    assert_int_equal(ledger_begin(l, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
        put(l, &letters[i]);
    assert_int_equal(ledger_commit(l, NULL), 0);

    struct expected expected = {letters, 0};
    assert_int_equal(ledger_letters(l, 0, expect, &expected, NULL), 0);
    assert_int_equal(expected.seen, ARRAY_SIZE(letters));
    expected.seen = 3;
    assert_int_equal(ledger_letters(l, 3, expect, &expected, NULL), 0);
    assert_int_equal(expected.seen, ARRAY_SIZE(letters));
}

static int note_container(void *context, const struct ledger_letter *letter)
{
    const struct container **first = context;
    if (*first)
        assert_ptr_equal(letter->container, *first);
    *first = letter->container;
    return letter->key == 3 ? 42 : 0;
}

static void test_letters_of_one_container_share_its_record(void **state)
{
    CLEANUP(container_unref) struct container *a = container_of(ID_A, "web", false);
    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    const struct container *first = NULL;
    fill(l, a, 1, 5);
    assert_int_equal(ledger_letters(l, 0, note_container, &first, NULL), 42);
}

/* How many went. */
static uint64_t drop(struct ledger *l, struct ledger_letter_filter filter)
{
    uint64_t count = 0;
    assert_int_equal(ledger_drop_letters(l, &filter, &count, NULL), 0);
    return count;
}

/* The limit of a route is held against them, also before the commit. */
static void test_sums_follow_each_letter(void **state)
{
    CLEANUP(container_unref) struct container *a = container_of(ID_A, "web", false);
    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    struct ledger_letter letter = letter_of(a, 1, 1);
    uint64_t count, bytes;

    fill(l, a, 1, 1);
    assert_int_equal(ledger_letter_sums(l, &count, &bytes, NULL), 0);
    assert_true(bytes > letter.message.size + letter.attrs.size + strlen(letter.answer));
    assert_int_equal(ledger_begin(l, NULL), 0);
    put(l, &letter);
    assert_sums(l, 2, 2 * bytes);
    ledger_rollback(l);
    assert_sums(l, 1, bytes);

    fill(l, a, 1, 2);
    assert_sums(l, 3, 3 * bytes);
    assert_int_equal(drop(l, (struct ledger_letter_filter){.key = 2}), 1);
    assert_sums(l, 2, 2 * bytes);
    CLEANUP(ledger_close) struct ledger *reader = book_open_to_read(SCRATCH("a.db"));
    assert_sums(reader, 2, 2 * bytes);
}

static int expect_reason(void *context, const struct ledger_letter_reason *reason)
{
    int *seen = context;
    if ((*seen)++ == 0) {
        assert_string_equal(reason->reason, "http_400");
        assert_int_equal(reason->count, 1);
        assert_int_equal(reason->oldest_ns, 1);
    } else {
        assert_string_equal(reason->reason, "too_old");
        assert_int_equal(reason->count, 3);
        assert_int_equal(reason->oldest_ns, 1001);
        assert_int_equal(reason->newest_ns, 1004);
    }
    return 0;
}

static void test_letters_are_counted_by_reason_and_by_filter(void **state)
{
    CLEANUP(container_unref) struct container *a = container_of(ID_A, "web", false);
    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    uint64_t count, newest;
    int seen = 0;

    fill(l, a, 1, 4);
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_answer_letter(l, 2, 1, "http_400", "again", NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);
    assert_int_equal(ledger_letter_reasons(l, expect_reason, &seen, NULL), 0);
    assert_int_equal(seen, 2);

    const struct {
        struct ledger_letter_filter filter;
        uint64_t count, newest;
    } cases[] = {
        {{0, NULL}, 4, 4},       {{3, NULL}, 1, 3},      {{9, NULL}, 0, 0},
        {{0, "http_400"}, 1, 2}, {{2, "too_old"}, 0, 0}, {{0, "too_old"}, 3, 4},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(ledger_count_letters(l, &cases[i].filter, &count, &newest, NULL), 0);
        assert_int_equal(count, cases[i].count);
        assert_int_equal(newest, cases[i].newest);
    }
}

/* R1: dropped letters stay refused, and none goes that was not meant. */
static void test_r1_those_that_are_meant_are_dropped(void **state)
{
    CLEANUP(container_unref) struct container *a = container_of(ID_A, "web", false);
    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    const struct {
        struct ledger_letter_filter filter;
        uint64_t count;
    } cases[] = {
        {{9, NULL}, 0}, {{3, NULL}, 1}, {{3, NULL}, 0}, {{0, "http_400"}, 0}, {{0, "too_old"}, 3},
    };
    uint64_t left = 4, newest;

    fill(l, a, add_source(l, ID_A, 4), 4);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(drop(l, cases[i].filter), cases[i].count);
        left -= cases[i].count;
        uint64_t count;
        assert_int_equal(
            ledger_count_letters(l, &(struct ledger_letter_filter){0}, &count, &newest, NULL), 0);
        assert_int_equal(count, left);
        assert_total(l, 6, 4);
    }
    assert_sums(l, 0, 0);
    assert_int_equal(drop(l, (struct ledger_letter_filter){0}), 0);
}

static void redeem(struct ledger *l, uint64_t key)
{
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_redeem_letter(l, key, NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);
}

static void test_r1_a_redeemed_letter_counts_as_delivered(void **state)
{
    CLEANUP(container_unref) struct container *a = container_of(ID_A, "web", false);
    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    struct error error = {0};

    add_source(l, "other", 2);
    fill(l, a, add_source(l, ID_A, 3), 3);
    assert_total(l, 15, 5);
    redeem(l, 2);
    assert_total(l, 16, 4);
    assert_int_equal(book_offset(l, ID_A), 9);

    assert_int_equal(drop(l, (struct ledger_letter_filter){.key = 1}), 1);
    assert_total(l, 16, 4);

    /* Neither again, nor one that is gone; and nothing else of that transaction stands. */
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_redeem_letter(l, 3, NULL), 0);
    assert_int_equal(ledger_redeem_letter(l, 2, &error), -ENOENT);
    assert_says(&error, SCRATCH("a.db"), "no dead letter 2");
    assert_total(l, 16, 4);
    redeem(l, 3);
    assert_total(l, 17, 3);
}

/* A removed container's row goes, its letters stay; what becomes of them is said of its day. */
static void test_r1_a_letter_outlives_the_row_of_its_source(void **state)
{
    CLEANUP(container_unref) struct container *a = container_of(ID_A, "web", false);
    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    const int64_t day_ns = INT64_C(86400000000000);
    const char *const ids[] = {ID_A, "b"};
    uint64_t folded;

    for (int i = 0; i < 2; i++) {
        uint32_t key = add_source(l, ids[i], 1);
        fill(l, a, key, 1);
        assert_int_equal(ledger_begin(l, NULL), 0);
        assert_int_equal(ledger_put_removed(l, key, (i + 1) * day_ns, NULL), 0);
        assert_int_equal(ledger_commit(l, NULL), 0);
    }
    assert_int_equal(ledger_fold(l, 3 * day_ns, &folded, NULL), 0);
    assert_int_equal(folded, 2);
    assert_total(l, 18, 2);
    redeem(l, 2);
    assert_total(l, 19, 1);

    sqlite3 *book = NULL;
    sqlite3_stmt *days = NULL;
    assert_int_equal(sqlite3_open(SCRATCH("a.db"), &book), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(book, "SELECT lines_refused FROM daily ORDER BY day", -1, &days, NULL),
        SQLITE_OK);
    for (int refused = 1; refused >= 0; refused--) {
        assert_int_equal(sqlite3_step(days), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(days, 0), refused);
    }
    sqlite3_finalize(days);
    sqlite3_close(book);
}

static void kill_between(const char *path, bool commits)
{
    pid_t child = fork();
    if (child == 0) {
        struct container *a = container_of(ID_A, "web", false);
        struct ledger *l = book_open(path);
        struct ledger_letter letter = letter_of(a, 1, 1);
        assert_int_equal(ledger_begin(l, NULL), 0);
        put(l, &letter);
        if (commits)
            assert_int_equal(ledger_commit(l, NULL), 0);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void test_r13_a_kill_leaves_a_letter_whole_or_none(void **state)
{
    uint64_t count, bytes;
    for (int commits = 0; commits < 2; commits++) {
        kill_between(SCRATCH("a.db"), commits);
        CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
        assert_int_equal(ledger_letter_sums(l, &count, &bytes, NULL), 0);
        assert_int_equal(count, commits);
    }
}

static void test_a_letter_needs_a_transaction(void **state)
{
    CLEANUP(container_unref) struct container *a = container_of(ID_A, "web", false);
    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    struct ledger_letter letter = letter_of(a, 1, 1);
    assert_int_equal(ledger_put_letter(l, &letter, NULL), -EINVAL);
    assert_sums(l, 0, 0);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *book = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(path, &book), SQLITE_OK);
    if (sqlite3_exec(book, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s", why);
    sqlite3_close(book);
}

static int never(void *context, const struct ledger_letter *letter)
{
    fail();
    return 0;
}

static void test_labels_that_make_no_sense_are_damage(void **state)
{
    static const char *const wrong[] = {"",
                                        "{",
                                        "{}x",
                                        "[]",
                                        "{\"a\"}",
                                        "{\"a\":1}",
                                        "{\"a\":\"b}",
                                        "{\"a\":\"b\\\"}",
                                        "{a:\"b\"}",
                                        "{,}",
                                        "{\"a\":\"b\",}",
                                        "{\"a\":\"b\" }"};
    CLEANUP(container_unref) struct container *a = container_of(ID_A, "web", false);
    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    fill(l, a, 1, 1);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct error error = {0};
        char sql[128];
        sqlite3_snprintf(sizeof(sql), sql, "UPDATE dead_letters SET labels = %Q", wrong[i]);
        run_sql(SCRATCH("a.db"), sql);
        assert_int_equal(ledger_letters(l, 0, never, NULL, &error), -EBADMSG);
        assert_says(&error, SCRATCH("a.db"), "damaged");
    }
}

/* A book that was made before there were dead letters goes on, with all that is in it. */
static void test_a_book_of_the_first_schema_is_brought_up(void **state)
{
    CLEANUP(container_unref) struct container *a = container_of(ID_A, "web", false);
    char sql[16384];
    CLEANUP(fclose) FILE *file = fopen(TEST_DATA "/ledger/version_1.sql", "r");
    assert_non_null(file);
    size_t size = fread(sql, 1, sizeof(sql) - 1, file);
    sql[size] = '\0';
    run_sql(SCRATCH("a.db"), sql);

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    assert_int_equal(ledger_attached_ns(l), INT64_C(1700000000000000001));
    assert_int_equal(book_source_count(l), 2);
    assert_int_equal(book_offset(l, "a"), 900);
    assert_total(l, 17, 0);
    assert_sums(l, 0, 0);
    fill(l, a, 4, 2);
    CLEANUP(ledger_close) struct ledger *reader = book_open_to_read(SCRATCH("a.db"));
    uint64_t count, newest;
    assert_int_equal(
        ledger_count_letters(reader, &(struct ledger_letter_filter){0}, &count, &newest, NULL), 0);
    assert_int_equal(count, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_r13_every_letter_comes_back_oldest_first),
        TEST(test_letters_of_one_container_share_its_record),
        TEST(test_sums_follow_each_letter),
        TEST(test_letters_are_counted_by_reason_and_by_filter),
        TEST(test_r1_those_that_are_meant_are_dropped),
        TEST(test_r1_a_redeemed_letter_counts_as_delivered),
        TEST(test_r1_a_letter_outlives_the_row_of_its_source),
        TEST(test_r13_a_kill_leaves_a_letter_whole_or_none),
        TEST(test_a_letter_needs_a_transaction),
        TEST(test_labels_that_make_no_sense_are_damage),
        TEST(test_a_book_of_the_first_schema_is_brought_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
