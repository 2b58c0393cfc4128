// SPDX-License-Identifier: Apache-2.0
#include "cli/dead.h"

#include <errno.h>
#include <inttypes.h>

#include "ledger/state_lock.h"

struct drop {
    const struct dead_request *request;
    uint64_t *keys; /* owned: what is chosen */
    size_t count, capacity;
};

static int choose(void *context, const struct ledger_letter *letter)
{
    struct drop *drop = context;
    if (!ledger_letter_matches(&drop->request->filter, letter))
        return 0;
    if (drop->count == drop->capacity) {
        size_t capacity = drop->capacity ? 2 * drop->capacity : 256;
        uint64_t *keys = reallocarray(drop->keys, capacity, sizeof(*keys));
        if (!keys)
            return -ENOMEM;
        drop->keys = keys;
        drop->capacity = capacity;
    }
    drop->keys[drop->count++] = letter->key;
    return 0;
}

/* All of them, or none. */
static int drop_letters(void *context, const struct route_config *route, struct ledger *ledger,
                        struct error *error)
{
    struct drop *drop = context;
    int r = ledger_letters(ledger, 0, choose, drop, error);
    if (r == -ENOMEM)
        return error_set(error, r, "no memory");
    if (r == 0)
        r = ledger_begin(ledger, error);
    for (size_t i = 0; r == 0 && i < drop->count; i++)
        r = ledger_drop_letter(ledger, drop->keys[i], error);
    return r == 0 ? ledger_commit(ledger, error) : r;
}

enum verb_exit dead_drop(const struct dead_request *request)
{
    struct drop drop = {.request = request};
    CLEANUP(close_fd) int lock_fd = -1;
    struct error error = {""};
    if (state_lock_acquire(request->config->state, &lock_fd, &error) < 0)
        return dead_failed(&error);
    enum verb_exit end = dead_each_ledger(request, 0, drop_letters, &drop);
    free(drop.keys);
    if (end == VERB_DONE && request->filter.key && drop.count == 0) {
        error_set(&error, -ENOENT, "route %s has no such letter", request->route->name);
        return dead_failed(&error);
    }
    if (end == VERB_DONE)
        printf("%s: %zu dropped, still counted as refused\n", request->route->name, drop.count);
    return end;
}
