// SPDX-License-Identifier: Apache-2.0
/* What was compressed is what was given, again and again with the same contexts (R1: no byte of a
 * body is lost on its way). */
#include "sink/http/compress.h"

#include <errno.h>
#include <setjmp.h>
#include <snappy-c.h>
#include <stdarg.h>
#include <stddef.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

enum { BODY_MAX = 1024 * 1024 };

static size_t unpack(enum compression kind, struct span body, char *to, size_t size)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)body.data,
                  .avail_in = (uInt)body.size,
                  .next_out = (Bytef *)to,
                  .avail_out = (uInt)size};

    switch (kind) {
    case COMPRESSION_NONE: memcpy(to, body.data, body.size); return body.size;
    case COMPRESSION_GZIP:
        assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
        assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
        assert_int_equal(z.avail_in, 0);
        inflateEnd(&z);
        return size - z.avail_out;
    case COMPRESSION_ZSTD:
        size = ZSTD_decompress(to, size, body.data, body.size);
        assert_false(ZSTD_isError(size));
        return size;
    default:
        assert_int_equal(snappy_validate_compressed_buffer(body.data, body.size), SNAPPY_OK);
        assert_int_equal(snappy_uncompress(body.data, body.size, to, &size), SNAPPY_OK);
        return size;
    }
}

static void round_trips(enum compression kind)
{
    static const size_t sizes[] = {0, 1, 59, 60, 61, 127, 128, 16383, 16384, 65536, 300000, 7};
    static char content[300000], back[300000];
    struct buf raw = BUF_INIT(BODY_MAX), to = BUF_INIT(BODY_MAX);
    CLEANUP(compressor_free) struct compressor *c = NULL;
    struct error error;
    unsigned x = 1;

    for (size_t i = 0; i < sizeof(content); i++) /* half noise, half not */
        content[i] = (char)(i % 128 < 64 ? 'a' : (x = x * 1103515245 + 12345) >> 16);
    assert_int_equal(compressor_new(&c, kind), 0);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        size_t skip = 0;
        compress_begin(&raw);
        buf_append(&raw, (struct span){content, sizes[i]});
        assert_int_equal(compress_finish(c, &raw, &to, &skip, &error), 0);
        struct span body = {to.data + skip, to.size - skip};
        assert_int_equal(unpack(kind, body, back, sizeof(back)), sizes[i]);
        assert_memory_equal(back, content, sizes[i]);
    }
    buf_deinit(&raw);
    buf_deinit(&to);
}

static void none(void **state)
{
    round_trips(COMPRESSION_NONE);
}

static void gzip(void **state)
{
    round_trips(COMPRESSION_GZIP);
}

static void zstd(void **state)
{
    round_trips(COMPRESSION_ZSTD);
}

static void snappy(void **state)
{
    round_trips(COMPRESSION_SNAPPY);
}

/* A stored block is what its format says, to the byte: length, one literal. */
static void snappy_stored(void **state)
{
    struct buf raw = BUF_INIT(BODY_MAX), to = BUF_INIT(BODY_MAX);
    CLEANUP(compressor_free) struct compressor *c = NULL;
    struct error error;
    size_t skip = 0;

    round_trips(COMPRESSION_SNAPPY_STORED);
    assert_int_equal(compressor_new(&c, COMPRESSION_SNAPPY_STORED), 0);
    compress_begin(&raw);
    for (int i = 0; i < 300; i++)
        buf_append_char(&raw, 'x');
    assert_int_equal(compress_finish(c, &raw, &to, &skip, &error), 0);
    assert_int_equal(to.size - skip, 300 + 7);
    assert_memory_equal(to.data + skip, "\xac\x02\xfc\x2b\x01\x00\x00xxx", 10);
    buf_deinit(&raw);
    buf_deinit(&to);
}

/* A buffer that failed while it was filled is no body. */
static void a_failed_buffer_is_no_body(void **state)
{
    for (int kind = COMPRESSION_NONE; kind <= COMPRESSION_SNAPPY_STORED; kind++) {
        struct buf raw = BUF_INIT(100), to = BUF_INIT(100);
        CLEANUP(compressor_free) struct compressor *c = NULL;
        struct error error;
        size_t skip = 77;

        assert_int_equal(compressor_new(&c, (enum compression)kind), 0);
        compress_begin(&raw);
        buf_reserve(&raw, 1000);
        assert_int_equal(compress_finish(c, &raw, &to, &skip, &error), -ENOBUFS);
        assert_string_equal(error.text, "the body of a request: it is too large");
        assert_int_equal(skip, 77);
        buf_deinit(&raw);
        buf_deinit(&to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none),          cmocka_unit_test(gzip),
        cmocka_unit_test(zstd),          cmocka_unit_test(snappy),
        cmocka_unit_test(snappy_stored), cmocka_unit_test(a_failed_buffer_is_no_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
