/* fingerprint — what tells one segment's content from another's: xxh3-128 of its first whole
 * record.
 *
 * The time stands at a record's end, so nothing shorter than a record would do. NUL runs and damage
 * before it are passed over; the search ends after FINGERPRINT_SEARCH_MAX bytes.
 *
 * - Thread: one per reader.
 */
#pragma once

#include "source/reader.h"

/* 0 with *ret, READER_END where there is no whole record (yet), other reader outcomes or -errno.
 * `scratch` is emptied. Does not store what it finds. */
int fingerprint_read(struct reader *r, struct segment *s, struct batch *scratch,
                     struct fingerprint *ret) MUST_CHECK;

/* Stores it in the segment, unless it is known. Same answers. */
int fingerprint_learn(struct reader *r, struct segment *s, struct batch *scratch) MUST_CHECK;

/* Of a record's raw bytes, of a line without its newline. */
struct fingerprint fingerprint_of(struct span record);
