// SPDX-License-Identifier: Apache-2.0
#include "source/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/resource.h"
#include "source/local_file/frame_write.h"

enum {
    TAIL_BYTES = 256 * 1024,               /* read at first when it is opened */
    READ_BYTES_MAX = 4 * SPOOL_FILE_BYTES, /* of a file; a larger one is not ours */
    SPOOL_NAME_MAX = sizeof(SPOOL_FILE_NAME) + 12,
    SPOOL_PATH_MAX = PATH_BYTES_MAX,
};

struct spool {
    int directory, file; /* owned, counted */
    uint64_t size;       /* bytes of the file that are whole frames */
    uint64_t dropped_files;
    struct spool_marks marks;
    struct buf *batch;         /* borrowed */
    char path[SPOOL_PATH_MAX]; /* of the directory */
};

static int open_counted(int at, const char *name, int flags)
{
    int fd = openat(at, name, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        resource_opened(RESOURCE_SPOOL);
    return fd;
}

static int close_counted(int fd)
{
    if (fd >= 0)
        resource_closed(RESOURCE_SPOOL);
    return close_fd(fd);
}

struct spool *spool_close(struct spool *s)
{
    if (!s)
        return NULL;
    s->file = close_counted(s->file);
    s->directory = close_counted(s->directory);
    free(s);
    return NULL;
}

static int fail(const struct spool *s, const char *name, int code, struct error *error)
{
    return error_set(error, code, "%s/%s: %s", s->path, name, strerror(-code));
}

/* `to`: SPOOL_NAME_MAX bytes. Number 0 is the live file. */
static const char *file_name(char *to, unsigned number)
{
    snprintf(to, SPOOL_NAME_MAX, number ? "%s.%u" : "%s", SPOOL_FILE_NAME, number);
    return to;
}

static int join_path(char to[SPOOL_PATH_MAX], const char *root, const char *name,
                     struct error *error)
{
    if (snprintf(to, SPOOL_PATH_MAX, "%s/%s", root, name) >= SPOOL_PATH_MAX)
        return error_set(error, -ENAMETOOLONG, "%s/%s: a path that long is not read", root, name);
    return 0;
}

int spool_make(const char *root, const char *id, struct error *error)
{
    char path[SPOOL_PATH_MAX];
    int r = join_path(path, root, id, error);

    if (r < 0)
        return r;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    CLEANUP(close_fd) int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(close_fd)
    int file = directory < 0 ? -1
                             : openat(directory, SPOOL_FILE_NAME,
                                      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return file < 0 ? error_set(error, -errno, "%s/" SPOOL_FILE_NAME ": %s", path, strerror(errno))
                    : 0;
}

int spool_remove(const char *root, const char *name, struct error *error)
{
    char path[SPOOL_PATH_MAX], file[SPOOL_NAME_MAX];
    int r = join_path(path, root, name, error);

    if (r < 0)
        return r;
    CLEANUP(close_fd) int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; directory >= 0 && i < SPOOL_FILES_MAX; i++)
        unlinkat(directory, file_name(file, i), 0);
    if (rmdir(path) < 0 && errno != ENOENT)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    return 0;
}

/* Bytes [from, to) of a file; a shorter file gives fewer. */
static int read_part(int fd, uint64_t from, uint64_t to, struct buf *ret)
{
    buf_clear(ret);
    char *data = buf_reserve(ret, (size_t)(to - from));
    if (!data)
        return ret->failed;
    while (ret->size < to - from) {
        ssize_t n =
            pread(fd, data + ret->size, (size_t)(to - from) - ret->size, (off_t)(from + ret->size));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        ret->size += (size_t)n;
    }
    return 0;
}

/* Steps back through one file: through its end first, and through all of it where that is not
 * enough. A live file whose end is torn is cut behind its last whole frame. 1: all is found. */
static int search_file(struct spool_search *search, int fd, bool live, uint64_t *ret_size)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(READ_BYTES_MAX);
    struct stat st;
    size_t left = 0;

    if (fstat(fd, &st) < 0)
        return -errno;
    uint64_t size = (uint64_t)st.st_size, from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
    int r = read_part(fd, from, size, &bytes);
    bool enough = r == 0 && spool_search_back(search, buf_span(&bytes), &left);
    if (r == 0 && !enough && left) {
        bool torn = live && left == bytes.size;
        uint64_t end = torn ? size : from + left;
        r = read_part(fd, 0, end, &bytes);
        if (r == 0 && torn) {
            size = bytes.size = spool_whole_size(buf_span(&bytes));
            r = ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
        }
        enough = r == 0 && spool_search_back(search, buf_span(&bytes), &left);
    }
    if (ret_size)
        *ret_size = size;
    return r < 0 ? r : enough;
}

/* Where the log stands. An old file that cannot be read only makes the search end early. */
static int find_marks(struct spool *s, struct error *error)
{
    struct spool_search search = {.marks = &s->marks};
    char name[SPOOL_NAME_MAX];
    int r = search_file(&search, s->file, true, &s->size);

    if (r < 0)
        return fail(s, SPOOL_FILE_NAME, r, error);
    for (unsigned i = 1; r == 0 && i < SPOOL_FILES_MAX; i++) {
        CLEANUP(close_fd) int fd = openat(s->directory, file_name(name, i), O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? 1 : search_file(&search, fd, false, NULL);
    }
    return 0;
}

int spool_open(struct spool **ret, const char *root, const char *id, struct buf *batch,
               struct error *error)
{
    CLEANUP(spool_close) struct spool *s = malloc(sizeof(*s));
    if (!s)
        return error_set(error, -ENOMEM, "the spool of %s: no memory", id);
    *s = (struct spool){.directory = -1, .file = -1, .batch = batch};
    int r = join_path(s->path, root, id, error);
    if (r < 0)
        return r;

    s->directory = open_counted(AT_FDCWD, s->path, O_RDONLY | O_DIRECTORY);
    if (s->directory >= 0)
        s->file = open_counted(s->directory, SPOOL_FILE_NAME, O_RDWR | O_CREAT | O_APPEND);
    if (s->file < 0)
        return fail(s, SPOOL_FILE_NAME, -errno, error);
    r = find_marks(s, error);
    if (r < 0)
        return r;
    *ret = TAKE(s);
    return 0;
}

const struct spool_marks *spool_marks(const struct spool *s)
{
    return &s->marks;
}

uint64_t spool_dropped_files(const struct spool *s)
{
    return s->dropped_files;
}

int spool_frame(struct buf *to, struct spool_marks *marks, const struct spool_entry *entry)
{
    spool_marks_note(marks, entry);
    const struct spool_mark *mark = &marks->streams[entry->stream];
    struct local_partial partial = {.last = entry->ends_line, .ordinal = mark->ordinal};

    return local_frame_write(to, entry->stream, entry->time_ns, entry->text,
                             mark->ordinal ? &partial : NULL);
}

int spool_append(struct spool *s, const struct spool_entry *entry)
{
    return spool_frame(s->batch, &s->marks, entry);
}

/* As Docker does it: the oldest goes first, then each takes the next number. */
static int rotate(struct spool *s, struct error *error)
{
    char from[SPOOL_NAME_MAX], to[SPOOL_NAME_MAX];

    if (unlinkat(s->directory, file_name(to, SPOOL_FILES_MAX - 1), 0) == 0)
        s->dropped_files++;
    for (unsigned i = SPOOL_FILES_MAX - 1; i >= 1; i--)
        if (renameat(s->directory, file_name(from, i - 1), s->directory, file_name(to, i)) < 0 &&
            errno != ENOENT)
            return fail(s, from, -errno, error);
    s->file = close_counted(s->file);
    s->file = open_counted(s->directory, SPOOL_FILE_NAME, O_RDWR | O_CREAT | O_APPEND);
    s->size = 0;
    return s->file < 0 ? fail(s, SPOOL_FILE_NAME, -errno, error) : 0;
}

int spool_flush(struct spool *s, struct error *error)
{
    struct span batch = buf_span(s->batch);
    int r = 0;

    if (batch.size == 0)
        return 0;
    if (s->size && s->size + batch.size > SPOOL_FILE_BYTES)
        r = rotate(s, error);
    if (r == 0) {
        ssize_t n = write(s->file, batch.data, batch.size);
        if (n < 0)
            r = fail(s, SPOOL_FILE_NAME, -errno, error);
        else if ((size_t)n < batch.size)
            r = fail(s, SPOOL_FILE_NAME, -ENOSPC, error);
        else
            s->size += batch.size;
    }
    buf_clear(s->batch);
    return r;
}
