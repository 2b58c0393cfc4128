// SPDX-License-Identifier: Apache-2.0
#include "source/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/clock.h"

enum { LOOKS_MAX = 4, FILES_MIN = 8, STATX_WANTED = STATX_BASIC_STATS | STATX_BTIME };

#define SETTLED_NS NS_PER_SECOND /* far more than the ticks by which a kernel stamps its files */

void scan_deinit(struct scan *s)
{
    free(s->files);
    *s = (struct scan){0};
}

static void identity_of(const struct statx *st, struct file_id *ret)
{
    *ret = (struct file_id){
        .device = makedev(st->stx_dev_major, st->stx_dev_minor),
        .inode = st->stx_ino,
        .birth_ns = st->stx_mask & STATX_BTIME
                        ? (int64_t)st->stx_btime.tv_sec * NS_PER_SECOND + st->stx_btime.tv_nsec
                        : 0,
    };
}

int scan_identify(int fd, struct file_id *ret, uint64_t *ret_size, unsigned *ret_links)
{
    struct statx st;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_WANTED, &st) < 0)
        return -errno;
    identity_of(&st, ret);
    *ret_size = st.stx_size;
    *ret_links = st.stx_nlink;
    return 0;
}

int scan_identify_path(const char *path, struct file_id *ret, uint64_t *ret_size)
{
    struct statx st;
    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_WANTED, &st) < 0)
        return -errno;
    identity_of(&st, ret);
    *ret_size = st.stx_size;
    return 0;
}

/* NAME, NAME.N or NAME.N.gz. */
static bool parse_name(const char *name, const char *live_name, struct scan_file *f)
{
    size_t size = strlen(live_name);
    if (strncmp(name, live_name, size) != 0 || strlen(name) >= sizeof(f->name))
        return false;
    memcpy(f->name, name, strlen(name) + 1);
    f->number = 0;
    f->gzip = false;
    if (!name[size])
        return true;
    if (name[size] != '.' || name[size + 1] < '1' || name[size + 1] > '9')
        return false;
    char *end;
    unsigned long number = strtoul(name + size + 1, &end, 10);
    f->gzip = strcmp(end, ".gz") == 0;
    f->number = (unsigned)number;
    return number < 1000000 && (f->gzip || !*end);
}

static int older_first(const void *a, const void *b)
{
    const struct scan_file *x = a, *y = b;
    if (x->number != y->number)
        return x->number > y->number ? -1 : 1;
    return (int)x->gzip - (int)y->gzip; /* the plain one first */
}

static int make_room(struct scan *s)
{
    if (s->count < s->capacity)
        return 0;
    size_t capacity = s->capacity ? 2 * s->capacity : FILES_MIN;
    void *files = reallocarray(s->files, capacity, sizeof(*s->files));
    if (!files)
        return -ENOMEM;
    s->files = files;
    s->capacity = capacity;
    return 0;
}

/* When a name in it was made, moved or removed last; INT64_MAX where that cannot be told. */
static int64_t changed_ns(DIR *dir)
{
    struct stat st;
    if (fstat(dirfd(dir), &st) < 0)
        return INT64_MAX;
    return (int64_t)st.st_mtim.tv_sec * NS_PER_SECOND + st.st_mtim.tv_nsec;
}

/* *ret_settled: no name has changed for a while, nor while they were listed. */
static int look(const char *directory, const char *live_name, struct scan *s, bool *ret_settled)
{
    CLEANUP(closedir) DIR *dir = opendir(directory);
    if (!dir)
        return -errno;

    int64_t before_ns = changed_ns(dir);
    bool settled = before_ns < clock_now_ns() - SETTLED_NS;
    s->count = 0;
    for (struct dirent *entry; s->count < SCAN_FILES_MAX && (entry = readdir(dir));) {
        if (make_room(s) < 0)
            return -ENOMEM;
        struct scan_file *f = &s->files[s->count];
        struct statx st;
        if (!parse_name(entry->d_name, live_name, f))
            continue;
        int r = statx(dirfd(dir), entry->d_name, AT_SYMLINK_NOFOLLOW, STATX_WANTED, &st);
        if (r < 0 && errno == EACCES)
            return -EACCES;
        if (r < 0 || !S_ISREG(st.stx_mode))
            continue;
        identity_of(&st, &f->file);
        f->size = st.stx_size;
        s->count++;
    }
    if (s->count)
        qsort(s->files, s->count, sizeof(s->files[0]), older_first);

    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++)
        if (kept == 0 || s->files[i].number != s->files[kept - 1].number)
            s->files[kept++] = s->files[i];
    s->count = kept;
    *ret_settled = settled && changed_ns(dir) == before_ns;
    return 0;
}

static bool same(const struct scan *a, const struct scan *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!file_id_equal(a->files[i].file, b->files[i].file) ||
            a->files[i].number != b->files[i].number)
            return false;
    return true;
}

int scan_directory(const char *directory, const char *live_name, struct scan *ret)
{
    struct scan first = {0}, second = {0};
    bool settled = false;
    int r = look(directory, live_name, &first, &settled);

    for (int i = 1; r == 0 && !settled && i < LOOKS_MAX; i++) {
        r = look(directory, live_name, &second, &settled);
        if (r < 0 || same(&first, &second))
            break;
        struct scan before = first;
        first = second;
        second = before;
    }
    scan_deinit(&second);
    if (r < 0) {
        scan_deinit(&first);
        return r;
    }
    *ret = first;
    return 0;
}
