// SPDX-License-Identifier: Apache-2.0
#include "sink/http/addresses.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>

void addresses_deinit(struct addresses *a)
{
    a->lookup = name_lookup_free(a->lookup);
}

static bool is_due(const struct addresses *a)
{
    if (a->is_address)
        return false;
    if (!a->text[0])
        return true;
    return a->doubted && clock_monotonic_ns() - a->found_ns >= ADDRESSES_AGE_MIN_S * NS_PER_SECOND;
}

int addresses_need(struct addresses *a, struct error *error)
{
    if (!a->lookup && is_due(a)) {
        int r = name_lookup_start(&a->lookup, a->host, a->deadline_ms, error);
        if (r < 0)
            return r;
    }
    return a->lookup ? 1 : 0;
}

size_t addresses_wait(struct addresses *a, struct pollfd fds[NAME_LOOKUP_FDS_MAX], int *timeout_ms)
{
    return a->lookup ? name_lookup_wait(a->lookup, fds, timeout_ms) : 0;
}

int addresses_step(struct addresses *a, struct error *error)
{
    char found[NAME_ADDRESSES_MAX];

    if (!name_lookup_step(a->lookup))
        return 1;
    int r = name_lookup_result(a->lookup, found, error);
    if (r < 0)
        error_prefix(error, "could not resolve %s", a->host);
    a->lookup = name_lookup_free(a->lookup);
    a->doubted = false;
    a->found_ns = clock_monotonic_ns();
    if (r == 0)
        memcpy(a->text, found, sizeof(a->text));
    return a->text[0] ? 0 : r;
}

char *addresses_entry(const struct addresses *a)
{
    char *entry = NULL;

    if (asprintf(&entry, "%s:%s:%s", a->host, a->port, a->text) < 0)
        return NULL;
    return entry;
}
