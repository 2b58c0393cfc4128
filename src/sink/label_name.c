// SPDX-License-Identifier: Apache-2.0
#include "sink/label_name.h"

#include "base/cleanup.h"

static const char *const names[] = {
    "container_id", "container_name", "image",   "state",           "hostname",
    "command",      "platform",       "network", "compose_project", "compose_service",
    "swarm_stack",  "swarm_service",  "source",  "service",
};

bool label_name_known(struct span name)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (span_equal(name, span_of(names[i])))
            return true;

    static const char *const prefixes[] = {"container_label_", "network_"};
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
        if (name.size > strlen(prefixes[i]) && span_starts_with(name, span_of(prefixes[i])))
            return true;
    return false;
}

void label_name_offer(struct nearest *near)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        nearest_offer(near, span_of(names[i]));
}
