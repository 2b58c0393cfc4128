/* json_file — Docker's json-file lines, decoded into the entries of a batch.
 *
 * Pure: no I/O, no clock (what has no time of its own is stamped with batch->ingest_ns), no heap.
 * One entry per record: joining the records of a long line is the caller's.
 *
 * The order of a record's members does not matter; unknown ones are ignored. Lines of exactly the
 * shape that Docker writes take a short way through vector code (fast_template.h); all others,
 * damaged ones among them, go through a tokenizer (record.h). Both give the same.
 *
 * - Owns: nothing. Entries point into `input` and into the batch's arena.
 * - Limits: an object nested deeper than RECORD_DEPTH_MAX is no record. No line of `input` may be
 *   longer than RECORD_BYTES_MAX, or an empty batch might not hold it.
 * - Thread: any; one decoder belongs to one thread at a time.
 * - Source of the format: Docker's json-file log driver, {"log":"…","stream":"…","time":"…"}\n; the
 *   text ends with the escape \n where the record ends a line.
 */
#pragma once

#include "base/buf.h"
#include "model/entry.h"
#include "source/record_format.h"

#include <stdbool.h>
#include <stdint.h>

enum json_file_isa { JSON_FILE_PORTABLE, JSON_FILE_SSE2, JSON_FILE_AVX2, JSON_FILE_ISA_COUNT };

enum { JSON_FILE_SECOND_SIZE = 19 /* bytes of "2026-11-23T16:02:11" */ };

struct json_file_decoding;

struct json_file {
    enum message_form form;
    void (*fast_lines)(struct json_file_decoding *decoding);
    char second[JSON_FILE_SECOND_SIZE]; /* of the last fast line, as text and in ns: most lines */
    int64_t second_ns;                  /* share it with the line before */
};

/* Takes the fastest instruction set that this machine has. */
void json_file_init(struct json_file *d, enum message_form form);

/* Takes this one, for tests and benchmarks. 0, or -ENOTSUP where the machine does not have it. */
int json_file_use(struct json_file *d, enum json_file_isa isa) MUST_CHECK;

/* Decodes whole lines of `input`, which ends with a newline and has BUF_SLACK readable bytes behind
 * it, into `batch`, whose form is the decoder's. Stops before the line for which the batch's
 * entries, gaps (a damaged line may need two) or arena have no room.
 *
 * Of each record: the message without the one newline it ends with, ENTRY_UNTERMINATED where it
 * ends with none. source_bytes is exact where the record is unterminated (a \ufffd escape, which
 * stands for a byte that Docker could not write, counts 1) and 0 elsewhere.
 *
 * What is no record is booked: blank lines in blank_lines and bytes_blank; NULs around a record as
 * GAP_NUL; a fragment before a record in the same line as GAP_TORN; else the line as GAP_MALFORMED.
 * Neighbours of one reason are one gap. For each call bytes_consumed grows by the bytes of records
 * (with their newlines), of blank lines and of gaps, and by no more.
 *
 * A message in FORM_JSON stands as in the file, or, where it holds invalid UTF-8 or half of a
 * surrogate pair, is written anew with U+FFFD for each; so is attrs in either form. FORM_BYTES
 * passes invalid UTF-8 through. */
void json_file_decode(struct json_file *d, struct span input, const struct record_position *at,
                      struct batch *batch, struct record_result *ret);

/* Is `line` (with or without its newline) a complete record: valid JSON in valid UTF-8, a log that
 * is not empty, a stream of the two, an RFC 3339 time? */
bool json_file_valid(struct span line);
