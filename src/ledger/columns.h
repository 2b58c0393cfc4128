/* columns — how the nouns of model/ stand in a table: their columns, in one order for SQL and C.
 *
 * NAME_COLUMNS is the list of names, NAME_PARAMETERS its question marks; put_NAME and get_NAME take
 * as many places of a row, in that order. A mismatch of names fails at open, when the statements
 * are prepared.
 *
 * A fingerprint is 32 hex digits, "" where it is not known, so that it can be compared by eye and
 * across files. Times that are not known are NULL.
 */
#pragma once

#include "ledger/row.h"
#include "model/cursor.h"
#include "model/gap.h"
#include "model/tally.h"

#define FILE_COLUMNS(prefix) prefix "device, " prefix "inode, " prefix "birth_ns"
#define FILE_PARAMETERS      "?, ?, ?"
void put_file(struct row *row, const struct file_id *file);
void get_file(struct row *row, struct file_id *ret);

#define SEGMENT_COLUMNS(prefix) prefix "serial, " prefix "fingerprint, " FILE_COLUMNS(prefix)
#define SEGMENT_PARAMETERS      "?, ?, " FILE_PARAMETERS
void put_segment(struct row *row, const struct segment_ref *segment);
void get_segment(struct row *row, struct segment_ref *ret);

/* A cursor without the places of its open lines: those are rows of their own, for the few that have
 * one. */
#define CURSOR_COLUMNS(prefix)                                                                     \
    prefix                                                                                         \
        "position, " SEGMENT_COLUMNS(prefix) ", " prefix                                           \
                                             "offset, last_ns, last_hash, last_size, skipping, "   \
                                             "stdout_open, stderr_open"
#define CURSOR_PARAMETERS "?, " SEGMENT_PARAMETERS ", ?, ?, ?, ?, ?, ?, ?"
void put_cursor(struct row *row, const struct cursor *cursor);
void get_cursor(struct row *row, struct cursor *ret);

#define OPEN_LINE_COLUMNS(prefix)                                                                  \
    SEGMENT_COLUMNS(prefix) ", " prefix "offset, " prefix "time_ns, " prefix "continued"
#define OPEN_LINE_PARAMETERS SEGMENT_PARAMETERS ", ?, ?, ?"
void put_open_line(struct row *row, const struct open_line *line);
/* After get_cursor, which says whether there is one; if not, passes its columns by. */
void get_open_line(struct row *row, struct open_line *ret);

#define TALLY_COLUMNS                                                                              \
    "lines_read, lines_delivered, lines_filtered, lines_refused, lines_lost, records_read, "       \
    "bytes_read, bytes_records, bytes_blank, bytes_gap, bytes_skipped, gaps, gap_bytes, "          \
    "gaps_unknown"
#define TALLY_PARAMETERS "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
void put_tally(struct row *row, const struct tally *tally);
/* Adds the row's tally to `sum`. */
void add_tally(struct row *row, struct tally *sum);

/* The word of a gap's reason. */
void put_reason(struct row *row, enum gap_reason reason);
enum gap_reason get_reason(struct row *row);
