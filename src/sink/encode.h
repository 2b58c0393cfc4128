/* encode — what the encoders of all formats share.
 *
 * An encoder is three functions: render what a container's lines repeat (once per era), bound what
 * entries may need, and encode as many entries as fill a buffer.
 */
#pragma once

#include "base/buf.h"
#include "model/entry.h"

/* A part of a batch. */
struct entries {
    const struct entry *items;
    size_t count;
};

/* What every line of one container repeats, ready for each stream. Owns its memory, BUF_SLACK of
 * which may be read past each text. */
struct stream_texts {
    struct buf storage;
    struct span of[STREAM_COUNT]; /* into storage, by enum stream */
};

static inline void stream_texts_deinit(struct stream_texts *t)
{
    buf_deinit(&t->storage);
}

/* Copies in blocks: reads and writes up to 31 bytes past the text. */
static inline char *stream_texts_copy(char *to, struct span text)
{
    enum { BLOCK_SIZE = 32 }; /* <= BUF_SLACK */
    for (size_t at = 0; at < text.size; at += BLOCK_SIZE)
        memcpy(to + at, text.data + at, BLOCK_SIZE);
    return to + text.size;
}

static inline char *encode_copy(char *to, struct span text)
{
    if (text.size)
        memcpy(to, text.data, text.size);
    return to + text.size;
}
