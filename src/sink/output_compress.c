// SPDX-License-Identifier: Apache-2.0
#include "sink/output_compress.h"

#include "base/clock.h"
#include "base/resource.h"
#include "sink/output_path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

enum {
    GZIP_LEVEL = 3, /* less than half of level 6's time, for an eighth more bytes */
    GZIP_WINDOW_BITS = 15,
    GZIP_HEADER = 16, /* added to the window's bits: RFC 1952 instead of 1950 */
    GZIP_MEMORY_LEVEL = 8,
    ZSTD_LEVEL = 1,
    ZSTD_WINDOW_BITS = 14, /* lines repeat what is near: two more bits save a hundredth */
    ZSTD_HASH_BITS = 14,
};

struct output_compressor {
    char *output; /* owned */
    char *aside;  /* owned: the path that is written */
    struct rotation rotation;
    int from_fd, to_fd; /* owned */
    struct output_found from;
    z_stream gzip;
    bool gzip_begun;
    ZSTD_CCtx *zstd; /* owned */
    unsigned char in[COMPRESS_BUFFER_BYTES], out[COMPRESS_BUFFER_BYTES];
};

static int failed(const struct output_compressor *c, int code, const char *what,
                  struct error *error)
{
    return error_set(error, -code, "compressing %s: %s %s: %s", c->output, what, c->aside,
                     strerror(code));
}

struct output_compressor *output_compressor_free(struct output_compressor *c)
{
    if (!c)
        return NULL;
    if (c->gzip_begun)
        deflateEnd(&c->gzip);
    ZSTD_freeCCtx(c->zstd);
    if (c->from_fd >= 0)
        resource_closed(RESOURCE_OUTPUT);
    c->from_fd = close_fd(c->from_fd);
    if (c->to_fd >= 0) {
        resource_closed(RESOURCE_OUTPUT);
        (void)unlink(c->aside); /* where it is finished it has been renamed */
    }
    c->to_fd = close_fd(c->to_fd);
    free(c->output);
    free(c->aside);
    free(c);
    return NULL;
}

static int begin_gzip(struct output_compressor *c)
{
    int r = deflateInit2(&c->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS + GZIP_HEADER,
                         GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    c->gzip_begun = r == Z_OK;
    return r == Z_OK ? 0 : -ENOMEM;
}

static int begin_zstd(struct output_compressor *c)
{
    static const struct {
        ZSTD_cParameter name;
        int value;
    } choices[] = {{ZSTD_c_compressionLevel, ZSTD_LEVEL},
                   {ZSTD_c_windowLog, ZSTD_WINDOW_BITS},
                   {ZSTD_c_hashLog, ZSTD_HASH_BITS},
                   {ZSTD_c_checksumFlag, 1}};
    c->zstd = ZSTD_createCCtx();
    if (!c->zstd)
        return -ENOMEM;
    for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
        if (ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, choices[i].name, choices[i].value)))
            return -EINVAL;
    return 0;
}

static int open_from(struct output_compressor *c, unsigned number, struct error *error)
{
    char path[ROTATED_PATH_MAX];
    rotated_path(path, c->output, number, ROTATED_PLAIN);
    c->from_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (c->from_fd < 0)
        return error_set(error, -errno, "opening %s: %s", path, strerror(errno));
    resource_opened(RESOURCE_OUTPUT);
    int r = output_path_look(c->from_fd, "", &c->from);
    return r < 0 ? error_set(error, r, "%s: %s", path, strerror(-r)) : 0;
}

/* What a crash has left there is ours, and of no use. */
static int open_aside(struct output_compressor *c, struct error *error)
{
    if (unlink(c->aside) < 0 && errno != ENOENT)
        return failed(c, errno, "removing", error);
    c->to_fd = open(c->aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (c->to_fd < 0)
        return failed(c, errno, "making", error);
    resource_opened(RESOURCE_OUTPUT);
    return 0;
}

int output_compressor_new(struct output_compressor **ret, const char *output,
                          const struct rotation *rotation, unsigned number, struct error *error)
{
    char aside[ROTATED_PATH_MAX];
    rotated_path_aside(aside, output);
    CLEANUP(output_compressor_free) struct output_compressor *c = calloc(1, sizeof(*c));
    if (!c)
        return error_set(error, -ENOMEM, "%s: no memory to compress it", output);
    c->from_fd = c->to_fd = -1;
    c->rotation = *rotation;
    c->output = strdup(output);
    c->aside = strdup(aside);
    int r = c->output && c->aside ? 0 : -ENOMEM;
    if (r == 0)
        r = rotation->compression == ROTATED_GZIP ? begin_gzip(c) : begin_zstd(c);
    if (r < 0)
        return error_set(error, r, "%s: no memory to compress it", output);
    r = open_from(c, number, error);
    if (r == 0)
        r = open_aside(c, error);
    if (r < 0)
        return r;
    *ret = TAKE(c);
    return 0;
}

static int write_out(struct output_compressor *c, size_t size, struct error *error)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = write(c->to_fd, c->out + at, size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failed(c, n < 0 ? errno : EIO, "writing", error);
        at += (size_t)n;
    }
    return 0;
}

static int feed_gzip(struct output_compressor *c, size_t size, bool last, struct error *error)
{
    c->gzip.next_in = c->in;
    c->gzip.avail_in = (uInt)size;
    do {
        c->gzip.next_out = c->out;
        c->gzip.avail_out = sizeof(c->out);
        if (deflate(&c->gzip, last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR)
            return failed(c, EINVAL, "deflating into", error);
        int r = write_out(c, sizeof(c->out) - c->gzip.avail_out, error);
        if (r < 0)
            return r;
    } while (c->gzip.avail_out == 0);
    return 0;
}

static int feed_zstd(struct output_compressor *c, size_t size, bool last, struct error *error)
{
    ZSTD_inBuffer in = {c->in, size, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {c->out, sizeof(c->out), 0};
        left = ZSTD_compressStream2(c->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return error_set(error, -EIO, "compressing %s: %s", c->output, ZSTD_getErrorName(left));
        int r = write_out(c, out.pos, error);
        if (r < 0)
            return r;
    } while (last ? left > 0 : in.pos < in.size);
    return 0;
}

static int feed(struct output_compressor *c, size_t size, bool last, struct error *error)
{
    return c->rotation.compression == ROTATED_GZIP ? feed_gzip(c, size, last, error)
                                                   : feed_zstd(c, size, last, error);
}

/* Rotations have moved it up meanwhile. 0: it is gone. */
static unsigned find_number(const struct output_compressor *c)
{
    char path[ROTATED_PATH_MAX];
    struct output_found found;
    for (unsigned number = 1; number <= c->rotation.max_files; number++) {
        rotated_path(path, c->output, number, ROTATED_PLAIN);
        if (output_path_look(AT_FDCWD, path, &found) == 0 && file_id_equal(found.id, c->from.id))
            return number;
    }
    return 0;
}

/* As readable as the plain file, as old, and durable. */
static int complete(struct output_compressor *c, struct error *error)
{
    struct stat st;
    struct timespec times[] = {
        {.tv_nsec = UTIME_OMIT},
        {c->from.changed_ns / NS_PER_SECOND, c->from.changed_ns % NS_PER_SECOND}};
    if (fstat(c->from_fd, &st) < 0 || fchmod(c->to_fd, st.st_mode & 0777) < 0 ||
        futimens(c->to_fd, times) < 0)
        return failed(c, errno, "completing", error);
    return fsync(c->to_fd) < 0 ? failed(c, errno, "syncing", error) : 0;
}

static int finish(struct output_compressor *c, struct error *error)
{
    char plain[ROTATED_PATH_MAX], packed[ROTATED_PATH_MAX];
    unsigned number = find_number(c);
    int r = number ? complete(c, error) : 0;
    if (r < 0 || number == 0)
        return r;
    rotated_path(plain, c->output, number, ROTATED_PLAIN);
    rotated_path(packed, c->output, number, c->rotation.compression);
    r = rotated_rename(c->aside, packed, error);
    if (r == 0)
        r = output_path_sync_directory(packed, error);
    if (r == 0 && unlink(plain) < 0)
        r = error_set(error, -errno, "removing %s: %s", plain, strerror(errno));
    return r;
}

int output_compressor_step(struct output_compressor *c, struct error *error)
{
    for (size_t done = 0; done < COMPRESS_SLICE_BYTES; done += sizeof(c->in)) {
        ssize_t n = read(c->from_fd, c->in, sizeof(c->in));
        if (n < 0)
            return error_set(error, -errno, "reading a rotated file of %s: %s", c->output,
                             strerror(errno));
        int r = feed(c, (size_t)n, n == 0, error);
        if (r < 0)
            return r;
        if (n == 0)
            return finish(c, error);
    }
    /* So that the last step has little left to wait for. */
    (void)sync_file_range(c->to_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    return COMPRESS_MORE;
}
