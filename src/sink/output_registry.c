// SPDX-License-Identifier: Apache-2.0
#include "sink/output_registry.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct claim {
    struct file_id file;
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

/* Where the claim to this device and inode is, or would be. */
static size_t place_of(const struct output_registry *r, struct file_id file)
{
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct file_id here = r->claims[middle].file;
        if (here.device < file.device || (here.device == file.device && here.inode < file.inode))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remove_at(struct output_registry *r, size_t place)
{
    free(r->claims[place].path);
    r->count--;
    memmove(r->claims + place, r->claims + place + 1, (r->count - place) * sizeof(*r->claims));
}

static bool stands_at(const struct output_registry *r, size_t place, struct file_id file)
{
    return place < r->count && file_id_equal(r->claims[place].file, file);
}

/* The inode was an output's that has been removed since. */
static bool is_recycled_at(const struct output_registry *r, size_t place, struct file_id file)
{
    return place < r->count && r->claims[place].file.device == file.device &&
           r->claims[place].file.inode == file.inode &&
           r->claims[place].file.birth_ns != file.birth_ns;
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

int output_registry_claim(struct output_registry *r, struct file_id file, const void *owner,
                          const char *path, struct error *error)
{
    int result = 0;
    pthread_mutex_lock(&r->mutex);
    size_t place = place_of(r, file);
    if (is_recycled_at(r, place, file))
        remove_at(r, place);
    if (!stands_at(r, place, file)) {
        result = insert(r, place, (struct claim){file, owner, (char *)path});
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

void output_registry_release(struct output_registry *r, struct file_id file, const void *owner)
{
    pthread_mutex_lock(&r->mutex);
    size_t place = place_of(r, file);
    if (stands_at(r, place, file) && r->claims[place].owner == owner)
        remove_at(r, place);
    pthread_mutex_unlock(&r->mutex);
}

bool output_registry_has(struct output_registry *r, struct file_id file)
{
    pthread_mutex_lock(&r->mutex);
    bool has = stands_at(r, place_of(r, file), file);
    pthread_mutex_unlock(&r->mutex);
    return has;
}
