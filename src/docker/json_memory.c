// SPDX-License-Identifier: Apache-2.0
#include "docker/json_memory.h"

#include <jansson.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 32 * 1024 /* the first; each further one is twice as large */ };

struct json_block {
    struct json_block *before;
    size_t used, capacity; /* bytes */
    alignas(max_align_t) char data[];
};

static _Thread_local struct json_memory *current;

static struct json_block *add_block(struct json_memory *m, size_t size)
{
    size_t capacity = m->newest ? 2 * m->newest->capacity : BLOCK_BYTES;
    if (capacity < size)
        capacity = size;
    struct json_block *block = malloc(sizeof(*block) + capacity);
    if (!block)
        return NULL;
    block->before = m->newest;
    block->used = 0;
    block->capacity = capacity;
    m->newest = block;
    return block;
}

static void *take(size_t size)
{
    if (!current)
        return malloc(size);
    size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    struct json_block *block = current->newest;
    if (!block || block->capacity - block->used < size)
        block = add_block(current, size);
    if (!block)
        return NULL;
    void *p = block->data + block->used;
    block->used += size;
    return p;
}

static void give_back(void *p)
{
    if (!current)
        free(p);
}

static void install(void)
{
    json_set_alloc_funcs(take, give_back);
}

void json_memory_begin(struct json_memory *m)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    current = m;
}

void json_memory_end(void)
{
    current = NULL;
}

void json_memory_deinit(struct json_memory *m)
{
    while (m->newest) {
        struct json_block *block = m->newest;
        m->newest = block->before;
        free(block);
    }
}
