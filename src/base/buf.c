// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum { CAPACITY_MIN = 256 /* bytes */ };

void buf_deinit(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.size_max = b->size_max};
}

void buf_begin_aligned(struct buf *b, size_t size)
{
    void *data;
    if (b->data || b->failed)
        return;
    if (posix_memalign(&data, BUF_ALIGNMENT, size + BUF_SLACK) != 0) {
        b->failed = -ENOMEM;
        return;
    }
    b->data = data;
    b->capacity = size;
}

char *buf_grow(struct buf *b, size_t size)
{
    if (b->failed)
        return NULL;
    if (size > b->size_max || b->size > b->size_max - size) {
        b->failed = -ENOBUFS;
        return NULL;
    }
    size_t need = b->size + size;
    if (b->data && need <= b->capacity)
        return b->data + b->size;

    size_t capacity = b->capacity ? b->capacity : CAPACITY_MIN;
    while (capacity < need)
        capacity *= 2;
    if (capacity > b->size_max)
        capacity = b->size_max;
    char *data = realloc(b->data, capacity + BUF_SLACK);
    if (!data) {
        b->failed = -ENOMEM;
        return NULL;
    }
    b->data = data;
    b->capacity = capacity;
    return b->data + b->size;
}

void buf_append_format(struct buf *b, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);

    char *to = size < 0 ? NULL : buf_reserve(b, (size_t)size + 1);
    if (!to)
        return;
    va_start(arguments, format);
    vsnprintf(to, (size_t)size + 1, format, arguments);
    va_end(arguments);
    b->size += (size_t)size;
}

const char *buf_string(struct buf *b)
{
    char *end = buf_reserve(b, 1);
    if (!end)
        return NULL;
    *end = '\0';
    return b->data;
}
