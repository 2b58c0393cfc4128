// SPDX-License-Identifier: Apache-2.0
#include "source/inflater.h"

#include <errno.h>

enum {
    INPUT_BYTES = 64 * 1024,
    GZIP_WINDOW_BITS = 15 + 16, /* 32 KiB window, gzip wrapping only */
};

void inflater_init(struct inflater *f, size_t window_max)
{
    *f = (struct inflater){.window = BUF_INIT(window_max)};
}

void inflater_restart(struct inflater *f)
{
    if (f->started)
        inflateEnd(&f->stream);
    f->started = f->finished = f->damaged = false;
    f->file_at = f->base = 0;
    buf_clear(&f->window);
}

void inflater_deinit(struct inflater *f)
{
    inflater_restart(f);
    buf_deinit(&f->window);
}

static int start(struct inflater *f)
{
    if (f->started)
        return 0;
    f->stream = (z_stream){0};
    if (inflateInit2(&f->stream, GZIP_WINDOW_BITS) != Z_OK)
        return -ENOMEM;
    f->started = true;
    return 0;
}

/* Inflates what one read of the file gives into the window, which has room for `room` bytes more.
 */
static int inflate_some(struct inflater *f, int fd, size_t room)
{
    unsigned char input[INPUT_BYTES];
    ssize_t n = pread(fd, input, sizeof(input), (off_t)f->file_at);
    if (n < 0)
        return -errno;
    if (n == 0) {
        f->finished = f->damaged = true;
        return 0;
    }

    f->stream.next_in = input;
    f->stream.avail_in = (unsigned)n;
    f->stream.next_out = (unsigned char *)f->window.data + f->window.size;
    f->stream.avail_out = (unsigned)room;
    int r = inflate(&f->stream, Z_NO_FLUSH);
    f->window.size += room - f->stream.avail_out;
    f->file_at += (size_t)n - f->stream.avail_in;
    if (r == Z_STREAM_END) {
        f->finished = true;
    } else if (r != Z_OK && r != Z_BUF_ERROR) {
        f->finished = f->damaged = true;
    }
    return 0;
}

/* Drops the window's bytes before `offset`, those that are there. */
static void drop_before(struct inflater *f, uint64_t offset)
{
    uint64_t drop = offset - f->base;
    if (drop > f->window.size)
        drop = f->window.size;
    memmove(f->window.data, f->window.data + drop, f->window.size - drop);
    f->window.size -= drop;
    f->base += drop;
}

int inflater_read(struct inflater *f, int fd, uint64_t offset, size_t want, struct span *ret)
{
    if (offset < f->base)
        inflater_restart(f);
    int r = start(f);
    if (r < 0)
        return r;
    if (!buf_reserve(&f->window, want > f->window.size ? want - f->window.size : 0))
        return f->window.failed;

    uint64_t inflated = 0;
    for (;;) {
        drop_before(f, offset);
        bool there = f->base == offset;
        if (f->finished || (there && f->window.size >= want))
            break;
        if (!there && inflated > INFLATE_STEP_MAX)
            return INFLATER_AGAIN;
        size_t before = f->window.size;
        r = inflate_some(f, fd, f->window.capacity - f->window.size);
        if (r < 0)
            return r;
        inflated += f->window.size - before;
    }
    *ret = f->base == offset ? buf_span(&f->window) : (struct span){f->window.data, 0};
    return 0;
}
