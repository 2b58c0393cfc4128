/* span — some bytes of somebody else's memory: pointer and length, passed by value.
 *
 * - Owns: nothing. Valid as long as the memory it points into.
 * - Not NUL-terminated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *data;
    size_t size; /* bytes */
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

static inline struct span span_of(const char *text)
{
    return (struct span){text, text ? strlen(text) : 0};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool span_starts_with(struct span s, struct span prefix)
{
    return s.size >= prefix.size && memcmp(s.data, prefix.data, prefix.size) == 0;
}

static inline bool span_ends_with(struct span s, struct span suffix)
{
    return s.size >= suffix.size &&
           memcmp(s.data + s.size - suffix.size, suffix.data, suffix.size) == 0;
}
