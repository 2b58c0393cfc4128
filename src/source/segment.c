// SPDX-License-Identifier: Apache-2.0
#include "source/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/check.h"

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
        .bytes = options->bytes,
        .fd = options->fd,
    };
    atomic_init(&s->refs, 1);
    atomic_init(&s->sealed, options->sealed);
    atomic_init(&s->cut, options->cut);
    pthread_mutex_init(&s->lock, NULL);
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
    s->fd = close_fd(s->fd);
    pthread_mutex_destroy(&s->lock);
    free(s->pin_path);
    free(s);
    return NULL;
}

/* Called with the lock held: an open(2) of a local file is short, and two openers would leak one.
 */
static int open_locked(struct segment *s)
{
    if (s->given_up)
        return SEGMENT_GONE;
    if (s->fd >= 0)
        return 0;
    if (!s->pin_path)
        return SEGMENT_GONE;
    s->fd = open(s->pin_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (s->fd < 0)
        return errno == ENOENT ? SEGMENT_GONE : -errno;
    return 0;
}

int segment_acquire(struct segment *s, int *ret_fd)
{
    if (s->hole)
        return SEGMENT_GONE;

    pthread_mutex_lock(&s->lock);
    int r = open_locked(s);
    if (r == 0) {
        s->users++;
        *ret_fd = s->fd;
    }
    pthread_mutex_unlock(&s->lock);
    return r;
}

void segment_release(struct segment *s)
{
    pthread_mutex_lock(&s->lock);
    CHECK(s->users > 0);
    s->users--;
    if (s->given_up && s->users == 0)
        s->fd = close_fd(s->fd);
    pthread_mutex_unlock(&s->lock);
}

void segment_give_up(struct segment *s)
{
    pthread_mutex_lock(&s->lock);
    s->given_up = true;
    if (s->users == 0)
        s->fd = close_fd(s->fd);
    pthread_mutex_unlock(&s->lock);
}

bool segment_close_idle(struct segment *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->users == 0)
        s->fd = close_fd(s->fd);
    bool closed = s->fd < 0;
    pthread_mutex_unlock(&s->lock);
    return closed;
}

bool segment_is_open(struct segment *s)
{
    pthread_mutex_lock(&s->lock);
    bool is_open = s->fd >= 0;
    pthread_mutex_unlock(&s->lock);
    return is_open;
}

void segment_set_pin(struct segment *s, const char *path)
{
    char *copy = path ? strdup(path) : NULL;
    pthread_mutex_lock(&s->lock);
    free(s->pin_path);
    s->pin_path = copy;
    pthread_mutex_unlock(&s->lock);
}

bool segment_has_pin(struct segment *s)
{
    pthread_mutex_lock(&s->lock);
    bool has = s->pin_path != NULL;
    pthread_mutex_unlock(&s->lock);
    return has;
}

bool segment_pin_path(struct segment *s, char *path, size_t size)
{
    pthread_mutex_lock(&s->lock);
    bool has = s->pin_path && strlen(s->pin_path) < size;
    if (has)
        memcpy(path, s->pin_path, strlen(s->pin_path) + 1);
    pthread_mutex_unlock(&s->lock);
    return has;
}

int64_t segment_size(struct segment *s)
{
    struct stat st;
    int fd;
    if (segment_acquire(s, &fd) != 0)
        return -1;
    int r = fstat(fd, &st);
    segment_release(s);
    return r < 0 ? -1 : st.st_size;
}

struct segment_ref segment_name(struct segment *s)
{
    pthread_mutex_lock(&s->lock);
    struct segment_ref ref = {s->serial, s->fingerprint, s->file};
    pthread_mutex_unlock(&s->lock);
    return ref;
}

void segment_set_fingerprint(struct segment *s, struct fingerprint f)
{
    pthread_mutex_lock(&s->lock);
    if (!fingerprint_known(s->fingerprint))
        s->fingerprint = f;
    pthread_mutex_unlock(&s->lock);
}
