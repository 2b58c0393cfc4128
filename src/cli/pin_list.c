// SPDX-License-Identifier: Apache-2.0
#include "cli/pin_list.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

void pin_list_deinit(struct pin_list *l)
{
    free(l->items);
    *l = (struct pin_list){0};
}

static int by_id_and_serial(const void *a, const void *b)
{
    const struct pin_entry *x = a, *y = b;
    int order = strcmp(x->id, y->id);
    if (order)
        return order;
    return x->serial < y->serial ? -1 : x->serial > y->serial;
}

static int add(struct pin_list *l, const struct pin_entry *entry)
{
    if ((l->count & (l->count - 1)) == 0) { /* a power of two: full */
        void *items = reallocarray(l->items, l->count ? 2 * l->count : 1, sizeof(*l->items));
        if (!items)
            return -ENOMEM;
        l->items = items;
    }
    l->items[l->count++] = *entry;
    return 0;
}

int pin_list_read(struct pin_list *ret, const char *directory, struct error *error)
{
    struct pin_list list = {0};
    CLEANUP(closedir) DIR *dir = opendir(directory);
    int r = dir || errno == ENOENT ? 0 : -errno;

    for (struct dirent *entry; r == 0 && dir && (entry = readdir(dir));) {
        struct pin_entry pin;
        struct stat st;
        if (!pin_parse_name(entry->d_name, pin.id, &pin.serial) ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue; /* let go of meanwhile */
        pin.bytes = (uint64_t)st.st_size;
        pin.only_ours = st.st_nlink == 1;
        r = add(&list, &pin);
    }
    if (r < 0) {
        pin_list_deinit(&list);
        return error_set(error, r, "%s: %s", directory, strerror(-r));
    }
    if (list.count)
        qsort(list.items, list.count, sizeof(*list.items), by_id_and_serial);
    *ret = list;
    return 0;
}

const struct pin_entry *pin_list_of(const struct pin_list *l, const char *id, size_t *ret_count)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(l->items[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_count = 0;
    while (low + *ret_count < l->count && strcmp(l->items[low + *ret_count].id, id) == 0)
        ++*ret_count;
    return *ret_count ? &l->items[low] : NULL;
}
