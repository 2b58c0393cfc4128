// SPDX-License-Identifier: Apache-2.0
#include "sink/http/compress.h"

#include <errno.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

/* The fastest: a collector is to spare the processor, and log lines shrink well anyhow. */
enum { GZIP_LEVEL = 1, ZSTD_LEVEL = 1 };
enum { GZIP_WINDOW_BITS = 15 + 16 /* zlib: 16 more means gzip's frame */, GZIP_MEMORY_LEVEL = 8 };

enum {
    SNAPPY_LITERAL_4 = 63 << 2, /* tag: a literal whose length less one follows in four bytes */
    VARINT_MORE = 0x80,
    VARINT_BITS = 7,
};

struct compressor {
    enum compression kind;
    z_stream deflater; /* owned once `deflates` */
    bool deflates;
    ZSTD_CCtx *zstd; /* owned; NULL until the first body */
};

int compressor_new(struct compressor **ret, enum compression kind)
{
    struct compressor *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->kind = kind;
    *ret = c;
    return 0;
}

struct compressor *compressor_free(struct compressor *c)
{
    if (!c)
        return NULL;

    if (c->deflates)
        deflateEnd(&c->deflater);
    ZSTD_freeCCtx(c->zstd);
    free(c);
    return NULL;
}

void compress_begin(struct buf *raw)
{
    buf_clear(raw);
    if (buf_reserve(raw, COMPRESS_HEAD_BYTES))
        raw->size = COMPRESS_HEAD_BYTES;
}

/* Where up to `size` bytes of the body go; NULL: no memory. */
static char *room(struct buf *to, size_t size)
{
    buf_clear(to);
    return buf_reserve(to, size);
}

static int gzip(struct compressor *c, struct span content, struct buf *to)
{
    int r = c->deflates ? deflateReset(&c->deflater)
                        : deflateInit2(&c->deflater, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS,
                                       GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    if (r != Z_OK)
        return -ENOMEM;
    c->deflates = true;
    size_t bound = deflateBound(&c->deflater, content.size);
    char *at = room(to, bound);
    if (!at)
        return to->failed;
    c->deflater.next_in = (Bytef *)(uintptr_t)content.data;
    c->deflater.avail_in = (uInt)content.size;
    c->deflater.next_out = (Bytef *)at;
    c->deflater.avail_out = (uInt)bound;
    if (deflate(&c->deflater, Z_FINISH) != Z_STREAM_END)
        return -EIO;
    to->size = bound - c->deflater.avail_out;
    return 0;
}

static int zstd(struct compressor *c, struct span content, struct buf *to)
{
    if (!c->zstd)
        c->zstd = ZSTD_createCCtx();
    if (!c->zstd)
        return -ENOMEM;
    size_t bound = ZSTD_compressBound(content.size);
    char *at = room(to, bound);
    if (!at)
        return to->failed;
    size_t size = ZSTD_compressCCtx(c->zstd, at, bound, content.data, content.size, ZSTD_LEVEL);
    if (ZSTD_isError(size))
        return -ENOMEM;
    to->size = size;
    return 0;
}

static int snappy(struct span content, struct buf *to)
{
    size_t size = snappy_max_compressed_length(content.size);
    char *at = room(to, size);
    if (!at)
        return to->failed;
    if (snappy_compress(content.data, content.size, at, &size) != SNAPPY_OK)
        return -EIO;
    to->size = size;
    return 0;
}

/* Writes the head of a stored block right before the content; returns where it begins. */
static size_t put_stored_head(struct buf *raw)
{
    size_t content = raw->size - COMPRESS_HEAD_BYTES, size = 0;
    unsigned char head[COMPRESS_HEAD_BYTES];

    for (size_t left = content;; left >>= VARINT_BITS) {
        bool more = left >= VARINT_MORE;
        head[size++] = (unsigned char)((left & (VARINT_MORE - 1)) | (more ? VARINT_MORE : 0));
        if (!more)
            break;
    }
    if (content > 0) { /* the length of a literal is at least one */
        head[size++] = SNAPPY_LITERAL_4;
        for (unsigned byte = 0; byte < 4; byte++)
            head[size++] = (unsigned char)((content - 1) >> (8 * byte));
    }
    memcpy(raw->data + COMPRESS_HEAD_BYTES - size, head, size);
    return COMPRESS_HEAD_BYTES - size;
}

static void swap(struct buf *a, struct buf *b)
{
    struct buf was = *a;
    *a = *b;
    *b = was;
}

int compress_finish(struct compressor *c, struct buf *raw, struct buf *to, size_t *ret_skip,
                    struct error *error)
{
    bool in_place = c->kind == COMPRESSION_NONE || c->kind == COMPRESSION_SNAPPY_STORED;
    size_t skip = in_place ? COMPRESS_HEAD_BYTES : 0;
    int r = raw->failed;

    if (r == 0 && raw->size - COMPRESS_HEAD_BYTES > COMPRESS_CONTENT_MAX)
        r = -ENOBUFS;
    if (r < 0)
        return error_set(error, r, "the body of a request: %s",
                         r == -ENOBUFS ? "it is too large" : strerror(-r));
    struct span content = {raw->data + COMPRESS_HEAD_BYTES, raw->size - COMPRESS_HEAD_BYTES};
    switch (c->kind) {
    case COMPRESSION_NONE: break;
    case COMPRESSION_SNAPPY_STORED: skip = put_stored_head(raw); break;
    case COMPRESSION_GZIP: r = gzip(c, content, to); break;
    case COMPRESSION_ZSTD: r = zstd(c, content, to); break;
    case COMPRESSION_SNAPPY: r = snappy(content, to); break;
    }
    if (r < 0)
        return error_set(error, r, "compressing a body of %zu bytes: %s", content.size,
                         strerror(-r));
    if (in_place)
        swap(raw, to);
    *ret_skip = skip;
    return 0;
}

const char *compression_encoding(enum compression kind)
{
    return kind == COMPRESSION_GZIP ? "gzip" : kind == COMPRESSION_ZSTD ? "zstd" : NULL;
}
