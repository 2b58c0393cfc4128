/* compress — a body as it goes over the wire: none, gzip (RFC 1952), zstd (RFC 8878), snappy's
 * block format, and a snappy block that only stores.
 *
 *     compress_begin(raw) → append the content → compress_finish(c, raw, to, &skip, &error)
 *
 * Before the content there is room for what a stored block begins with, so that nothing is copied
 * where nothing is compressed.
 *
 * - Owns: its contexts, made at the first body and used for all.
 * - Limits: COMPRESS_CONTENT_MAX bytes of content.
 * - Thread: one.
 * - Errors: -errno with words; the content is as it was.
 * - Source of the format: google/snappy, format_description.txt.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

enum compression {
    COMPRESSION_NONE,
    COMPRESSION_GZIP,
    COMPRESSION_ZSTD,
    COMPRESSION_SNAPPY,
    COMPRESSION_SNAPPY_STORED, /* a valid block of one literal: costs nothing, saves nothing */
};

enum {
    COMPRESS_HEAD_BYTES = 10, /* a length of up to 5, a tag, a length of 4 */
    COMPRESS_CONTENT_MAX = 128 * 1024 * 1024,
};

struct compressor;

/* 0 or -ENOMEM. */
int compressor_new(struct compressor **ret, enum compression kind) MUST_CHECK;
struct compressor *compressor_free(struct compressor *c);
DEFINE_CLEANUP(struct compressor *, compressor_free)

/* Empties `raw` and makes room for the head. */
void compress_begin(struct buf *raw);

/* The body is what stands in `to` after its first *ret_skip bytes. What `raw` holds is lost: where
 * nothing is compressed, the two have changed places. */
int compress_finish(struct compressor *c, struct buf *raw, struct buf *to, size_t *ret_skip,
                    struct error *error) MUST_CHECK;

/* As Content-Encoding names it; NULL for none, and for snappy, which is a matter of the protocol
 * that asks for it. */
const char *compression_encoding(enum compression kind);
