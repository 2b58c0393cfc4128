/* decoding — one call of json_file_decode under way, between json_file.c and the vector code.
 *
 * A fast_lines function takes lines off the front as long as they have exactly Docker's shape and
 * the batch has room; the first other line it leaves untouched, for the tokenizer to judge.
 *
 * - Owns: nothing.
 */
#pragma once

#include "source/booking.h"
#include "source/json_file/json_file.h"

struct json_file_decoding {
    struct json_file *decoder;
    struct batch *batch;
    struct booking booking;
    struct record_position position; /* of `start` */
    const char *start;               /* of the input */
    const char *at;                  /* the first line not decoded yet */
    const char *end;                 /* behind the last newline; BUF_SLACK bytes follow */
    struct span last_record;
};

static inline uint64_t decoding_offset(const struct json_file_decoding *k, const char *p)
{
    return k->position.offset + (uint64_t)(p - k->start);
}

void json_file_fast_lines_portable(struct json_file_decoding *k);
void json_file_fast_lines_sse2(struct json_file_decoding *k);
void json_file_fast_lines_avx2(struct json_file_decoding *k);
