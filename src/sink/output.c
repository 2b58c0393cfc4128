// SPDX-License-Identifier: Apache-2.0
#include "sink/output.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/resource.h"
#include "sink/output_path.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>

struct found {
    struct output_found at; /* the output's path, or behind its descriptor */
    bool created;           /* by us, just now */
};

int output_new(struct output **ret, struct output_shared *shared, const char *path)
{
    CLEANUP(output_free) struct output *o = malloc(sizeof(*o));
    if (!o)
        return -ENOMEM;
    *o = (struct output){
        .shared = shared, .fd = -1, .held = BUF_INIT(ENCODED_BYTES_MAX), .path = strdup(path)};
    if (!o->path)
        return -ENOMEM;
    *ret = TAKE(o);
    return 0;
}

struct output *output_free(struct output *o)
{
    if (!o)
        return NULL;
    output_reset(o);
    free(o->path);
    free(o);
    return NULL;
}

void output_close(struct output *o)
{
    if (o->fd >= 0)
        resource_closed(RESOURCE_OUTPUT);
    o->fd = close_fd(o->fd);
}

static void unclaim(struct output *o)
{
    if (o->claimed.inode)
        output_registry_release(o->shared->registry, o->claimed, o);
    o->claimed = (struct file_id){0};
}

void output_reset(struct output *o)
{
    output_close(o);
    unclaim(o);
    buf_deinit(&o->held);
    o->file = (struct file_id){0};
    o->end = o->vouched = 0;
    o->booked = o->touched = o->unsynced = false;
}

struct sink_row output_row(const struct output *o)
{
    return (struct sink_row){.path = o->path, .file = o->file, .length = o->end};
}

/* Claims before it locks: against ourselves the registry has the better words. */
static int take_file(struct output *o, int fd, const struct found *found, struct error *error)
{
    if (!found->at.regular)
        return error_set(error, -EINVAL, "%s is no regular file", o->path);
    if (!file_id_equal(o->claimed, found->at.id))
        unclaim(o);
    int r = output_registry_claim(o->shared->registry, found->at.id, o, o->path, error);
    if (r < 0)
        return r;
    o->claimed = found->at.id;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return error_set(error, -errno, "%s: %s", o->path,
                         errno == EWOULDBLOCK ? "another process has it locked" : strerror(errno));
    return 0;
}

static int open_failed(const struct output *o, int code, struct error *error)
{
    const char *why =
        code == ELOOP ? "it is a symbolic link, which outputs do not follow" : strerror(code);
    return error_set(error, -code, "opening %s: %s", o->path, why);
}

/* O_NONBLOCK so that a FIFO in the place of the file holds nobody up; it means nothing for the
 * file itself. */
static int open_path(const char *path, int more_flags)
{
    return open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | more_flags, 0640);
}

enum open_outcome { OPEN_MISSING = 1 /* no such file */ };

/* Opens what lies at `path`, which is the output's or where that was moved to, and takes it. */
static int open_file(struct output *o, const char *path, struct found *ret, struct error *error)
{
    CLEANUP(close_fd) int fd = open_path(path, 0);
    *ret = (struct found){0};
    if (fd < 0)
        return errno == ENOENT ? OPEN_MISSING : open_failed(o, errno, error);
    int r = output_path_look(fd, "", &ret->at);
    if (r < 0)
        return error_set(error, r, "%s: %s", o->path, strerror(-r));
    r = take_file(o, fd, ret, error);
    if (r < 0)
        return r;
    o->fd = TAKE_FD(fd);
    resource_opened(RESOURCE_OUTPUT);
    return 0;
}

static int open_or_create(struct output *o, struct found *ret, struct error *error)
{
    int r = open_file(o, o->path, ret, error);
    if (r != OPEN_MISSING)
        return r;
    r = output_path_make_directories(o->path, error);
    if (r < 0)
        return r;
    /* Where somebody is faster it shows when it is taken whose it is. */
    CLEANUP(close_fd) int fd = open_path(o->path, O_CREAT | O_EXCL);
    if (fd < 0 && errno != EEXIST)
        return open_failed(o, errno, error);
    r = open_file(o, o->path, ret, error);
    if (r == OPEN_MISSING)
        return open_failed(o, ENOENT, error);
    ret->created = fd >= 0;
    return r;
}

static void warn(const struct output *o, const char *event, const char *message,
                 const struct found *found)
{
    log_line(LOG_WARN, event, message, "path=%s booked=%" PRIu64 " size=%" PRIu64,
             LOG_QUOTE(o->path), o->end, found ? found->at.size : 0);
}

/* What logrotate does, to all outputs, as often as it likes: said once an hour. */
static void warn_of_rotation(const struct output *o, const char *event, const char *message,
                             const struct found *found)
{
    uint64_t suppressed;
    if (log_limit_pass(&o->shared->rotated_log, 3600 * NS_PER_SECOND, &suppressed))
        warn(o, event, message, found);
}

/* Says how what was found differs from what we left, if it does. */
static void say_difference(struct output *o, const struct found *found)
{
    uint64_t size = found->at.size;
    if (!o->file.inode) {
        if (size && !o->warned)
            warn(o, "output.unknown",
                 "the ledger does not know this output (was the state lost?); appending to it",
                 found);
        o->warned = true;
    } else if (found->created) {
        if (o->end)
            warn_of_rotation(o, "output.missing",
                             "somebody moved or removed the output; a new one begins", found);
    } else if (!file_id_equal(o->file, found->at.id)) {
        if (size)
            warn(o, "output.replaced", "another file stands in the output's place; appending to it",
                 found);
        else if (o->end)
            warn_of_rotation(o, "output.replaced",
                             "an empty file stands in the output's place; going on with it", found);
    } else if (size < o->end) {
        warn_of_rotation(o, "output.shorter",
                         "somebody emptied or shortened the output; appending to what is there",
                         found);
    } else if (size > o->end) {
        warn(o, "output.longer", "somebody else wrote to the output; appending after it", found);
    }
}

/* From now on this is the output. It has to be booked before a byte is written. */
static void adopt(struct output *o, const struct found *found)
{
    say_difference(o, found);
    if (o->file.inode && (!file_id_equal(o->file, found->at.id) || found->at.size < o->end))
        __atomic_fetch_add(&o->shared->moved, 1, __ATOMIC_RELAXED);
    o->file = found->at.id;
    o->end = found->at.size;
    o->booked = false;
}

static int cut_back(struct output *o, const struct found *found, uint64_t length,
                    struct error *error)
{
    if (found->at.size == length)
        return 0;
    if (ftruncate(o->fd, (off_t)length) < 0)
        return error_set(error, -errno, "cutting %s back: %s", o->path, strerror(errno));
    if (fdatasync(o->fd) < 0)
        return error_set(error, -errno, "syncing %s: %s", o->path, strerror(errno));
    return 0;
}

static bool lies_at(const char *path, struct file_id file)
{
    struct output_found found;
    return output_path_look(AT_FDCWD, path, &found) == 0 && file_id_equal(found.id, file);
}

/* Where the row's file lies now, if it is not in its place: under our own name for it, or under any
 * other in its directory. One that has become another output of ours is left to that. */
static bool find_rotated(const struct output *o, struct file_id file, char ret[NEIGHBOUR_PATH_MAX])
{
    if (!file.inode || lies_at(o->path, file) || output_registry_has(o->shared->registry, file))
        return false;
    rotated_path(ret, o->path, 1, ROTATED_PLAIN);
    return lies_at(ret, file) || output_path_find(o->path, file, ret) == 0;
}

/* The row's file has been rotated, by us before the new row was committed or by somebody else: what
 * was written to it since the last commit is cut back there. *ret: it was found. */
static int recover_rotated(struct output *o, const struct sink_row *row, bool *ret,
                           struct error *error)
{
    char path[NEIGHBOUR_PATH_MAX];
    struct found found;
    *ret = false;
    if (!find_rotated(o, row->file, path))
        return 0;
    int r = open_file(o, path, &found, error);
    if (r == 0 && file_id_equal(found.at.id, row->file) && found.at.size >= row->length) {
        r = cut_back(o, &found, row->length, error);
        *ret = true;
    }
    output_close(o);
    unclaim(o);
    return r < 0 ? r : 0;
}

/* From now on there is none, until its next line. */
static void forget_file(struct output *o)
{
    o->file = (struct file_id){0};
    o->end = o->vouched = 0;
    o->booked = false;
}

int output_recover(struct output *o, const struct sink_row *row, bool *ret_changed,
                   struct error *error)
{
    bool rotated;
    output_reset(o);
    o->file = row->file;
    o->end = o->vouched = row->length;
    o->unpacked = o->shared->rotation.compression != ROTATED_PLAIN;
    int r = recover_rotated(o, row, &rotated, error);
    if (r < 0)
        return r;
    if (rotated)
        forget_file(o);
    *ret_changed = rotated;

    struct found found;
    r = open_file(o, o->path, &found, error);
    if (r < 0)
        return r;
    if (r == OPEN_MISSING) {
        if (o->end)
            warn(o, "output.missing", "the output is gone; a new one begins with its next line",
                 NULL);
        *ret_changed = row->length || row->file.inode;
        forget_file(o);
        return 0;
    }
    if (file_id_equal(found.at.id, o->file) && found.at.size >= o->end) {
        r = cut_back(o, &found, row->length, error);
        o->booked = r == 0;
    } else {
        adopt(o, &found);
        o->vouched = o->end;
        *ret_changed = true;
    }
    output_close(o);
    return r;
}

/* A new output's name must outlast a power cut, and a torn last line must not swallow ours. */
static int begin_unbooked(struct output *o, struct error *error)
{
    int r = output_path_sync_directory(o->path, error);
    if (r < 0 || o->end == 0)
        return r;
    char last;
    if (pread(o->fd, &last, 1, (off_t)(o->end - 1)) != 1)
        return error_set(error, -EIO, "%s: its last byte cannot be read", o->path);
    if (last != '\n')
        buf_append_char(&o->held, '\n');
    return 0;
}

/* The file that is open, else the one at the path, else a new one. */
static int find_file(struct output *o, struct found *ret, struct error *error)
{
    if (o->fd >= 0 && !lies_at(o->path, o->file))
        output_close(o); /* the path leads elsewhere now */
    if (o->fd < 0)
        return open_or_create(o, ret, error);
    *ret = (struct found){0};
    int r = output_path_look(o->fd, "", &ret->at);
    return r < 0 ? error_set(error, r, "%s: %s", o->path, strerror(-r)) : 0;
}

static bool is_as_left(const struct output *o, const struct found *found)
{
    return o->booked && file_id_equal(found->at.id, o->file) && found->at.size == o->end;
}

bool output_is_full(const struct output *o, size_t more)
{
    uint64_t max_size = o->shared->rotation.max_size;
    return max_size && o->end + o->held.size + more >= max_size;
}

/* All that is in it is committed; what comes next goes into a new file. */
static int rotate(struct output *o, struct found *ret, struct error *error)
{
    CHECK(!o->touched && !o->unsynced && o->vouched == o->end);
    const struct rotation *rotation = &o->shared->rotation;
    int r = output_rotate(o->path, rotation->max_files, o->shared->registry, error);
    if (r < 0)
        return r;
    log_line(LOG_DEBUG, "output.rotated", "the output has reached its size",
             "path=%s size=%" PRIu64, LOG_QUOTE(o->path), o->end);
    __atomic_fetch_add(&o->shared->rotated, 1, __ATOMIC_RELAXED);
    output_close(o);
    forget_file(o);
    o->unpacked = rotation->compression != ROTATED_PLAIN;
    return open_or_create(o, ret, error);
}

int output_ready(struct output *o, struct error *error)
{
    struct found found;
    int r = find_file(o, &found, error);
    if (r == 0 && is_as_left(o, &found) && output_is_full(o, 0))
        r = rotate(o, &found, error);
    if (r < 0)
        return r;
    if (is_as_left(o, &found))
        return 0;
    adopt(o, &found);
    return begin_unbooked(o, error);
}

int output_heed_cut(struct output *o, struct error *error)
{
    struct found found = {0};
    if (!o->booked || o->fd < 0)
        return 0;
    int r = output_path_look(o->fd, "", &found.at);
    if (r < 0)
        return error_set(error, r, "%s: %s", o->path, strerror(-r));
    if (found.at.size >= o->end)
        return 0;
    adopt(o, &found);
    return begin_unbooked(o, error);
}

static int changed_meanwhile(const struct output *o, struct error *error)
{
    return error_set(error, -ESTALE, "%s was changed by somebody else while it was written",
                     o->path);
}

int output_reopen(struct output *o, struct error *error)
{
    struct found found;
    int r = open_file(o, o->path, &found, error);
    if (r < 0)
        return r;
    if (r == 0 && file_id_equal(found.at.id, o->file) && found.at.size == o->end)
        return 0;
    output_close(o);
    return changed_meanwhile(o, error);
}

/* Bytes behind its end would leave a hole of zeros before them. */
static int check_not_cut(const struct output *o, struct error *error)
{
    struct output_found found;
    int r = output_path_look(o->fd, "", &found);
    if (r < 0)
        return error_set(error, r, "%s: %s", o->path, strerror(-r));
    return found.size < o->end ? changed_meanwhile(o, error) : 0;
}

int output_write(struct output *o, struct span bytes, struct error *error)
{
    int r = bytes.size ? check_not_cut(o, error) : 0;
    if (r < 0)
        return r;
    while (bytes.size) {
        ssize_t n = pwrite(o->fd, bytes.data, bytes.size, (off_t)o->end);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int code = n < 0 ? errno : EIO;
            return error_set(error, -code, "writing to %s: %s", o->path, strerror(code));
        }
        o->unsynced = true;
        o->end += (uint64_t)n;
        bytes = (struct span){bytes.data + n, bytes.size - (size_t)n};
    }
    return 0;
}

void output_start_sync(struct output *o)
{
    /* A failure shows in the fdatasync that follows. */
    if (o->unsynced && o->fd >= 0)
        (void)sync_file_range(o->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/* Never tried again after a failure: the kernel has marked the pages clean, a second call would
 * answer 0 for bytes that are not on the disk. */
int output_sync(struct output *o, struct error *error)
{
    if (!o->unsynced)
        return 0;
    if (fdatasync(o->fd) < 0)
        return error_set(error, -errno, "syncing %s: %s", o->path, strerror(errno));
    o->unsynced = false;
    return 0;
}
