/* buf — a growing byte buffer that cannot grow past its maximum.
 *
 * The first failure (too large, no memory) is sticky: what is appended later is dropped and
 * `failed` says so, so that a long encoding checks once, at its end.
 *
 * - Owns: its memory, from the heap. Always BUF_SLACK readable and writable bytes past `size`, for
 *   vector loads and stores that run over the end.
 * - Limits: size_max, given at birth.
 * - Thread: one.
 */
#pragma once

#include "base/cleanup.h"
#include "base/span.h"

#include <stdint.h>

enum {
    BUF_SLACK = 64,     /* bytes */
    BUF_ALIGNMENT = 64, /* bytes, of buf_begin_aligned's memory */
};

struct buf {
    char *data;
    size_t size;     /* bytes used */
    size_t capacity; /* bytes usable before it must grow, without the slack */
    size_t size_max; /* bytes */
    int failed;      /* 0, -ENOBUFS or -ENOMEM */
};

#define BUF_INIT(max) ((struct buf){.size_max = (max)})

void buf_deinit(struct buf *b);
static inline void buf_deinit_cleanup(struct buf *b)
{
    buf_deinit(b);
}

/* Gives a buffer that has no memory yet room for `size` bytes, at most size_max. They are aligned
 * until it grows: the kernel copies from there into a file for a tenth less than from malloc's. */
void buf_begin_aligned(struct buf *b, size_t size);

/* Makes room for `size` more bytes. Returns where they go, NULL once the buffer has failed. */
char *buf_grow(struct buf *b, size_t size);

static inline char *buf_reserve(struct buf *b, size_t size)
{
    if (__builtin_expect(!b->failed && b->data && b->capacity - b->size >= size, 1))
        return b->data + b->size;
    return buf_grow(b, size);
}

static inline void buf_append(struct buf *b, struct span s)
{
    char *to = buf_reserve(b, s.size);
    if (!to)
        return;
    if (s.size)
        memcpy(to, s.data, s.size);
    b->size += s.size;
}

static inline void buf_append_char(struct buf *b, char c)
{
    char *to = buf_reserve(b, 1);
    if (!to)
        return;
    *to = c;
    b->size++;
}

void buf_append_format(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* Forgets the content and the failure, keeps the memory. */
static inline void buf_clear(struct buf *b)
{
    b->size = 0;
    b->failed = 0;
}

static inline struct span buf_span(const struct buf *b)
{
    return (struct span){b->data, b->size};
}

/* The content as a string; it stays the buffer's. NULL when the buffer has failed. */
const char *buf_string(struct buf *b);
