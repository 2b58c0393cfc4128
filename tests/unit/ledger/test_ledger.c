// SPDX-License-Identifier: Apache-2.0
/* ledger: what is put comes back, all of it or nothing (design §6, §7). */
#include "ledger/ledger.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
// cmocka needs those before it
#include <cmocka.h>

#include "book.h"
#include "scratch.h"

/* The sources of a book, copied. */
struct sources {
    struct ledger_source items[8];
    char ids[8][80], names[8][80];
    size_t count;
};

static int collect(void *context, const struct ledger_source *s)
{
    struct sources *all = context;
    size_t i = all->count++;
    all->items[i] = *s;
    snprintf(all->ids[i], sizeof(all->ids[i]), "%s", s->id);
    snprintf(all->names[i], sizeof(all->names[i]), "%s", s->name);
    return 0;
}

static void assert_segment_equal(const struct segment_ref *a, const struct segment_ref *b)
{
    assert_int_equal(a->serial, b->serial);
    assert_true(fingerprint_equal(a->fingerprint, b->fingerprint));
    assert_int_equal(a->file.device, b->file.device);
    assert_int_equal(a->file.inode, b->file.inode);
    assert_int_equal(a->file.birth_ns, b->file.birth_ns);
}

static void assert_cursor_equal(const struct cursor *a, const struct cursor *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_segment_equal(&a->segment, &b->segment);
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->last_ns, b->last_ns);
    assert_int_equal(a->last_hash, b->last_hash);
    assert_int_equal(a->last_size, b->last_size);
    assert_int_equal(a->skipping, b->skipping);
    for (int i = 0; i < STREAM_COUNT; i++) {
        assert_int_equal(a->open[i].kind, b->open[i].kind);
        if (a->open[i].kind == OPEN_NONE)
            continue;
        assert_segment_equal(&a->open[i].segment, &b->open[i].segment);
        assert_int_equal(a->open[i].offset, b->open[i].offset);
        assert_int_equal(a->open[i].time_ns, b->open[i].time_ns);
        assert_int_equal(a->open[i].continued, b->open[i].continued);
    }
}

/* No two fields alike, and each at the edge of what its column must hold. */
static struct cursor extreme_cursor(enum cursor_kind kind, enum open_kind out, enum open_kind err)
{
    return (struct cursor){
        .kind = kind,
        .segment = {.serial = 7,
                    .fingerprint = {UINT64_C(0xfedcba9876543210), UINT64_C(0x8000000000000001)},
                    .file = {UINT64_MAX, UINT64_MAX - 1, INT64_MIN}},
        .offset = UINT64_C(0x8000000000000003),
        .last_ns = INT64_MIN + 1,
        .last_hash = UINT64_MAX - 2,
        .last_size = UINT64_MAX - 3,
        .skipping = true,
        .open = {[STREAM_STDOUT] = {.kind = out,
                                    .segment = {.serial = 5,
                                                .fingerprint = {0, 1},
                                                .file = {11, UINT64_C(1) << 63, -1}},
                                    .offset = UINT64_MAX - 4,
                                    .time_ns = INT64_MAX,
                                    .continued = true},
                 [STREAM_STDERR] = {.kind = err,
                                    .segment = {.serial = 6,
                                                .fingerprint = {1, 0},
                                                .file = {12, 13, INT64_MAX}},
                                    .offset = UINT64_MAX - 5,
                                    .time_ns = CURSOR_NO_TIME}},
    };
}

static void test_every_cursor_comes_back(void **state)
{
    struct cursor cursors[] = {
        CURSOR_INIT,
        extreme_cursor(CURSOR_AT, OPEN_NONE, OPEN_LINE),
        extreme_cursor(CURSOR_DONE, OPEN_LINE, OPEN_CUT),
        extreme_cursor(CURSOR_AT, OPEN_CUT, OPEN_NONE),
        extreme_cursor(CURSOR_BEGINNING, OPEN_NONE, OPEN_NONE),
        extreme_cursor(CURSOR_ENDED, OPEN_NONE, OPEN_NONE),
    };
    cursors[3].last_ns = INT64_MIN;
    cursors[4].skipping = false;

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    struct cursor other = book_cursor(1);
    struct cursor open = extreme_cursor(CURSOR_AT, OPEN_LINE, OPEN_LINE);
    open.open[STREAM_STDOUT].segment.serial = open.open[STREAM_STDERR].segment.serial = 99;
    struct tally zero = {0};

    /* Once as they are added, once as they are put over something else. */
    assert_int_equal(ledger_begin(l, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cursors); i++) {
        char id[2] = {(char)('a' + i)};
        uint32_t key;
        assert_int_equal(ledger_add_source(l, id, "", &cursors[i], &key, NULL), 0);
    }
    assert_int_equal(ledger_commit(l, NULL), 0);
    for (int round = 0; round < 2; round++) {
        struct sources all = {0};
        assert_int_equal(ledger_sources(l, collect, &all, NULL), 0);
        assert_int_equal(all.count, ARRAY_SIZE(cursors));
        for (size_t i = 0; i < ARRAY_SIZE(cursors); i++)
            assert_cursor_equal(&all.items[i].cursor, &cursors[i]);

        assert_int_equal(ledger_begin(l, NULL), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cursors); i++) {
            uint32_t key = all.items[i].key;
            assert_int_equal(ledger_put_source(l, key, &other, &zero, NULL), 0);
            assert_int_equal(ledger_put_source(l, key, &open, &zero, NULL), 0);
            assert_int_equal(ledger_put_source(l, key, &cursors[i], &zero, NULL), 0);
        }
        assert_int_equal(ledger_commit(l, NULL), 0);
    }
}

static void test_every_tally_field_comes_back(void **state)
{
    const struct tally tally = {.lines_read = 15,
                                .lines_delivered = 1,
                                .lines_filtered = 2,
                                .lines_refused = 4,
                                .lines_lost = 8,
                                .records_read = 16,
                                .bytes_read = UINT64_C(0x8000000000000003),
                                .bytes_records = UINT64_C(0x8000000000000000),
                                .bytes_blank = 1,
                                .bytes_gap = 2,
                                .bytes_skipped = 32,
                                .gaps = 33,
                                .gap_bytes = UINT64_MAX,
                                .gaps_unknown = 34};
    struct cursor cursor = book_cursor(9);
    struct sources all = {0};
    struct tally total;

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    uint32_t key = book_add(l, "a");
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_put_source(l, key, &cursor, &tally, NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);

    assert_int_equal(ledger_sources(l, collect, &all, NULL), 0);
    assert_memory_equal(&all.items[0].tally, &tally, sizeof(tally));
    assert_int_equal(ledger_total(l, &total, NULL), 0);
    assert_memory_equal(&total, &tally, sizeof(tally));
}

static void test_r1_a_tally_that_does_not_add_up_moves_no_cursor(void **state)
{
    struct error error = {0};
    struct cursor cursor = book_cursor(9);
    struct tally tally = book_tally(3);
    tally.lines_delivered--;

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    uint32_t key = book_add(l, "a");
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_put_source(l, key, &cursor, &tally, &error), -EINVAL);
    assert_says(&error, SCRATCH("a.db"), "does not add up");
    assert_int_equal(book_offset(l, "a"), 0);
}

static void test_d72_ids_and_names_are_any_text(void **state)
{
    struct sources all = {0};
    struct cursor beginning = CURSOR_INIT;
    uint32_t keys[2];

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_add_source(l, "file:/a'b\"c", "däs 'x'", &beginning, &keys[0], NULL),
                     0);
    assert_int_equal(ledger_add_source(l, "", "", &beginning, &keys[1], NULL), 0);
    assert_int_equal(ledger_put_name(l, keys[1], "später", NULL), 0);
    assert_int_equal(ledger_put_removed(l, keys[1], INT64_C(1700000000000000002), NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);

    assert_int_equal(ledger_sources(l, collect, &all, NULL), 0);
    assert_int_equal(all.items[0].key, keys[0]);
    assert_string_equal(all.ids[0], "file:/a'b\"c");
    assert_string_equal(all.names[0], "däs 'x'");
    assert_int_equal(all.items[0].removed_ns, 0);
    assert_int_equal(all.items[1].key, keys[1]);
    assert_string_equal(all.ids[1], "");
    assert_string_equal(all.names[1], "später");
    assert_int_equal(all.items[1].removed_ns, INT64_C(1700000000000000002));

    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_put_removed(l, keys[1], 0, NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);
    all.count = 0;
    assert_int_equal(ledger_sources(l, collect, &all, NULL), 0);
    assert_int_equal(all.items[1].removed_ns, 0);
}

static void test_d76_the_first_attach_is_kept(void **state)
{
    struct ledger *l = NULL;
    assert_int_equal(ledger_open(&l, SCRATCH("a.db"), NULL, 0, -5, NULL), 0);
    assert_int_equal(ledger_attached_ns(l), -5);
    l = ledger_close(l);
    assert_int_equal(ledger_open(&l, SCRATCH("a.db"), NULL, 0, 99, NULL), 0);
    assert_int_equal(ledger_attached_ns(l), -5);
    l = ledger_close(l);
    assert_int_equal(ledger_open(&l, SCRATCH("a.db"), NULL, LEDGER_READ_ONLY, 99, NULL), 0);
    assert_int_equal(ledger_attached_ns(l), -5);
    ledger_close(l);
}

static int stop_at_second(void *context, const struct ledger_source *s)
{
    int *calls = context;
    return ++*calls == 2 ? 42 : 0;
}

static void test_d72_a_source_is_found_by_its_id(void **state)
{
    struct sources all = {0};
    int calls = 1;

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    book_add(l, "a");
    uint32_t key = book_add(l, "b");
    book_put(l, key, 7);
    assert_int_equal(ledger_find(l, "c", collect, &all, NULL), LEDGER_NO_SUCH_SOURCE);
    assert_int_equal(all.count, 0);
    assert_int_equal(ledger_find(l, "b", stop_at_second, &calls, NULL), 42);

    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_find(l, "b", collect, &all, NULL), 0);
    ledger_rollback(l);
    assert_int_equal(all.count, 1);
    assert_int_equal(all.items[0].key, key);
    assert_int_equal(all.items[0].cursor.offset, 7);
    assert_int_equal(all.items[0].tally.lines_read, 7);
}

struct outputs {
    struct ledger_output items[4];
    char paths[4][80];
    size_t count;
};

static int collect_output(void *context, const struct ledger_output *o)
{
    struct outputs *all = context;
    size_t i = all->count++;
    all->items[i] = *o;
    snprintf(all->paths[i], sizeof(all->paths[i]), "%s", o->path);
    return 0;
}

static void test_outputs_are_replaced_by_path(void **state)
{
    const struct ledger_output rows[] = {
        {.path = "/b", .file = {1, 2, 3}, .length = 4},
        {.path = "/a", .file = {UINT64_MAX, UINT64_MAX - 1, -1}, .length = UINT64_MAX - 2},
        {.path = "/b", .file = {5, 6, 7}, .length = 8},
    };
    struct outputs all = {0};

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    assert_int_equal(ledger_begin(l, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(ledger_put_output(l, &rows[i], NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);

    assert_int_equal(ledger_outputs(l, collect_output, &all, NULL), 0);
    assert_int_equal(all.count, 2);
    for (size_t i = 0; i < all.count; i++) {
        const struct ledger_output *row = &rows[1 + i];
        assert_string_equal(all.paths[i], row->path);
        assert_true(file_id_equal(all.items[i].file, row->file));
        assert_int_equal(all.items[i].length, row->length);
    }
}

static int expect_gap(void *context, const struct ledger_gap *g)
{
    int *next = context;
    assert_string_equal(g->source_id, "a");
    assert_int_equal(g->gap.reason, *next);
    assert_int_equal(g->gap.serial, 2);
    assert_int_equal(g->gap.offset, UINT64_MAX);
    assert_int_equal(g->gap.bytes, *next == GAP_NUL ? GAP_BYTES_UNKNOWN : *next);
    assert_int_equal(g->gap.after_ns, *next == GAP_TORN ? GAP_TIME_UNKNOWN : 11);
    assert_int_equal(g->gap.before_ns, *next == GAP_GZIP ? GAP_TIME_UNKNOWN : 12);
    assert_int_equal(g->booked_ns, 13 + *next);
    ++*next;
    return 0;
}

static void test_r1_a_gap_of_every_reason_is_booked(void **state)
{
    int seen = 0;

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    uint32_t key = book_add(l, "a");
    assert_int_equal(ledger_begin(l, NULL), 0);
    for (int reason = 0; reason < GAP_REASON_COUNT; reason++) {
        struct gap gap = {.reason = reason,
                          .serial = 2,
                          .offset = UINT64_MAX,
                          .bytes = reason == GAP_NUL ? GAP_BYTES_UNKNOWN : reason,
                          .after_ns = reason == GAP_TORN ? GAP_TIME_UNKNOWN : 11,
                          .before_ns = reason == GAP_GZIP ? GAP_TIME_UNKNOWN : 12};
        assert_int_equal(ledger_put_gap(l, key, &gap, 13 + reason, NULL), 0);
    }
    assert_int_equal(ledger_commit(l, NULL), 0);
    assert_int_equal(ledger_gaps(l, expect_gap, &seen, NULL), 0);
    assert_int_equal(seen, GAP_REASON_COUNT);
}

static int count_gap(void *context, const struct ledger_gap *g)
{
    size_t *count = context;
    if (++*count == 1)
        assert_int_equal(g->booked_ns, 10);
    return 0;
}

static void test_past_the_maximum_the_oldest_gaps_go(void **state)
{
    struct gap gap = {.reason = GAP_TORN, .serial = 1, .bytes = 1};
    size_t count = 0;

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    uint32_t key = book_add(l, "a");
    assert_int_equal(ledger_begin(l, NULL), 0);
    for (int i = 0; i < LEDGER_GAPS_MAX + 10; i++)
        assert_int_equal(ledger_put_gap(l, key, &gap, i, NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);
    assert_int_equal(ledger_gaps(l, count_gap, &count, NULL), 0);
    assert_int_equal(count, LEDGER_GAPS_MAX);
}

static void test_a_visit_can_end_early(void **state)
{
    int calls = 0;
    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    book_add(l, "a");
    book_add(l, "b");
    book_add(l, "c");
    assert_int_equal(ledger_sources(l, stop_at_second, &calls, NULL), 42);
    assert_int_equal(calls, 2);
    assert_int_equal(book_source_count(l), 3);
}

/* Keys that no source has: a stale one, an invented one. */
static void test_an_unknown_key_undoes_the_transaction(void **state)
{
    struct cursor cursor = book_cursor(2);
    struct tally tally = book_tally(2);
    struct gap gap = {.reason = GAP_TORN};
    struct error error = {0};

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    uint32_t key = book_add(l, "a");
    for (int call = 0; call < 4; call++) {
        assert_int_equal(ledger_begin(l, NULL), 0);
        assert_int_equal(ledger_put_source(l, key, &cursor, &tally, NULL), 0);
        int r = call == 0   ? ledger_put_source(l, key + 1, &cursor, &tally, &error)
                : call == 1 ? ledger_put_name(l, key + 1, "x", &error)
                : call == 2 ? ledger_put_removed(l, key + 1, 1, &error)
                            : ledger_put_gap(l, key + 1, &gap, 1, &error);
        assert_int_equal(r, -ENOENT);
        assert_says(&error, SCRATCH("a.db"), "knows no such source");
        assert_int_equal(book_offset(l, "a"), 0);
    }
}

static void test_an_id_twice_is_refused(void **state)
{
    struct cursor beginning = CURSOR_INIT;
    struct error error = {0};
    uint32_t key = 77;

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    book_add(l, "a");
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_add_source(l, "a", "", &beginning, &key, &error), -EEXIST);
    assert_says(&error, SCRATCH("a.db"), "sources.id");
    assert_int_equal(key, 77);
    assert_int_equal(ledger_commit(l, NULL), -EINVAL);
    assert_int_equal(book_source_count(l), 1);
}

static void test_nothing_is_written_outside_a_transaction(void **state)
{
    struct cursor cursor = book_cursor(2);
    struct tally tally = book_tally(2);
    struct error error = {0};

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    uint32_t key = book_add(l, "a");
    assert_int_equal(ledger_put_source(l, key, &cursor, &tally, &error), -EINVAL);
    assert_says(&error, SCRATCH("a.db"), "outside a transaction");
    assert_int_equal(ledger_commit(l, NULL), -EINVAL);
    assert_int_equal(book_offset(l, "a"), 0);

    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_begin(l, NULL), -EINVAL);
    assert_int_equal(ledger_put_source(l, key, &cursor, &tally, NULL), 0);
    ledger_rollback(l);
    ledger_rollback(l);
    assert_int_equal(book_offset(l, "a"), 0);
}

static void test_what_is_not_committed_is_not_there(void **state)
{
    struct cursor cursor = book_cursor(2);
    struct tally tally = book_tally(2);

    struct ledger *l = book_open(SCRATCH("a.db"));
    uint32_t key = book_add(l, "a");
    book_put(l, key, 1);
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_put_source(l, key, &cursor, &tally, NULL), 0);
    ledger_close(l);

    l = book_open(SCRATCH("a.db"));
    assert_int_equal(book_offset(l, "a"), 1);
    ledger_close(l);
}

static int take_text(void *context, int count, char **values, char **names)
{
    snprintf(context, 200, "%s", values[0] ? values[0] : "NULL");
    return 0;
}

/* Asks the book as a person with sqlite3 would. */
static void ask(const char *path, const char *sql, char answer[200])
{
    sqlite3 *reader = NULL;
    assert_int_equal(sqlite3_open(path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, sql, take_text, answer, NULL), SQLITE_OK);
    sqlite3_close(reader);
}

/* Removed on three days and still there; `before` lies within the third day. */
static void test_r1_folding_changes_no_sum(void **state)
{
    const int64_t day_ns = INT64_C(86400000000000), noon_ns = 19000 * day_ns + day_ns / 2;
    const int64_t removed_ns[] = {0,
                                  noon_ns,
                                  noon_ns + 1,
                                  noon_ns + day_ns,
                                  noon_ns,
                                  noon_ns + 2 * day_ns,
                                  noon_ns + 2 * day_ns + 1};
    struct tally before, after;
    struct gap gap = {.reason = GAP_TORN};
    uint64_t folded = 0;
    size_t gaps = 0;

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    for (size_t i = 0; i < ARRAY_SIZE(removed_ns); i++) {
        char id[2] = {(char)('a' + i)};
        uint32_t key = book_add(l, id);
        struct cursor cursor = book_cursor(1 + 10 * i);
        struct tally tally = book_tally(1 + 10 * i);
        cursor.open[STREAM_STDERR].kind = OPEN_LINE;
        assert_int_equal(ledger_begin(l, NULL), 0);
        assert_int_equal(ledger_put_source(l, key, &cursor, &tally, NULL), 0);
        assert_int_equal(ledger_put_removed(l, key, removed_ns[i], NULL), 0);
        assert_int_equal(ledger_put_gap(l, key, &gap, 10, NULL), 0);
        assert_int_equal(ledger_commit(l, NULL), 0);
    }
    assert_int_equal(ledger_total(l, &before, NULL), 0);

    assert_int_equal(ledger_fold(l, noon_ns, &folded, NULL), 0);
    assert_int_equal(folded, 0);
    assert_int_equal(ledger_fold(l, noon_ns + 1, &folded, NULL), 0);
    assert_int_equal(folded, 2);
    assert_int_equal(ledger_fold(l, noon_ns + 2 * day_ns + 1, &folded, NULL), 0);
    assert_int_equal(folded, 3);

    assert_int_equal(ledger_total(l, &after, NULL), 0);
    assert_memory_equal(&after, &before, sizeof(after));
    assert_int_equal(book_source_count(l), 2);
    assert_int_equal(book_offset(l, "a"), 1);
    assert_int_equal(ledger_gaps(l, count_gap, &gaps, NULL), 0);
    assert_int_equal(gaps, 2);
    char left[200];
    ask(SCRATCH("a.db"), "SELECT count(*) || ' ' || sum(source IN (1, 7)) FROM open_lines", left);
    assert_string_equal(left, "2 2");
}

/* What a book that says nothing for long has read before is not kept in memory. */
static void test_a_book_at_rest_keeps_no_pages(void **state)
{
    char id[16];
    struct tally total;
    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    assert_int_equal(ledger_begin(l, NULL), 0);
    for (int i = 0; i < 2000; i++) {
        uint32_t key;
        struct cursor cursor = book_cursor(1);
        snprintf(id, sizeof(id), "%d", i);
        assert_int_equal(ledger_add_source(l, id, id, &cursor, &key, NULL), 0);
    }
    assert_int_equal(ledger_commit(l, NULL), 0);
    assert_int_equal(ledger_total(l, &total, NULL), 0);

    int64_t before = sqlite3_memory_used();
    ledger_rest(l);
    assert_true(sqlite3_memory_used() < before - 128 * 1024);
    assert_int_equal(book_source_count(l), 2000);
    book_add(l, "one more");
    assert_int_equal(book_source_count(l), 2001);
}

/* A stale key must not move the cursor of a source that came later. */
static void test_a_key_is_never_given_twice(void **state)
{
    uint64_t folded;
    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    uint32_t first = book_add(l, "a");
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_put_removed(l, first, 1, NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);
    assert_int_equal(ledger_fold(l, 2, &folded, NULL), 0);
    assert_int_equal(folded, 1);
    assert_true(book_add(l, "b") > first);
}

static void test_a_person_can_read_it(void **state)
{
    char text[200] = "";
    struct cursor cursor = book_cursor(2);
    struct tally tally = book_tally(2);
    struct gap gap = {.reason = GAP_PIN_QUOTA, .bytes = 5};

    CLEANUP(ledger_close) struct ledger *l = book_open(SCRATCH("a.db"));
    uint32_t key = book_add(l, "a");
    cursor.open[STREAM_STDERR].kind = OPEN_CUT;
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_put_source(l, key, &cursor, &tally, NULL), 0);
    assert_int_equal(ledger_put_gap(l, key, &gap, 1, NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);

    ask(SCRATCH("a.db"),
        "SELECT position || ' ' || fingerprint || ' ' || sources.offset || ' ' ||"
        " coalesce(last_ns, 'never') || ' ' || stderr_open || ' ' || lines_delivered || ' ' ||"
        " reason FROM sources JOIN gaps ON source = sources.key",
        text);
    assert_string_equal(text, "at 00000000000000010000000000000002 2 never cut 2 pin_quota");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_cursor_comes_back),
        TEST(test_every_tally_field_comes_back),
        TEST(test_r1_a_tally_that_does_not_add_up_moves_no_cursor),
        TEST(test_d72_ids_and_names_are_any_text),
        TEST(test_d72_a_source_is_found_by_its_id),
        TEST(test_d76_the_first_attach_is_kept),
        TEST(test_outputs_are_replaced_by_path),
        TEST(test_r1_a_gap_of_every_reason_is_booked),
        TEST(test_past_the_maximum_the_oldest_gaps_go),
        TEST(test_a_visit_can_end_early),
        TEST(test_an_unknown_key_undoes_the_transaction),
        TEST(test_an_id_twice_is_refused),
        TEST(test_nothing_is_written_outside_a_transaction),
        TEST(test_what_is_not_committed_is_not_there),
        TEST(test_r1_folding_changes_no_sum),
        TEST(test_a_book_at_rest_keeps_no_pages),
        TEST(test_a_key_is_never_given_twice),
        TEST(test_a_person_can_read_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
