// SPDX-License-Identifier: Apache-2.0
#include "rig.h"

#include "sink/encoder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

void rig_init(struct rig *r, const char *tail)
{
    *r = (struct rig){.ops = &file_sink, .options.lines.format = SINK_RAW};
    r->book = &r->own_book;
    snprintf(r->directory, sizeof(r->directory), "/tmp/tallyman-sink-XXXXXX");
    assert_non_null(mkdtemp(r->directory));
    assert_true(snprintf(r->template, sizeof(r->template), "%s%s", r->directory, tail) <
                (int)sizeof(r->template));
    r->options.path = r->template;
    assert_int_equal(output_registry_new(&r->registry), 0);
    r->environment =
        (struct sink_environment){.registry = r->registry, .outputs_open_max = OUTPUTS_OPEN_MAX};
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    return remove(path);
}

void rig_deinit(struct rig *r)
{
    rig_close(r);
    output_registry_free(r->registry);
    nftw(r->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void rig_open(struct rig *r)
{
    if (r->ops->open(&r->sink, &r->options, &r->environment, &r->error) < 0)
        fail_msg("%s", r->error.text);
}

void rig_close(struct rig *r)
{
    r->sink = r->ops->close(r->sink);
}

static void book_row(struct rig *r, const struct sink_row *row)
{
    size_t i = 0;
    while (i < r->book->count && strcmp(r->book->rows[i].path, row->path) != 0)
        i++;
    assert_true(i < RIG_ROWS_MAX);
    struct rig_row *to = &r->book->rows[i];
    if (i == r->book->count) {
        snprintf(to->path, sizeof(to->path), "%s", row->path);
        r->book->count++;
    }
    to->file = row->file;
    to->length = row->length;
}

static void book_rows(struct rig *r, struct sink_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        book_row(r, &rows->items[i]);
    sink_rows_deinit(rows);
}

int rig_recover(struct rig *r)
{
    struct sink_rows rows = {0}, changed = {0};
    for (size_t i = 0; i < r->book->count; i++) {
        const struct rig_row *row = &r->book->rows[i];
        assert_int_equal(sink_rows_add(&rows, (struct sink_row){row->path, row->file, row->length}),
                         0);
    }
    int result = r->ops->recover(r->sink, &rows, &changed, &r->error);
    r->changed = changed.count;
    book_rows(r, &changed);
    sink_rows_deinit(&rows);
    return result;
}

int rig_commit(struct rig *r)
{
    struct sink_rows rows = {0};
    int result = r->ops->prepare(r->sink, &rows, &r->error);
    if (result == 0) {
        book_rows(r, &rows);
        result = r->ops->flush(r->sink, &r->error);
    }
    if (result == 0)
        result = r->ops->checkpoint(r->sink, &rows, &r->error);
    r->checkpointed = rows.count;
    if (result == 0)
        book_rows(r, &rows);
    sink_rows_deinit(&rows);
    return result;
}

struct sink_target *rig_bind(struct rig *r, const struct container *c)
{
    struct sink_target *target = NULL;
    if (r->ops->bind(r->sink, c, &target, &r->error) < 0)
        fail_msg("%s", r->error.text);
    return target;
}

int rig_encode(struct rig *r, struct sink_target *target, const char *line, ...)
{
    struct entry entries[16] = {0};
    struct batch batch = {.form = r->ops->form(r->sink), .entries = entries};
    va_list more;
    va_start(more, line);
    for (; line; line = va_arg(more, const char *)) {
        assert_true(batch.count < ARRAY_SIZE(entries));
        entries[batch.count++].message = span_of(line);
    }
    va_end(more);
    return r->ops->encode(r->sink, target, &batch, &r->error);
}

const char *rig_path(const struct rig *r, const char *tail)
{
    static char path[2 * RIG_PATH_MAX];
    snprintf(path, sizeof(path), "%s%s", r->directory, tail);
    return path;
}

void rig_write_file(const char *path, const char *content)
{
    CLEANUP(fclose) FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
}

char *rig_read_file(const char *path, size_t *ret_size)
{
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail_msg("%s: %s", path, strerror(errno));
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    char *content = malloc((size_t)st.st_size + 1);
    assert_non_null(content);
    assert_int_equal(read(fd, content, (size_t)st.st_size), st.st_size);
    content[st.st_size] = '\0';
    *ret_size = (size_t)st.st_size;
    return content;
}

void rig_assert_file(const char *path, const char *content)
{
    size_t size;
    CLEANUP_FREE char *found = rig_read_file(path, &size);
    assert_string_equal(found, content);
    assert_int_equal(size, strlen(content));
}

struct container *rig_container(const char *name, const char *project)
{
    struct pair label = {"com.docker.compose.project", project};
    struct container *c = NULL;
    struct container_fields fields = {
        .id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .name = name,
        .image = "busybox:1.36",
        .state = "running",
        .labels = {&label, project ? 1 : 0},
        .constants = CONTAINER_CONSTANTS_DEFAULT,
    };
    assert_int_equal(container_new(&c, &fields), 0);
    return c;
}
