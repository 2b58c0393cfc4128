// SPDX-License-Identifier: Apache-2.0
#include "sink/output.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/resource.h"
#include "sink/output_path.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* What lies at the output's path, or behind its descriptor. */
struct found {
    struct file_id file;
    uint64_t size;
    bool regular;
    bool created; /* by us, just now */
};

int output_new(struct output **ret, struct output_registry *registry, const char *path)
{
    CLEANUP(output_free) struct output *o = malloc(sizeof(*o));
    if (!o)
        return -ENOMEM;
    *o = (struct output){
        .registry = registry, .fd = -1, .held = BUF_INIT(ENCODED_BYTES_MAX), .path = strdup(path)};
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
        output_registry_release(o->registry, o->claimed, o);
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

/* `fd` AT_FDCWD: what lies at `path`, a symbolic link itself; else what is open. */
static int look(int fd, const char *path, struct found *ret)
{
    struct statx st;
    int flags = AT_SYMLINK_NOFOLLOW | (*path ? 0 : AT_EMPTY_PATH);
    if (statx(fd, path, flags, STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
        return -errno;
    int64_t birth_ns = st.stx_btime.tv_sec * NS_PER_SECOND + st.stx_btime.tv_nsec;
    *ret = (struct found){
        .file = {.device = makedev(st.stx_dev_major, st.stx_dev_minor),
                 .inode = st.stx_ino,
                 .birth_ns = st.stx_mask & STATX_BTIME ? birth_ns : 0},
        .size = st.stx_size,
        .regular = S_ISREG(st.stx_mode),
    };
    return 0;
}

/* Claims before it locks: against ourselves the registry has the better words. */
static int take_file(struct output *o, int fd, const struct found *found, struct error *error)
{
    if (!found->regular)
        return error_set(error, -EINVAL, "%s is no regular file", o->path);
    if (!file_id_equal(o->claimed, found->file))
        unclaim(o);
    int r = output_registry_claim(o->registry, found->file, o, o->path, error);
    if (r < 0)
        return r;
    o->claimed = found->file;
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

/* Opens what lies at the path, and takes it. */
static int open_file(struct output *o, struct found *ret, struct error *error)
{
    CLEANUP(close_fd) int fd = open_path(o->path, 0);
    if (fd < 0)
        return errno == ENOENT ? OPEN_MISSING : open_failed(o, errno, error);
    int r = look(fd, "", ret);
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
    int r = open_file(o, ret, error);
    if (r != OPEN_MISSING)
        return r;
    r = output_path_make_directories(o->path, error);
    if (r < 0)
        return r;
    CLEANUP(close_fd) int fd = open_path(o->path, O_CREAT | O_EXCL);
    if (fd < 0)
        return open_failed(o, errno, error);
    r = open_file(o, ret, error);
    if (r == OPEN_MISSING)
        return open_failed(o, ENOENT, error);
    ret->created = true;
    return r;
}

static void warn(const struct output *o, const char *event, const char *message,
                 const struct found *found)
{
    log_line(LOG_WARN, event, message, "path=%s booked=%" PRIu64 " size=%" PRIu64,
             LOG_QUOTE(o->path), o->end, found ? found->size : 0);
}

/* Says how what was found differs from what we left, if it does. */
static void say_difference(struct output *o, const struct found *found)
{
    if (!o->file.inode) {
        if (found->size && !o->warned)
            warn(o, "output.unknown",
                 "the ledger does not know this output (was the state lost?); appending to it",
                 found);
        o->warned = true;
    } else if (found->created) {
        if (o->end)
            warn(o, "output.missing", "the output is gone; a new one begins", found);
    } else if (!file_id_equal(o->file, found->file)) {
        if (o->end || found->size)
            warn(o, "output.replaced", "another file stands in the output's place; appending to it",
                 found);
    } else if (found->size < o->end) {
        warn(o, "output.shorter", "the output is shorter than booked; appending to what is there",
             found);
    } else if (found->size > o->end) {
        warn(o, "output.longer", "somebody else wrote to the output; appending after it", found);
    }
}

/* From now on this is the output. It has to be booked before a byte is written. */
static void adopt(struct output *o, const struct found *found)
{
    say_difference(o, found);
    o->file = found->file;
    o->end = found->size;
    o->booked = false;
}

static int cut_back(struct output *o, const struct found *found, uint64_t length,
                    struct error *error)
{
    if (found->size == length)
        return 0;
    if (ftruncate(o->fd, (off_t)length) < 0)
        return error_set(error, -errno, "cutting %s back: %s", o->path, strerror(errno));
    if (fdatasync(o->fd) < 0)
        return error_set(error, -errno, "syncing %s: %s", o->path, strerror(errno));
    return 0;
}

int output_recover(struct output *o, const struct sink_row *row, bool *ret_changed,
                   struct error *error)
{
    output_reset(o);
    o->file = row->file;
    o->end = o->vouched = row->length;
    *ret_changed = false;

    struct found found;
    int r = open_file(o, &found, error);
    if (r < 0)
        return r;
    if (r == OPEN_MISSING) {
        if (row->length)
            warn(o, "output.missing", "the output is gone; a new one begins with its next line",
                 NULL);
        *ret_changed = row->length || row->file.inode;
        o->file = (struct file_id){0};
        o->end = o->vouched = 0;
        return 0;
    }
    if (file_id_equal(found.file, row->file) && found.size >= row->length) {
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

/* Leaves the file that is open where the path no longer leads to it. */
static void leave_if_moved(struct output *o)
{
    struct found found;
    if (look(AT_FDCWD, o->path, &found) < 0 || !file_id_equal(found.file, o->file))
        output_close(o);
}

/* The file that is open, else the one at the path, else a new one. */
static int find_file(struct output *o, struct found *ret, struct error *error)
{
    if (o->fd >= 0)
        leave_if_moved(o);
    if (o->fd < 0)
        return open_or_create(o, ret, error);
    int r = look(o->fd, "", ret);
    return r < 0 ? error_set(error, r, "%s: %s", o->path, strerror(-r)) : 0;
}

int output_ready(struct output *o, struct error *error)
{
    struct found found;
    int r = find_file(o, &found, error);
    if (r < 0)
        return r;
    if (o->booked && file_id_equal(found.file, o->file) && found.size == o->end)
        return 0;
    adopt(o, &found);
    return begin_unbooked(o, error);
}

int output_reopen(struct output *o, struct error *error)
{
    struct found found;
    int r = open_file(o, &found, error);
    if (r < 0)
        return r;
    if (r == 0 && file_id_equal(found.file, o->file) && found.size == o->end)
        return 0;
    output_close(o);
    return error_set(error, -ESTALE, "%s was changed by somebody else while it was written",
                     o->path);
}

int output_write(struct output *o, struct span bytes, struct error *error)
{
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
