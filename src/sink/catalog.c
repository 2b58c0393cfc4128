// SPDX-License-Identifier: Apache-2.0
#include "sink/catalog.h"

#include <string.h>

static const struct sink_ops *const sinks[] = {&file_sink, &stdout_sink, &null_sink};

const struct sink_ops *sink_find(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(sinks); i++)
        if (strcmp(sinks[i]->type, type) == 0)
            return sinks[i];
    return NULL;
}

const struct sink_ops *const *sink_all(size_t *ret_count)
{
    *ret_count = ARRAY_SIZE(sinks);
    return sinks;
}
