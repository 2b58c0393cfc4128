/* local_fixture — a batch and frames for the tests of the local driver's format.
 *
 * What is decoded is copied into a block of exactly its size, so that a sanitizer sees a read past
 * its end.
 */
#pragma once

#include "base/buf.h"
#include "source/local_file/frame.h"
#include "source/local_file/frame_write.h"
#include "source/local_file/local_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { INGEST_NS = 1234567890 };
#define TIME_NS INT64_C(1795449731000000000)

struct local_fixture {
    struct batch batch;
    struct record_result result;
    struct buf file; /* what put_… appends, for decode_file() */
    char *copy;
};

void local_fixture_init(struct local_fixture *f, enum message_form form);
void local_fixture_deinit(struct local_fixture *f);

/* Appends a record of stdout, `line` long after TIME_NS as its number says. */
void put_line(struct local_fixture *f, int number, const char *line);
void put_chunk(struct local_fixture *f, int number, const char *line, uint32_t ordinal, bool last);
/* Appends a frame around any payload. */
void put_payload(struct local_fixture *f, struct span payload);
#define put_bytes(f, literal) buf_append(&(f)->file, SPAN(literal))
void put_nuls(struct local_fixture *f, size_t count);

/* Decodes all whole frames of the file, as segment 7 from offset 0; empties the batch before. */
void decode_file(struct local_fixture *f);
/* The same with these bytes, whole or not. */
void decode_span(struct local_fixture *f, struct span input);

void assert_span(struct span is, struct span expected);
/* The message of entry `i`. */
void assert_message(const struct local_fixture *f, size_t i, const char *expected);
void assert_gap(const struct gap *gap, enum gap_reason reason, uint64_t offset, int64_t bytes);
