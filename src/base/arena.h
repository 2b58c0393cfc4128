/* arena — one fixed block, allocated forward, given back all at once.
 *
 * Overflow is sticky and tested once, at the end of the work, so that what lies between needs no
 * error branches.
 *
 * - Owns: one block of the heap, with ARENA_SLACK bytes past its end for wide stores.
 * - Thread: one.
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ARENA_SLACK = 64 /* bytes */ };

struct arena {
    char *data;
    size_t used;     /* bytes */
    size_t capacity; /* bytes */
    bool overflowed;
};

int arena_init(struct arena *a, size_t capacity) MUST_CHECK;
void arena_deinit(struct arena *a);

static inline void arena_reset(struct arena *a)
{
    a->used = 0;
    a->overflowed = false;
}

/* `size` bytes, not aligned (text). NULL, and overflowed from now on, where there is no room. */
static inline char *arena_take(struct arena *a, size_t size)
{
    if (__builtin_expect(a->capacity - a->used < size, 0)) {
        a->overflowed = true;
        return NULL;
    }
    char *p = a->data + a->used;
    a->used += size;
    return p;
}
