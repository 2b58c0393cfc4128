// SPDX-License-Identifier: Apache-2.0
#include "source/home.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int home_new(struct home **ret, const char *id, const char *directory, const char *live_name,
             const char *pins)
{
    size_t directory_size = strlen(directory) + 1, id_size = strlen(id) + 1;
    bool live_by_id = strncmp(live_name, id, id_size - 1) == 0;
    const char *ending = live_by_id ? live_name + id_size - 1 : live_name;
    size_t ending_size = strlen(ending) + 1;
    bool named_by_id =
        directory_size > id_size && strcmp(directory + directory_size - id_size, id) == 0;
    struct home *h =
        malloc(sizeof(*h) + directory_size + ending_size + (named_by_id ? 0 : id_size));
    if (!h)
        return -ENOMEM;
    atomic_init(&h->refs, 1);
    h->directory = memcpy(h->text, directory, directory_size);
    h->live_ending = memcpy(h->text + directory_size, ending, ending_size);
    h->id = named_by_id ? h->directory + directory_size - id_size
                        : memcpy(h->text + directory_size + ending_size, id, id_size);
    h->live_prefix = live_by_id ? h->id : "";
    h->pins = pins;
    *ret = h;
    return 0;
}

struct home *home_ref(struct home *h)
{
    atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
    return h;
}

struct home *home_unref(struct home *h)
{
    if (h && atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) == 1)
        free(h);
    return NULL;
}

/* Most files that are looked for are live: one look without a list. */
static bool is_live(const struct home *h, struct file_id file, char *path, size_t size,
                    uint64_t *ret_bytes)
{
    struct file_id found;
    return snprintf(path, size, "%s/%s%s", h->directory, h->live_prefix, h->live_ending) <
               (int)size &&
           scan_identify_path(path, &found, ret_bytes) == 0 && file_id_equal(found, file);
}

int home_scan(const struct home *h, struct scan *ret)
{
    char live_name[PATH_MAX];
    snprintf(live_name, sizeof(live_name), "%s%s", h->live_prefix, h->live_ending);
    return scan_directory(h->directory, live_name, ret);
}

int home_find(const struct home *h, struct file_id file, char *path, size_t size,
              uint64_t *ret_bytes)
{
    if (is_live(h, file, path, size, ret_bytes))
        return 0;
    struct scan scan;
    int r = home_scan(h, &scan);
    if (r == -ENOENT || r == -ENOTDIR)
        return -ESTALE;
    if (r < 0)
        return r;
    r = -ESTALE;
    for (size_t i = 0; i < scan.count && r == -ESTALE; i++) {
        if (!file_id_equal(scan.files[i].file, file))
            continue;
        *ret_bytes = scan.files[i].size;
        r = snprintf(path, size, "%s/%s", h->directory, scan.files[i].name) < (int)size
                ? 0
                : -ENAMETOOLONG;
    }
    scan_deinit(&scan);
    return r;
}

int home_pin_path(const struct home *h, uint64_t serial, char *path, size_t size)
{
    if (!h->pins)
        return -ENOENT;
    return snprintf(path, size, "%s/%s.%" PRIu64, h->pins, h->id, serial) < (int)size
               ? 0
               : -ENAMETOOLONG;
}
