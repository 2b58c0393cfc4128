// SPDX-License-Identifier: Apache-2.0
#include "ledger/columns.h"

#include <string.h>

/* Stable: they stand in the files of users. In the order of the enums. */
static const char *const position_words[] = {"beginning", "at", "done", "ended"};
static const char *const open_words[] = {"none", "line", "cut"};

/* In the order of TALLY_COLUMNS. */
static const size_t tally_fields[] = {
    offsetof(struct tally, lines_read),     offsetof(struct tally, lines_delivered),
    offsetof(struct tally, lines_filtered), offsetof(struct tally, lines_refused),
    offsetof(struct tally, lines_lost),     offsetof(struct tally, records_read),
    offsetof(struct tally, bytes_read),     offsetof(struct tally, bytes_records),
    offsetof(struct tally, bytes_blank),    offsetof(struct tally, bytes_gap),
    offsetof(struct tally, bytes_skipped),  offsetof(struct tally, gaps),
    offsetof(struct tally, gap_bytes),      offsetof(struct tally, gaps_unknown),
};
_Static_assert(ARRAY_SIZE(tally_fields) * sizeof(uint64_t) == sizeof(struct tally),
               "each field of a tally has a column");

void put_file(struct row *row, const struct file_id *file)
{
    row_put_u64(row, file->device);
    row_put_u64(row, file->inode);
    row_put_i64(row, file->birth_ns);
}

void get_file(struct row *row, struct file_id *ret)
{
    ret->device = row_get_u64(row);
    ret->inode = row_get_u64(row);
    ret->birth_ns = row_get_i64(row);
}

enum { HALF_DIGITS = 16, FINGERPRINT_DIGITS = 2 * HALF_DIGITS };
static const char hex[] = "0123456789abcdef";

static void hex_put(char *to, uint64_t half)
{
    for (int i = HALF_DIGITS - 1; i >= 0; i--, half >>= 4)
        to[i] = hex[half & 15];
}

static bool hex_get(const char *from, uint64_t *ret)
{
    uint64_t half = 0;
    for (int i = 0; i < HALF_DIGITS; i++) {
        const char *digit = memchr(hex, from[i], sizeof(hex) - 1);
        if (!digit)
            return false;
        half = half << 4 | (uint64_t)(digit - hex);
    }
    *ret = half;
    return true;
}

static void put_fingerprint(struct row *row, struct fingerprint fingerprint)
{
    char digits[FINGERPRINT_DIGITS];
    hex_put(digits, fingerprint.high);
    hex_put(digits + HALF_DIGITS, fingerprint.low);
    row_put_copy(row, digits, fingerprint_known(fingerprint) ? sizeof(digits) : 0);
}

static struct fingerprint get_fingerprint(struct row *row)
{
    struct fingerprint fingerprint = {0};
    const char *digits = row_get_text(row);

    if (*digits == '\0')
        return fingerprint;
    if (strlen(digits) != FINGERPRINT_DIGITS || !hex_get(digits, &fingerprint.high) ||
        !hex_get(digits + HALF_DIGITS, &fingerprint.low))
        row_fail(row, SQLITE_CORRUPT);
    return fingerprint;
}

void put_segment(struct row *row, const struct segment_ref *segment)
{
    row_put_u64(row, segment->serial);
    put_fingerprint(row, segment->fingerprint);
    put_file(row, &segment->file);
}

void get_segment(struct row *row, struct segment_ref *ret)
{
    ret->serial = row_get_u64(row);
    ret->fingerprint = get_fingerprint(row);
    get_file(row, &ret->file);
}

void put_cursor(struct row *row, const struct cursor *cursor)
{
    row_put_text(row, position_words[cursor->kind]);
    put_segment(row, &cursor->segment);
    row_put_u64(row, cursor->offset);
    row_put_unless(row, cursor->last_ns, CURSOR_NO_TIME);
    row_put_u64(row, cursor->last_hash);
    row_put_u64(row, cursor->last_size);
    row_put_bool(row, cursor->skipping);
    row_put_text(row, open_words[cursor->open[STREAM_STDOUT].kind]);
    row_put_text(row, open_words[cursor->open[STREAM_STDERR].kind]);
}

void get_cursor(struct row *row, struct cursor *ret)
{
    ret->kind = row_get_word(row, position_words, ARRAY_SIZE(position_words));
    get_segment(row, &ret->segment);
    ret->offset = row_get_u64(row);
    ret->last_ns = row_get_unless(row, CURSOR_NO_TIME);
    ret->last_hash = row_get_u64(row);
    ret->last_size = row_get_u64(row);
    ret->skipping = row_get_bool(row);
    ret->open[STREAM_STDOUT].kind = row_get_word(row, open_words, ARRAY_SIZE(open_words));
    ret->open[STREAM_STDERR].kind = row_get_word(row, open_words, ARRAY_SIZE(open_words));
}

void put_open_line(struct row *row, const struct open_line *line)
{
    put_segment(row, &line->segment);
    row_put_u64(row, line->offset);
    row_put_unless(row, line->time_ns, CURSOR_NO_TIME);
    row_put_bool(row, line->continued);
}

enum { OPEN_LINE_COLUMN_COUNT = 8 };

void get_open_line(struct row *row, struct open_line *ret)
{
    if (ret->kind == OPEN_NONE) {
        row_skip(row, OPEN_LINE_COLUMN_COUNT);
        return;
    }
    get_segment(row, &ret->segment);
    ret->offset = row_get_u64(row);
    ret->time_ns = row_get_unless(row, CURSOR_NO_TIME);
    ret->continued = row_get_bool(row);
}

void put_tally(struct row *row, const struct tally *tally)
{
    for (size_t i = 0; i < ARRAY_SIZE(tally_fields); i++) {
        const void *field = (const char *)tally + tally_fields[i];
        row_put_u64(row, *(const uint64_t *)field);
    }
}

void add_tally(struct row *row, struct tally *sum)
{
    for (size_t i = 0; i < ARRAY_SIZE(tally_fields); i++) {
        void *field = (char *)sum + tally_fields[i];
        *(uint64_t *)field += row_get_u64(row);
    }
}

void put_reason(struct row *row, enum gap_reason reason)
{
    row_put_text(row, gap_reason_word(reason));
}

enum gap_reason get_reason(struct row *row)
{
    int reason = gap_reason_from_word(row_get_text(row));
    if (reason >= 0)
        return reason;

    row_fail(row, SQLITE_CORRUPT);
    return 0;
}
