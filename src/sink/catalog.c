// SPDX-License-Identifier: Apache-2.0
#include "sink/catalog.h"

static const struct sink_ops *const sinks[] = {&file_sink, &loki_sink, &http_sink, &stdout_sink,
                                               &null_sink};

const struct sink_ops *const *sink_all(size_t *ret_count)
{
    *ret_count = ARRAY_SIZE(sinks);
    return sinks;
}
