// SPDX-License-Identifier: Apache-2.0
#include "base/resource.h"

struct resource_count resource_counts[RESOURCE_COUNT];
struct resource_count resource_threads;

const char *resource_word(enum resource kind)
{
    static const char *const words[] = {
#define X(name, word, help) [name] = (word),
        RESOURCES(X)
#undef X
    };
    return words[kind];
}

const char *resource_help(enum resource kind)
{
    static const char *const helps[] = {
#define X(name, word, help) [name] = (help),
        RESOURCES(X)
#undef X
    };
    return helps[kind];
}
