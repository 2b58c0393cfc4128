// SPDX-License-Identifier: Apache-2.0
#include "source/home.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/word.h"

static struct home *home_free(struct home *h)
{
    word_drop(h->id);
    word_drop(h->before);
    word_drop(h->after);
    word_drop(h->live_ending);
    free(h);
    return NULL;
}

/* Splits the directory at the id, where that is the name of one on its way. */
static void split(struct home *h, char *directory, const char *id)
{
    size_t size = strlen(id);
    char *at = directory;
    while ((at = strstr(at, id)) &&
           (at == directory || at[-1] != '/' || (at[size] && at[size] != '/')))
        at++;
    h->directory_has_id = at;
    h->after = word_take(at ? at + size : "");
    if (at)
        *at = '\0';
    h->before = word_take(directory);
}

int home_new(struct home **ret, const char *id, const char *directory, const char *live_name,
             const char *pins)
{
    CLEANUP_FREE char *copy = strdup(directory);
    struct home *h = calloc(1, sizeof(*h));
    if (!copy || !h) {
        free(h);
        return -ENOMEM;
    }
    atomic_init(&h->refs, 1);
    split(h, copy, id);
    h->live_has_id = strncmp(live_name, id, strlen(id)) == 0;
    h->live_ending = word_take(live_name + (h->live_has_id ? strlen(id) : 0));
    h->id = word_take(id);
    h->pins = pins;
    if (!h->id || !h->before || !h->after || !h->live_ending) {
        home_free(h);
        return -ENOMEM;
    }
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
        home_free(h);
    return NULL;
}

int home_path(const struct home *h, const char *name, char *path, size_t size)
{
    int length = snprintf(path, size, "%s%s%s%s%s", h->before, h->directory_has_id ? h->id : "",
                          h->after, name ? "/" : "", name ? name : "");
    return length < (int)size ? 0 : -ENAMETOOLONG;
}

static void live_name_of(const struct home *h, char *name, size_t size)
{
    snprintf(name, size, "%s%s", h->live_has_id ? h->id : "", h->live_ending);
}

/* Most files that are looked for are live: one look without a list. */
static bool is_live(const struct home *h, struct file_id file, char *path, size_t size,
                    uint64_t *ret_bytes)
{
    struct file_id found;
    char name[NAME_MAX + 1];
    live_name_of(h, name, sizeof(name));
    return home_path(h, name, path, size) == 0 &&
           scan_identify_path(path, &found, ret_bytes) == 0 && file_id_equal(found, file);
}

int home_scan(const struct home *h, struct scan *ret)
{
    char directory[PATH_MAX], name[NAME_MAX + 1];
    live_name_of(h, name, sizeof(name));
    int r = home_path(h, NULL, directory, sizeof(directory));
    return r < 0 ? r : scan_directory(directory, name, ret);
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
        r = home_path(h, scan.files[i].name, path, size);
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
