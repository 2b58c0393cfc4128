// SPDX-License-Identifier: Apache-2.0
#include "book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
// cmocka needs those before it
#include <cmocka.h>

static struct ledger *open_with(const char *path, unsigned flags)
{
    struct ledger *l = NULL;
    struct error error = {0};
    if (ledger_open(&l, path, NULL, flags, ATTACHED_NS, &error) < 0)
        fail_msg("%s", error.text);
    return l;
}

struct ledger *book_open(const char *path)
{
    return open_with(path, 0);
}

struct ledger *book_open_to_read(const char *path)
{
    return open_with(path, LEDGER_READ_ONLY);
}

struct cursor book_cursor(uint64_t offset)
{
    struct cursor cursor = CURSOR_INIT;
    cursor.kind = CURSOR_AT;
    cursor.segment =
        (struct segment_ref){.serial = 1, .fingerprint = {.high = 1, .low = 2}, .file = {3, 4, 5}};
    cursor.offset = offset;
    return cursor;
}

struct tally book_tally(uint64_t lines)
{
    return (struct tally){.lines_read = lines,
                          .lines_delivered = lines,
                          .records_read = lines,
                          .bytes_read = 100 * lines,
                          .bytes_records = 100 * lines};
}

uint32_t book_add(struct ledger *l, const char *id)
{
    struct cursor beginning = CURSOR_INIT;
    uint32_t key = 0;
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_add_source(l, id, id, &beginning, &key, NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);
    return key;
}

void book_put(struct ledger *l, uint32_t key, uint64_t offset)
{
    struct cursor cursor = book_cursor(offset);
    struct tally tally = book_tally(offset);
    assert_int_equal(ledger_begin(l, NULL), 0);
    assert_int_equal(ledger_put_source(l, key, &cursor, &tally, NULL), 0);
    assert_int_equal(ledger_commit(l, NULL), 0);
}

struct wanted {
    const char *id;
    uint64_t offset;
    size_t count;
};

static int look(void *context, const struct ledger_source *s)
{
    struct wanted *wanted = context;
    wanted->count++;
    if (wanted->id && strcmp(wanted->id, s->id) == 0)
        wanted->offset = s->cursor.offset;
    return 0;
}

static struct wanted look_through(struct ledger *l, const char *id)
{
    struct wanted wanted = {.id = id, .offset = UINT64_MAX};
    struct error error = {0};
    if (ledger_sources(l, look, &wanted, &error) < 0)
        fail_msg("%s", error.text);
    return wanted;
}

uint64_t book_offset(struct ledger *l, const char *id)
{
    return look_through(l, id).offset;
}

size_t book_source_count(struct ledger *l)
{
    return look_through(l, NULL).count;
}
