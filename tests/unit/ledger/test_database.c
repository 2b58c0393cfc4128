// SPDX-License-Identifier: Apache-2.0
/* database: an older book is brought up, all of it or nothing; a newer one is refused (design §7).
 */
#include "ledger/database.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka needs those before it
#include <cmocka.h>

#include "scratch.h"

/* A book with a history: things had a name, then an age, then a nickname. */
static const char *const history[] = {
    "CREATE TABLE things (name TEXT); CREATE TABLE old (x);",
    "ALTER TABLE things ADD COLUMN age INTEGER NOT NULL DEFAULT 7; DROP TABLE old;",
    "ALTER TABLE things RENAME COLUMN name TO nickname;",
};
static const char *const broken_history[] = {
    "CREATE TABLE things (name TEXT); CREATE TABLE old (x);",
    "ALTER TABLE things ADD COLUMN age INTEGER NOT NULL DEFAULT 7;",
    "ALTER TABLE absent RENAME COLUMN name TO nickname;",
};

static struct schema version(int number, const char *const *statement)
{
    return (struct schema){.kind = "test book",
                           .application_id = 42,
                           .migrations = history,
                           .version = number,
                           .first_rows = "INSERT INTO things (name) VALUES ('first')",
                           .settings = "PRAGMA synchronous = FULL",
                           .statements = statement,
                           .statement_count = 1};
}

static const char *const select_name[] = {"SELECT name FROM things"};
static const char *const select_all[] = {"SELECT nickname || age FROM things"};
static const char *const insert_name[] = {"INSERT INTO things (name) VALUES (?)"};

static void make_version_1(const char *path)
{
    struct schema schema = version(1, insert_name);
    CLEANUP(database_close) struct database *db = NULL;
    assert_int_equal(database_open(&db, path, NULL, 0, &schema, NULL), 0);
}

static void assert_first_answer(struct database *db, const char *text)
{
    CLEANUP(row_end) struct row row = database_row(db, 0);
    assert_int_equal(database_next(db, &row, NULL), 1);
    assert_string_equal(row_get_text(&row), text);
    assert_int_equal(database_got(db, &row, NULL), 0);
    assert_int_equal(database_next(db, &row, NULL), 0);
}

static void test_an_older_book_is_brought_up(void **state)
{
    struct schema now = version(3, select_all);
    struct database *db = NULL;

    make_version_1(SCRATCH("a.db"));
    for (int opening = 0; opening < 2; opening++) {
        assert_int_equal(database_open(&db, SCRATCH("a.db"), NULL, 0, &now, NULL), 0);
        assert_first_answer(db, "first7");
        db = database_close(db);
    }
}

static void test_a_migration_that_fails_leaves_the_older_book(void **state)
{
    struct schema old = version(1, select_name), broken = version(3, select_all);
    struct database *db = NULL;
    struct error error = {0};
    broken.migrations = broken_history;

    make_version_1(SCRATCH("a.db"));
    assert_int_equal(database_open(&db, SCRATCH("a.db"), NULL, 0, &broken, &error), -EIO);
    assert_says(&error, SCRATCH("a.db"), "no such table: absent");
    assert_int_equal(database_open(&db, SCRATCH("a.db"), NULL, 0, &old, NULL), 0);
    assert_first_answer(db, "first");
    database_close(db);
}

static void test_a_newer_book_is_refused_and_stays(void **state)
{
    struct schema newer = version(3, select_all), older = version(2, insert_name);
    struct database *db = NULL;
    struct error error = {0};
    newer.first_rows = "INSERT INTO things (nickname) VALUES ('first')";

    assert_int_equal(database_open(&db, SCRATCH("a.db"), NULL, 0, &newer, NULL), 0);
    db = database_close(db);
    const unsigned ways[] = {0, DATABASE_READ_ONLY};
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        assert_int_equal(database_open(&db, SCRATCH("a.db"), NULL, ways[i], &older, &error),
                         -ENOTSUP);
        assert_says(&error, SCRATCH("a.db"), "by a newer tallyman (schema 3, this one knows 2)");
        assert_null(db);
    }
    assert_int_equal(database_open(&db, SCRATCH("a.db"), NULL, 0, &newer, NULL), 0);
    assert_first_answer(db, "first7");
    database_close(db);
}

static void test_a_reader_does_not_bring_up(void **state)
{
    struct schema old = version(1, select_name), now = version(3, select_all);
    struct database *db = NULL;
    struct error error = {0};

    make_version_1(SCRATCH("a.db"));
    assert_int_equal(database_open(&db, SCRATCH("a.db"), NULL, DATABASE_READ_ONLY, &now, &error),
                     -ENOTSUP);
    assert_says(&error, SCRATCH("a.db"), "older version (schema 1)");
    assert_int_equal(database_open(&db, SCRATCH("a.db"), NULL, DATABASE_READ_ONLY, &old, NULL), 0);
    assert_first_answer(db, "first");
    database_close(db);
}

/* What a start that was killed while it made the book left behind. */
static void test_a_half_made_book_is_made_anew(void **state)
{
    scratch_write(SCRATCH("a.db.new"), "half", 4);
    make_version_1(SCRATCH("a.db"));
    assert_int_equal(scratch_size(SCRATCH("a.db.new")), -1);
    struct schema old = version(1, select_name);
    struct database *db = NULL;
    assert_int_equal(database_open(&db, SCRATCH("a.db"), NULL, 0, &old, NULL), 0);
    assert_first_answer(db, "first");
    database_close(db);
}

static void test_a_column_that_makes_no_sense_is_damage(void **state)
{
    static const char *const select_null[] = {"SELECT NULL FROM things"};
    struct schema schema = version(1, select_null);
    struct database *db = NULL;
    struct error error = {0};

    make_version_1(SCRATCH("a.db"));
    assert_int_equal(database_open(&db, SCRATCH("a.db"), NULL, 0, &schema, NULL), 0);
    struct row row = database_row(db, 0);
    assert_int_equal(database_next(db, &row, NULL), 1);
    assert_string_equal(row_get_text(&row), "");
    assert_int_equal(database_got(db, &row, &error), -EBADMSG);
    assert_says(&error, SCRATCH("a.db"), "damaged");
    row_end(&row);
    database_close(db);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_older_book_is_brought_up),
        TEST(test_a_migration_that_fails_leaves_the_older_book),
        TEST(test_a_newer_book_is_refused_and_stays),
        TEST(test_a_reader_does_not_bring_up),
        TEST(test_a_half_made_book_is_made_anew),
        TEST(test_a_column_that_makes_no_sense_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
