/* allocations — counts every allocation of a test program.
 *
 * Included by one file of a program that is linked with
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc: the linker hands every allocation to these.
 *
 * - Thread: one.
 */
#pragma once

#include <stdlib.h>

static unsigned long allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    allocations++;
    return __real_realloc(p, size);
}
