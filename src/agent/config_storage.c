// SPDX-License-Identifier: Apache-2.0
#include "agent/config_storage.h"

#include <errno.h>
#include <stdalign.h>

struct piece {
    struct piece *next;
    alignas(max_align_t) char bytes[];
};

struct config_storage {
    struct piece *pieces; /* owned, newest first */
};

int config_storage_new(struct config_storage **ret)
{
    struct config_storage *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    *ret = s;
    return 0;
}

struct config_storage *config_storage_free(struct config_storage *s)
{
    if (!s)
        return NULL;

    while (s->pieces) {
        struct piece *piece = s->pieces;
        s->pieces = piece->next;
        free(piece);
    }
    free(s);
    return NULL;
}

void *config_storage_take(struct config_storage *s, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, sizeof(struct piece), &bytes))
        return NULL;

    struct piece *piece = calloc(1, bytes);
    if (!piece)
        return NULL;
    piece->next = s->pieces;
    s->pieces = piece;
    return piece->bytes;
}

char *config_storage_copy(struct config_storage *s, struct span text)
{
    char *copy = config_storage_take(s, text.size + 1, 1);
    if (copy && text.size)
        memcpy(copy, text.data, text.size);
    return copy;
}
