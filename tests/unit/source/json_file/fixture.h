/* fixture — a decoder, a batch and an input for the json-file tests.
 *
 * The input is copied to the very end of readable memory: behind it are BUF_SLACK bytes of what
 * could be text, then a page that nobody may touch.
 */
#pragma once

#include "base/buf.h"
#include "source/json_file/json_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { INGEST_NS = 1234567890 };

struct fixture {
    struct json_file decoder;
    struct batch batch;
    struct record_result result;
    char *pages;
    size_t pages_size; /* bytes, with the guard page */
    struct span input;
};

void fixture_init(struct fixture *f, enum message_form form);
void fixture_deinit(struct fixture *f);

/* Decodes `input` as segment 7 from offset 0; empties the batch before. */
void fixture_decode(struct fixture *f, struct span input);

/* The same with a literal, which may hold NULs, and a newline put behind it. */
#define fixture_line(f, literal) fixture_decode(f, SPAN(literal "\n"))

/* Is there exactly one entry, and is this its message? */
#define assert_message(f, literal)                                                                 \
    do {                                                                                           \
        assert_int_equal((f)->batch.count, 1);                                                     \
        assert_span((f)->batch.entries[0].message, SPAN(literal));                                 \
    } while (0)

void assert_span(struct span is, struct span expected);
void assert_gap(const struct gap *gap, enum gap_reason reason, uint64_t offset, int64_t bytes);

/* Every byte is a record's, a blank line's or a gap's. */
void assert_accounted(const struct fixture *f, uint64_t record_bytes);

/* The instruction sets this machine has: calls `test` once for each, with both forms. */
void for_each_isa(void (*test)(struct fixture *f));
