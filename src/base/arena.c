// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <errno.h>

int arena_init(struct arena *a, size_t capacity)
{
    char *data = malloc(capacity + ARENA_SLACK);
    if (!data)
        return -ENOMEM;
    *a = (struct arena){.data = data, .capacity = capacity};
    return 0;
}

void arena_deinit(struct arena *a)
{
    free(a->data);
    *a = (struct arena){0};
}
