/* row — the parameters of a statement, or the columns of its result, one after the other.
 *
 * Each put or get takes the next one, so that a list of columns in SQL and the calls that fill or
 * read it stand in the same order, and what several tables share (a segment, a cursor, a tally) is
 * written once, in columns.h.
 *
 * Failures are sticky and tested once, by database.h's run and next: a parameter that could not be
 * bound, a column that holds what no writer of ours puts there.
 *
 * - Owns: nothing; the statement is its database's.
 * - Text that is put must live until the statement has run; text that is got, until the next row.
 * - uint64_t is stored as the signed integer of the same bits. Its order in SQL is right below
 *   2^63, where serials, offsets and sums live; hashes have no order.
 */
#pragma once

#include "base/cleanup.h"
#include "base/span.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROW_COPIES_MAX = 64 /* bytes */ };

struct row {
    sqlite3_stmt *statement;
    int next;   /* parameters count from 1, columns from 0 */
    int failed; /* SQLITE_OK, or the first failure's code */
    size_t copied;
    char copies[ROW_COPIES_MAX]; /* of row_put_copy: the row must not move meanwhile */
};

void row_put_i64(struct row *row, int64_t value);
void row_put_u64(struct row *row, uint64_t value);
void row_put_bool(struct row *row, bool value);
/* NULL is SQL's NULL. */
void row_put_text(struct row *row, const char *value);
/* A blob, never NULL. */
void row_put_bytes(struct row *row, struct span value);
/* Copies, so that `value` may go at once; ROW_COPIES_MAX bytes of a row at most. */
void row_put_copy(struct row *row, const char *value, size_t size);
/* `none` is stored as NULL, which people read better than a magic number. */
void row_put_unless(struct row *row, int64_t value, int64_t none);

int64_t row_get_i64(struct row *row);
uint64_t row_get_u64(struct row *row);
bool row_get_bool(struct row *row);
/* Never NULL: what should be text and is not fails the row, and reads as "". */
const char *row_get_text(struct row *row);
struct span row_get_bytes(struct row *row);
/* Passes columns by. */
void row_skip(struct row *row, int count);
int64_t row_get_unless(struct row *row, int64_t none);
/* True where the next column is NULL, which is then passed; else it stays the next. */
bool row_skip_null(struct row *row);
/* The place of the text among `words`; an unknown one fails the row, and reads as 0. */
unsigned row_get_word(struct row *row, const char *const *words, size_t count);

/* What was read makes no sense, or what was to be written could not be bound. SQLITE_OK is none. */
void row_fail(struct row *row, int code);

/* Makes the statement ready for its next use. */
void row_end(struct row *row);
static inline void row_end_cleanup(struct row *row)
{
    row_end(row);
}
