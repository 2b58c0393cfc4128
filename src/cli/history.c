// SPDX-License-Identifier: Apache-2.0
#include "cli/history.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "cli/journal_history.h"
#include "cli/log_find.h"
#include "source/follow.h"
#include "source/local_file/frame.h"
#include "source/scan.h"

enum { LOOKS_MAX = 16 /* at a directory whose files are renamed under our eyes */ };

#define JOURNAL_PATH "the journal"
#define NOBODY_ID    "0000000000000000000000000000000000000000000000000000000000000000"

struct history {
    struct follow_tools tools;
    struct follow follow;
    struct slot *slot;
    struct view *view;
    struct batch batch;
    struct container *container;
    struct journal_history *journal; /* NULL: files are read */

    struct segment **segments; /* oldest first; serials from 1 */
    char **paths;              /* of each */
    size_t count;
    uint64_t live_serial; /* Docker may be writing into it; 0: into none */
    enum record_format format;
};

static void forget_segments(struct history *h)
{
    for (size_t i = 0; i < h->count; i++) {
        segment_unref(h->segments[i]);
        free(h->paths[i]);
    }
    free(h->segments);
    free(h->paths);
    h->segments = NULL;
    h->paths = NULL;
    h->count = 0;
}

struct history *history_close(struct history *h)
{
    if (!h)
        return NULL;
    journal_history_free(h->journal);
    follow_deinit(&h->follow);
    follow_tools_deinit(&h->tools);
    batch_deinit(&h->batch);
    view_unref(h->view);
    slot_unref(h->slot);
    forget_segments(h);
    container_unref(h->container);
    free(h);
    return NULL;
}

/* `fd` becomes the segment's, also on failure. */
static int add_segment(struct history *h, int fd, const char *path, bool gzip)
{
    CLEANUP(close_fd) int mine = fd;
    struct segment_options options = {.ref = {.serial = h->count + 1},
                                      .format = h->format,
                                      .gzip = gzip,
                                      .sealed = true,
                                      .fd = fd};
    uint64_t size;
    unsigned links;
    int r = scan_identify(fd, &options.ref.file, &size, &links);
    if (r < 0)
        return r;

    CLEANUP_FREE char *copy = strdup(path);
    if (!copy || segment_new(&h->segments[h->count], &options) < 0)
        return -ENOMEM;
    TAKE_FD(mine);
    h->paths[h->count++] = TAKE(copy);
    return 0;
}

static int make_room(struct history *h, size_t count)
{
    h->segments = calloc(count + 1, sizeof(struct segment *));
    h->paths = calloc(count + 1, sizeof(char *));
    return h->segments && h->paths ? 0 : -ENOMEM;
}

/* Not followed where it is a link, not waited for where it is a pipe. */
static int open_log(const char *path, int flags)
{
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    return S_ISREG(st.st_mode) ? TAKE_FD(fd) : -EINVAL;
}

/* Opens what the scan saw. -ESTALE where a file has been renamed or removed since. */
static int open_scanned(struct history *h, const char *directory, const struct scan *scan)
{
    int r = make_room(h, scan->count);
    for (size_t i = 0; r == 0 && i < scan->count; i++) {
        const struct scan_file *f = &scan->files[i];
        char path[PATH_BYTES_MAX + SCAN_NAME_MAX];
        if (f->number == 0 && f->size == 0)
            continue; /* nothing was written since the last rotation: no damage */
        snprintf(path, sizeof(path), "%s/%s", directory, f->name);
        int fd = open_log(path, O_NOFOLLOW);
        if (fd < 0)
            return fd == -ENOENT ? -ESTALE : fd;
        r = add_segment(h, fd, path, f->gzip);
        if (r == 0 && !file_id_equal(h->segments[h->count - 1]->file, f->file))
            r = -ESTALE;
        if (f->number == 0)
            h->live_serial = h->count;
    }
    return r;
}

static int open_chain(struct history *h, const char *directory, const char *live_name)
{
    int r = -ESTALE;
    for (int i = 0; r == -ESTALE && i < LOOKS_MAX; i++) {
        struct scan scan = {0};
        forget_segments(h);
        r = scan_directory(directory, live_name, &scan);
        if (r == 0)
            r = open_scanned(h, directory, &scan);
        scan_deinit(&scan);
    }
    return r;
}

/* RFC 1952: the first two bytes. */
static bool is_gzip(int fd)
{
    unsigned char magic[2];
    return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) && magic[0] == 0x1f &&
           magic[1] == 0x8b;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* One of the files beside a live one, seen alone. */
static bool is_rotated_frames(const char *name)
{
    return log_name_of(LOG_KIND_LOCAL, "", name) == LOG_NAME_ROTATED ||
           log_name_of(LOG_KIND_CACHE, "", name) == LOG_NAME_ROTATED;
}

static bool begins_with_frame(int fd)
{
    char head[FRAME_HEAD_SIZE];
    size_t size;
    return pread(fd, head, sizeof(head), 0) == sizeof(head) &&
           frame_look((struct span){head, sizeof(head)}, &size) == FRAME_UNFINISHED;
}

static int open_single(struct history *h, const char *path)
{
    int r = make_room(h, 1);
    if (r < 0)
        return r;
    int fd = open_log(path, 0);
    if (fd < 0)
        return fd;
    struct stat st;
    if (fstat(fd, &st) == 0 && st.st_size == 0) {
        close_fd(fd);
        return 0;
    }
    bool frames = is_rotated_frames(file_name(path)) || begins_with_frame(fd);
    h->format = frames ? RECORD_LOCAL : RECORD_JSON_FILE;
    return add_segment(h, fd, path, is_gzip(fd));
}

static int open_received(struct history *h, const struct history_options *options)
{
    struct stat st;
    int r = make_room(h, 1);
    if (r == 0 && fstat(options->received_fd, &st) < 0)
        r = -errno;
    if (r < 0 || st.st_size == 0)
        return r;
    int fd = fcntl(options->received_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    h->format = RECORD_LOCAL;
    return add_segment(h, fd, options->path, false);
}

static int open_files(struct history *h, const struct history_options *options, struct error *error)
{
    const char *name = file_name(options->path);
    char directory[PATH_BYTES_MAX];
    int size =
        snprintf(directory, sizeof(directory), "%.*s.", (int)(name - options->path), options->path);
    if (size >= (int)sizeof(directory))
        return error_set(error, -ENAMETOOLONG, "%s: too long", options->path);
    if (size > 2)
        directory[size - 2] = '\0'; /* "DIRECTORY/." */

    bool chained = options->container || log_find_is_live(name);
    h->format = log_find_format(name);
    int r = chained ? open_chain(h, directory, name) : open_single(h, options->path);
    if (r == -ENOENT && options->container)
        return 0; /* it never ran */
    if (r == 0 && chained && !options->container && h->count == 0 && access(options->path, F_OK))
        r = -errno;
    if (r == -ESTALE)
        return error_set(error, r, "%s: rotated faster than its files can be opened",
                         options->path);
    return r < 0 ? error_set(error, r, "%s: %s", options->path,
                             r == -EINVAL ? "no regular file" : strerror(-r))
                 : 0;
}

static int open_log_of(struct history *h, const struct history_options *options,
                       struct error *error)
{
    if (!options->path)
        return 0;
    if (!options->received)
        return open_files(h, options, error);
    int r = open_received(h, options);
    return r < 0 ? error_set(error, r, "%s: %s", options->path, strerror(-r)) : 0;
}

static int make_container(struct history *h, const struct history_options *options)
{
    if (options->container) {
        h->container = container_ref(options->container);
        return 0;
    }
    return container_new(&h->container, &(struct container_fields){
                                            .id = NOBODY_ID, .name = file_name(options->path)});
}

static bool wants_all(void *context, const struct container *c)
{
    return true;
}

/* There is no monitor. */
static void wake_nobody(void *context)
{
}

/* The container counts as gone: what its last file ends with is all there will be. */
static int make_source(struct history *h, const struct history_options *options)
{
    const struct era era = {.container = h->container};
    int r = view_new(&h->view, 1, true, h->segments, h->count, &era, 1);
    if (r == 0)
        r = slot_new(&h->slot, h->container->id, 1);
    if (r == 0)
        r = follow_tools_init(&h->tools, options->form);
    if (r == 0)
        r = batch_init(&h->batch, options->form);
    if (r < 0)
        return r;
    h->batch.ingest_ns = clock_now_ns();
    h->tools.records = options->records;
    h->tools.wants = wants_all;
    h->tools.wake_monitor = wake_nobody;
    follow_init(&h->follow, h->slot, &CURSOR_INIT);
    return options->path ? 0
                         : journal_history_new(&h->journal, options->journal_directory, &h->follow);
}

int history_open(struct history **ret, const struct history_options *options, struct error *error)
{
    CLEANUP(history_close) struct history *h = calloc(1, sizeof(*h));
    if (!h)
        return error_set(error, -ENOMEM, "no memory");
    int r = open_log_of(h, options, error);
    if (r < 0)
        return r;
    r = make_container(h, options);
    if (r == 0)
        r = make_source(h, options);
    if (r < 0)
        return error_set(error, r, "%s: %s", options->path ? options->path : JOURNAL_PATH,
                         strerror(-r));
    *ret = TAKE(h);
    return 0;
}

const struct container *history_container(const struct history *h)
{
    return h->container;
}

const char *history_path(const struct history *h, uint64_t serial)
{
    if (h->journal)
        return JOURNAL_PATH;
    return serial >= 1 && serial <= h->count ? h->paths[serial - 1] : "?";
}

/* Half a record at the end of the live file is being written. */
static void leave_out_unfinished(struct history *h)
{
    struct batch *b = &h->batch;
    size_t kept = 0;
    for (size_t i = 0; i < b->gap_count; i++)
        if (b->gaps[i].reason != GAP_TORN || b->gaps[i].serial != h->live_serial ||
            b->gaps[i].offset + (uint64_t)b->gaps[i].bytes != h->follow.cursor.offset)
            b->gaps[kept++] = b->gaps[i];
    b->gap_count = kept;
}

/* The file was emptied or replaced in place while it was read. */
static int end_truncated(struct history *h)
{
    int r = follow_finish(&h->follow, &h->tools, h->view, &h->batch);
    if (r < 0)
        return r;
    batch_add_gap(&h->batch, (struct gap){.reason = GAP_TRUNCATED,
                                          .serial = h->follow.segment->serial,
                                          .offset = h->follow.cursor.offset,
                                          .bytes = GAP_BYTES_UNKNOWN,
                                          .after_ns = h->follow.cursor.last_ns,
                                          .before_ns = GAP_TIME_UNKNOWN});
    h->follow.cursor.kind = CURSOR_ENDED;
    return 0;
}

static int pull(struct history *h, struct error *error)
{
    if (h->journal)
        return journal_history_next(h->journal, &h->tools, h->view, &h->batch, error);
    int r;
    do
        r = follow_pull(&h->follow, &h->tools, h->view, &h->batch);
    while (r == FOLLOW_AGAIN);
    return r == FOLLOW_IDLE ? end_truncated(h) : r;
}

int history_next(struct history *h, struct batch **ret, struct error *error)
{
    int r = pull(h, error);
    if (r == FOLLOW_END)
        return HISTORY_END;
    if (r < 0 && h->journal && error->text[0])
        return r;
    if (r < 0)
        return error_set(error, r, "%s: %s", history_path(h, h->follow.cursor.segment.serial),
                         strerror(-r));
    if (h->follow.cursor.kind == CURSOR_ENDED)
        leave_out_unfinished(h);
    *ret = &h->batch;
    return 0;
}
