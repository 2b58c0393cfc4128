// SPDX-License-Identifier: Apache-2.0
#include "sink/output_registry.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct claim {
    uint64_t device, inode;
    const void *owner;
    char *path; /* owned */
};

struct output_registry {
    pthread_mutex_t mutex;
    struct claim *claims; /* sorted by device, then inode */
    size_t count, capacity;
};

int output_registry_new(struct output_registry **ret)
{
    struct output_registry *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    pthread_mutex_init(&r->mutex, NULL);
    *ret = r;
    return 0;
}

struct output_registry *output_registry_free(struct output_registry *r)
{
    if (!r)
        return NULL;
    for (size_t i = 0; i < r->count; i++)
        free(r->claims[i].path);
    free(r->claims);
    pthread_mutex_destroy(&r->mutex);
    free(r);
    return NULL;
}

/* Where the claim is, or would be. */
static size_t place_of(const struct output_registry *r, uint64_t device, uint64_t inode)
{
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct claim *claim = &r->claims[middle];
        if (claim->device < device || (claim->device == device && claim->inode < inode))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool stands_at(const struct output_registry *r, size_t place, uint64_t device,
                      uint64_t inode)
{
    return place < r->count && r->claims[place].device == device && r->claims[place].inode == inode;
}

static int insert(struct output_registry *r, size_t place, struct claim claim)
{
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 16;
        struct claim *claims = reallocarray(r->claims, capacity, sizeof(*claims));
        if (!claims)
            return -ENOMEM;
        r->claims = claims;
        r->capacity = capacity;
    }
    claim.path = strdup(claim.path);
    if (!claim.path)
        return -ENOMEM;
    memmove(r->claims + place + 1, r->claims + place, (r->count - place) * sizeof(claim));
    r->claims[place] = claim;
    r->count++;
    return 0;
}

int output_registry_claim(struct output_registry *r, uint64_t device, uint64_t inode,
                          const void *owner, const char *path, struct error *error)
{
    int result = 0;
    pthread_mutex_lock(&r->mutex);
    size_t place = place_of(r, device, inode);
    if (!stands_at(r, place, device, inode)) {
        result = insert(r, place, (struct claim){device, inode, owner, (char *)path});
        if (result < 0)
            error_set(error, result, "%s: %s", path, strerror(-result));
    } else if (r->claims[place].owner != owner) {
        result = error_set(error, -EBUSY,
                           "%s is already an output of this program (as %s): give each route, and "
                           "each output of a route, a file of its own",
                           path, r->claims[place].path);
    }
    pthread_mutex_unlock(&r->mutex);
    return result;
}

void output_registry_release(struct output_registry *r, uint64_t device, uint64_t inode,
                             const void *owner)
{
    pthread_mutex_lock(&r->mutex);
    size_t place = place_of(r, device, inode);
    if (stands_at(r, place, device, inode) && r->claims[place].owner == owner) {
        free(r->claims[place].path);
        r->count--;
        memmove(r->claims + place, r->claims + place + 1, (r->count - place) * sizeof(*r->claims));
    }
    pthread_mutex_unlock(&r->mutex);
}

bool output_registry_has(struct output_registry *r, uint64_t device, uint64_t inode)
{
    pthread_mutex_lock(&r->mutex);
    bool has = stands_at(r, place_of(r, device, inode), device, inode);
    pthread_mutex_unlock(&r->mutex);
    return has;
}
