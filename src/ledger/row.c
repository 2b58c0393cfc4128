// SPDX-License-Identifier: Apache-2.0
#include "ledger/row.h"

#include <string.h>

void row_fail(struct row *row, int code)
{
    if (code != SQLITE_OK && row->failed == SQLITE_OK)
        row->failed = code;
}

void row_put_i64(struct row *row, int64_t value)
{
    row_fail(row, sqlite3_bind_int64(row->statement, row->next++, value));
}

void row_put_u64(struct row *row, uint64_t value)
{
    row_put_i64(row, (int64_t)value);
}

void row_put_bool(struct row *row, bool value)
{
    row_put_i64(row, value);
}

void row_put_text(struct row *row, const char *value)
{
    row_fail(row, sqlite3_bind_text(row->statement, row->next++, value, -1, SQLITE_STATIC));
}

void row_put_bytes(struct row *row, struct span value)
{
    row_fail(row, sqlite3_bind_blob64(row->statement, row->next++, value.size ? value.data : "",
                                      value.size, SQLITE_STATIC));
}

void row_put_copy(struct row *row, const char *value, size_t size)
{
    if (size > sizeof(row->copies) - row->copied) {
        row_fail(row, SQLITE_TOOBIG);
        return;
    }
    char *copy = row->copies + row->copied;
    memcpy(copy, value, size);
    row->copied += size;
    row_fail(row, sqlite3_bind_text(row->statement, row->next++, copy, (int)size, SQLITE_STATIC));
}

void row_put_unless(struct row *row, int64_t value, int64_t none)
{
    if (value == none)
        row_fail(row, sqlite3_bind_null(row->statement, row->next++));
    else
        row_put_i64(row, value);
}

int64_t row_get_i64(struct row *row)
{
    return sqlite3_column_int64(row->statement, row->next++);
}

uint64_t row_get_u64(struct row *row)
{
    return (uint64_t)row_get_i64(row);
}

bool row_get_bool(struct row *row)
{
    int64_t value = row_get_i64(row);
    if (value != 0 && value != 1)
        row_fail(row, SQLITE_CORRUPT);
    return value != 0;
}

const char *row_get_text(struct row *row)
{
    const char *text = (const char *)sqlite3_column_text(row->statement, row->next++);
    if (text)
        return text;

    row_fail(row, SQLITE_CORRUPT);
    return "";
}

struct span row_get_bytes(struct row *row)
{
    const void *data = sqlite3_column_blob(row->statement, row->next);
    return (struct span){data, (size_t)sqlite3_column_bytes(row->statement, row->next++)};
}

void row_skip(struct row *row, int count)
{
    row->next += count;
}

bool row_skip_null(struct row *row)
{
    if (sqlite3_column_type(row->statement, row->next) != SQLITE_NULL)
        return false;

    row->next++;
    return true;
}

int64_t row_get_unless(struct row *row, int64_t none)
{
    return row_skip_null(row) ? none : row_get_i64(row);
}

unsigned row_get_word(struct row *row, const char *const *words, size_t count)
{
    const char *text = row_get_text(row);
    for (unsigned i = 0; i < count; i++)
        if (strcmp(words[i], text) == 0)
            return i;

    row_fail(row, SQLITE_CORRUPT);
    return 0;
}

void row_end(struct row *row)
{
    sqlite3_reset(row->statement);
    sqlite3_clear_bindings(row->statement);
}
