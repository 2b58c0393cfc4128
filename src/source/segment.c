// SPDX-License-Identifier: Apache-2.0
#include "source/segment.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/check.h"
#include "source/descriptors.h"
#include "source/scan.h"

enum { OPENINGS_MAX = 4 /* tries, where rotation takes the name away in between */ };

/* The one place where a segment's descriptor begins to be open, and the one where it ends; between
 * them it can only be taken out. The lock is held, or nobody else knows the segment. */
static void keep(struct segment *s, int fd)
{
    s->fd = fd;
    s->used = descriptors_stamp();
    descriptors_add(s);
}

static void close_locked(struct segment *s)
{
    if (s->fd < 0)
        return;
    descriptors_remove(s);
    s->fd = close_fd(s->fd);
}

int segment_new(struct segment **ret, const struct segment_options *options)
{
    struct segment *s = malloc(sizeof(*s));
    if (!s)
        return -ENOMEM;

    *s = (struct segment){
        .serial = options->ref.serial,
        .file = options->ref.file,
        .fingerprint = options->ref.fingerprint,
        .format = options->format,
        .gzip = options->gzip,
        .ambiguous = options->ambiguous,
        .hole = options->hole,
        .reason = options->reason,
        .read_size = -1,
        .home = options->home ? home_ref(options->home) : NULL,
        .fd = -1,
    };
    if (s->hole)
        s->bytes = options->bytes;
    atomic_init(&s->refs, 1);
    atomic_init(&s->sealed, options->sealed);
    atomic_init(&s->cut, options->cut);
    atomic_init(&s->named, options->named);
    atomic_init(&s->polled, false);
    if (options->fd >= 0)
        keep(s, options->fd);
    *ret = s;
    return 0;
}

struct segment *segment_ref(struct segment *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

struct segment *segment_unref(struct segment *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return NULL;

    CHECK(s->users == 0);
    lock_take(&s->lock); /* else it could be closed here for want of room */
    close_locked(s);
    lock_give(&s->lock);
    home_unref(s->home);
    free(s);
    return NULL;
}

/* The path that leads to it now, and its size. */
static int find_locked(const struct segment *s, char *path, size_t size, uint64_t *ret_bytes)
{
    struct file_id found;
    if (s->given_up || !s->home)
        return SEGMENT_GONE;
    if (s->pinned && home_pin_path(s->home, s->serial, path, size) == 0 &&
        scan_identify_path(path, &found, ret_bytes) == 0 &&
        (s->file.inode == 0 || file_id_equal(found, s->file)))
        return 0;
    if (atomic_load_explicit(&s->named, memory_order_acquire))
        return home_find(s->home, s->file, path, size, ret_bytes);
    return SEGMENT_GONE;
}

/* Opens what the path leads to, if it is this very file. */
static int open_path(struct segment *s, const char *path)
{
    CLEANUP(close_fd) int fd = -1;
    struct file_id found;
    uint64_t size;
    unsigned links;
    int r = descriptors_open(path, &fd);
    if (r == 0)
        r = scan_identify(fd, &found, &size, &links);
    if (r < 0)
        return r == -ENOENT ? -ESTALE : r;
    if (s->file.inode && !file_id_equal(found, s->file))
        return -ESTALE;
    keep(s, TAKE_FD(fd));
    return 0;
}

/* Called with the lock held: an open(2) of a local file is short, and two openers would leak one.
 */
static int open_locked(struct segment *s)
{
    char path[PATH_MAX];
    uint64_t size;
    int r = s->given_up ? SEGMENT_GONE : s->fd >= 0 ? 0 : -ESTALE;
    for (int i = 0; r == -ESTALE && i < OPENINGS_MAX; i++) {
        r = find_locked(s, path, sizeof(path), &size);
        if (r == 0)
            r = open_path(s, path);
        if (descriptors_relieve(r))
            r = -ESTALE; /* there is room now */
    }
    return r;
}

int segment_acquire(struct segment *s, int *ret_fd)
{
    if (s->hole)
        return SEGMENT_GONE;

    lock_take(&s->lock);
    int r = open_locked(s);
    if (r == 0) {
        s->users++;
        s->used = descriptors_stamp();
        *ret_fd = s->fd;
    }
    lock_give(&s->lock);
    return r;
}

void segment_release(struct segment *s)
{
    lock_take(&s->lock);
    CHECK(s->users > 0);
    s->users--;
    if (s->given_up && s->users == 0)
        close_locked(s);
    lock_give(&s->lock);
}

void segment_give_up(struct segment *s)
{
    lock_take(&s->lock);
    s->given_up = true;
    if (s->users == 0)
        close_locked(s);
    lock_give(&s->lock);
}

bool segment_close_idle(struct segment *s)
{
    lock_take(&s->lock);
    if (s->users == 0)
        close_locked(s);
    bool closed = s->fd < 0;
    lock_give(&s->lock);
    return closed;
}

int segment_take_fd(struct segment *s)
{
    lock_take(&s->lock);
    CHECK(s->users == 0);
    int fd = s->fd;
    if (fd >= 0)
        descriptors_remove(s);
    s->fd = -1;
    lock_give(&s->lock);
    return fd;
}

bool segment_is_open(struct segment *s)
{
    lock_take(&s->lock);
    bool is_open = s->fd >= 0;
    lock_give(&s->lock);
    return is_open;
}

void segment_set_pinned(struct segment *s, bool pinned)
{
    lock_take(&s->lock);
    s->pinned = pinned;
    lock_give(&s->lock);
}

bool segment_has_pin(struct segment *s)
{
    lock_take(&s->lock);
    bool has = s->pinned;
    lock_give(&s->lock);
    return has;
}

int64_t segment_size(struct segment *s)
{
    char path[PATH_MAX];
    struct stat st;
    uint64_t size = 0;
    if (s->hole)
        return -1;
    lock_take(&s->lock);
    bool is_open = s->fd >= 0;
    int r = is_open ? fstat(s->fd, &st) : find_locked(s, path, sizeof(path), &size);
    lock_give(&s->lock);
    if (r != 0)
        return -1;
    return is_open ? st.st_size : (int64_t)size;
}

void segment_set_read(struct segment *s, unsigned route, size_t count)
{
    int64_t size = segment_size(s);
    lock_take(&s->lock);
    if (size != s->read_size)
        s->read_by = 0;
    s->read_size = size;
    s->read_by |= UINT32_C(1) << route;
    s->read_by_all = s->read_by == UINT32_MAX >> (32 - count);
    lock_give(&s->lock);
}

struct segment_ref segment_name(struct segment *s)
{
    lock_take(&s->lock);
    struct segment_ref ref = {s->serial, s->fingerprint, s->file};
    lock_give(&s->lock);
    return ref;
}

void segment_set_fingerprint(struct segment *s, struct fingerprint f)
{
    lock_take(&s->lock);
    if (!fingerprint_known(s->fingerprint))
        s->fingerprint = f;
    lock_give(&s->lock);
}
