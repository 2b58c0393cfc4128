// SPDX-License-Identifier: Apache-2.0
#include "source_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/json_text.h"
#include "base/rfc3339.h"
#include "source/local_file/frame_write.h"

enum { FILE_BYTES_MAX = 64 * 1024 * 1024, PATHS = 4 };

const char *rig_file(struct source_rig *r, const char *name)
{
    static char paths[PATHS][2 * RIG_PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % PATHS];
    snprintf(path, sizeof(paths[0]), "%.400s/%.200s%s", r->directory, r->live_name, name);
    return path;
}

static void write_all(int fd, struct span bytes)
{
    while (bytes.size) {
        ssize_t n = write(fd, bytes.data, bytes.size);
        assert_true(n > 0);
        bytes.data += n;
        bytes.size -= (size_t)n;
    }
}

void rig_write(struct source_rig *r, const char *name, struct span bytes)
{
    CLEANUP(close_fd)
    int fd = open(rig_file(r, name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    assert_true(fd >= 0);
    write_all(fd, bytes);
}

/* As the `local` driver does: the chunks of one line are those of one time. */
static void append_frame(struct source_rig *r, struct buf *to, int64_t at_ns, const char *stream,
                         struct span log)
{
    enum stream number = strcmp(stream, "stderr") == 0 ? STREAM_STDERR : STREAM_STDOUT;
    struct rig_line *line = &r->lines[number];
    char *text = malloc(log.size + BUF_SLACK);
    assert_non_null(text);
    size_t size = json_text_unescape(text, log);
    bool whole = size > 0 && text[size - 1] == '\n';
    if (line->at_ns != at_ns)
        *line = (struct rig_line){.at_ns = at_ns};
    bool cut = !whole || line->chunks > 0;
    struct local_partial partial = {.last = whole, .ordinal = line->chunks + 1, .id = SPAN("id")};
    assert_int_equal(local_frame_write(to, number, RIG_EPOCH + at_ns,
                                       (struct span){text, size - whole}, cut ? &partial : NULL),
                     0);
    line->chunks = whole || size < SOURCE_CHUNK_BYTES ? 0 : line->chunks + 1;
    free(text);
}

void rig_drop_chunk(struct source_rig *r, const char *stream)
{
    r->lines[strcmp(stream, "stderr") == 0].chunks++;
}

static void append_record(struct buf *to, int64_t at_ns, const char *stream, struct span log)
{
    char time[RFC3339_SIZE];
    rfc3339_format(time, RIG_EPOCH + at_ns);
    buf_append(to, SPAN("{\"log\":\""));
    buf_append(to, log);
    buf_append_format(to, "\",\"stream\":\"%s\",\"time\":\"%.*s\"}\n", stream, RFC3339_SIZE, time);
}

static void log_span(struct source_rig *r, int64_t at_ns, const char *stream, struct span log)
{
    struct buf record = BUF_INIT(FILE_BYTES_MAX);
    if (r->format == RECORD_LOCAL)
        append_frame(r, &record, at_ns, stream, log);
    else
        append_record(&record, at_ns, stream, log);
    rig_write(r, "", buf_span(&record));
    buf_deinit(&record);
}

void rig_log_stream(struct source_rig *r, int64_t at_ns, const char *stream, const char *log)
{
    log_span(r, at_ns, stream, span_of(log));
}

void rig_log(struct source_rig *r, int64_t at_ns, const char *log)
{
    rig_log_stream(r, at_ns, "stdout", log);
}

void rig_log_chunk(struct source_rig *r, int64_t at_ns, const char *stream, char fill)
{
    char chunk[SOURCE_CHUNK_BYTES];
    memset(chunk, fill, sizeof(chunk));
    log_span(r, at_ns, stream, (struct span){chunk, sizeof(chunk)});
}

void rig_rename(struct source_rig *r, const char *from, const char *to)
{
    if (rename(rig_file(r, from), rig_file(r, to)) < 0)
        assert_int_equal(errno, ENOENT);
}

void rig_unlink(struct source_rig *r, const char *name)
{
    if (unlink(rig_file(r, name)) < 0)
        assert_int_equal(errno, ENOENT);
}

void rig_rotate(struct source_rig *r, unsigned max_file)
{
    static const char *const endings[] = {"", ".gz"};
    char from[32], to[32];
    for (unsigned n = max_file - 1; n > 0; n--) {
        for (size_t k = 0; k < ARRAY_SIZE(endings); k++) {
            snprintf(to, sizeof(to), ".%u%s", n, endings[k]);
            snprintf(from, sizeof(from), ".%u%s", n - 1, endings[k]);
            if (n == max_file - 1)
                rig_unlink(r, to);
            if (n > 1)
                rig_rename(r, from, to);
        }
    }
    if (max_file > 1)
        rig_rename(r, "", ".1");
    else
        rig_unlink(r, "");
    rig_write(r, "", (struct span){"", 0});
}

struct span rig_read_file(const char *path)
{
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail_msg("%s: %s", path, strerror(errno));
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    char *data = malloc((size_t)st.st_size + BUF_SLACK);
    assert_non_null(data);
    assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
    return (struct span){data, (size_t)st.st_size};
}

void rig_write_gzip(struct source_rig *r, const char *name, struct span plain, size_t size_max)
{
    gzFile file = gzopen(rig_file(r, name), "wb");
    assert_non_null(file);
    if (plain.size)
        assert_int_equal(gzwrite(file, plain.data, (unsigned)plain.size), plain.size);
    assert_int_equal(gzclose(file), Z_OK);
    struct stat st;
    assert_int_equal(stat(rig_file(r, name), &st), 0);
    if ((size_t)st.st_size > size_max)
        rig_truncate(r, name, size_max);
}

void rig_compress(struct source_rig *r)
{
    struct span plain = rig_read_file(rig_file(r, ".1"));
    rig_write_gzip(r, ".1.gz", plain, SIZE_MAX);
    free((char *)plain.data);
    rig_unlink(r, ".1");
}

static void copy(const char *from, const char *to)
{
    struct span bytes = rig_read_file(from);
    CLEANUP(close_fd) int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    assert_true(fd >= 0);
    write_all(fd, bytes);
    free((char *)bytes.data);
}

void rig_copy(struct source_rig *r, const char *from, const char *to)
{
    copy(rig_file(r, from), rig_file(r, to));
}

void rig_truncate(struct source_rig *r, const char *name, uint64_t size)
{
    assert_int_equal(truncate(rig_file(r, name), (off_t)size), 0);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    return remove(path);
}

void rig_remove_container(struct source_rig *r)
{
    assert_int_equal(nftw(r->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Where the name of a log file ends in what the rig's names end in too; NULL: none of them. */
static const char *behind_live_name(const char *name)
{
    static const char *const live_names[] = {"-json.log", "container.log", "container-cached.log"};
    for (size_t i = 0; i < ARRAY_SIZE(live_names); i++) {
        const char *found = strstr(name, live_names[i]);
        if (found)
            return found + strlen(live_names[i]);
    }
    return NULL;
}

void rig_take_sample(struct source_rig *r, const char *sample)
{
    char directory[RIG_PATH_MAX], from[2 * RIG_PATH_MAX];
    snprintf(directory, sizeof(directory), TEST_DATA "/docker/%s", sample);
    CLEANUP(closedir) DIR *dir = opendir(directory);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *ending = behind_live_name(entry->d_name);
        if (!ending)
            continue;
        snprintf(from, sizeof(from), "%.500s/%.400s", directory, entry->d_name);
        copy(from, rig_file(r, ending));
    }
}
