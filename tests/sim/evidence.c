// SPDX-License-Identifier: Apache-2.0
#include "evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/rfc3339.h"
#include "ledger/ledger.h"
#include "model/container.h"
#include "sink/output_rotate.h"

enum { OUTPUT_BYTES_MAX = 512 * 1024 * 1024, READ_BYTES = 64 * 1024 };

struct gathering {
    struct evidence *evidence;
    const char *id;
    struct error *error;
};

void evidence_deinit(struct evidence *e)
{
    for (size_t i = 0; i < e->count; i++)
        free(e->items[i].message);
    free(e->items);
    free(e->gaps);
    *e = (struct evidence){0};
}

static bool is_true(json_t *line, const char *key)
{
    return json_is_true(json_object_get(line, key));
}

static int parse_line(const char *text, size_t size, struct delivered *ret)
{
    json_t *line = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
    const char *time = json_string_value(json_object_get(line, "time"));
    const char *message = json_string_value(json_object_get(line, "message"));
    const char *stream = json_string_value(json_object_get(line, "stream"));
    const char *name = json_string_value(json_object_get(line, "container_name"));
    *ret = (struct delivered){0};
    bool good = time && message && stream && (!name || strncmp(name, "name-", 5) == 0) &&
                rfc3339_parse(span_of(time), &ret->time_ns) == 0;
    if (good) {
        ret->message = strdup(message);
        ret->stream = strcmp(stream, "stderr") == 0 ? STREAM_STDERR : STREAM_STDOUT;
        ret->named = name != NULL;
        ret->name = name ? (unsigned)strtoul(name + 5, NULL, 10) : 0;
        ret->flags = (is_true(line, "partial") ? ENTRY_PARTIAL : 0u) |
                     (is_true(line, "continued") ? ENTRY_CONTINUED : 0u) |
                     (is_true(line, "unterminated") ? ENTRY_UNTERMINATED : 0u) |
                     (is_true(line, "time_missing") ? ENTRY_TIME_MISSING : 0u) |
                     (is_true(line, "stream_missing") ? ENTRY_STREAM_MISSING : 0u);
    }
    json_decref(line);
    return good && ret->message ? 0 : -EBADMSG;
}

static int parse_lines(struct gathering *g, struct span text, const char *path)
{
    struct evidence *e = g->evidence;
    while (text.size) {
        const char *newline = memchr(text.data, '\n', text.size);
        size_t size = newline ? (size_t)(newline - text.data) + 1 : text.size;
        if ((e->count & (e->count - 1)) == 0)
            e->items = reallocarray(e->items, e->count ? 2 * e->count : 1, sizeof(*e->items));
        if (!e->items || !newline || parse_line(text.data, size, &e->items[e->count]) < 0)
            return error_set(g->error, -EBADMSG, "%s: no line of ours: %.*s", path,
                             (int)(size < 200 ? size : 200), text.data);
        e->count++;
        text.data += size;
        text.size -= size;
    }
    return 0;
}

/* A whole rotated file, if there is one of that number. Of a plain one and what was made of it,
 * which a crash may have left side by side, only the one. */
static int read_rotated(struct gathering *g, const struct ledger_output *o, unsigned number)
{
    char plain[ROTATED_PATH_MAX], packed[ROTATED_PATH_MAX];
    rotated_path(plain, o->path, number, ROTATED_PLAIN);
    rotated_path(packed, o->path, number, ROTATED_GZIP);
    const char *path = access(packed, F_OK) == 0 ? packed : plain;
    if (access(path, F_OK) < 0)
        return 0;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(OUTPUT_BYTES_MAX);
    gzFile file = gzopen(path, "rb"); /* reads plain files as well */
    int n = file ? 1 : -1;
    while (n > 0) {
        char *room = buf_reserve(&text, READ_BYTES);
        n = room ? gzread(file, room, READ_BYTES) : -1;
        text.size += n > 0 ? (size_t)n : 0;
    }
    if (!file || gzclose(file) != Z_OK || n < 0)
        return error_set(g->error, -EIO, "%s cannot be read", path);
    return parse_lines(g, buf_span(&text), path);
}

/* What the row names has been rotated, and the new row was not committed any more. */
static bool is_rotated(const struct ledger_output *o)
{
    char path[ROTATED_PATH_MAX];
    struct stat st;
    rotated_path(path, o->path, 1, ROTATED_PLAIN);
    return o->file.inode && stat(path, &st) == 0 && st.st_ino == o->file.inode &&
           (stat(o->path, &st) < 0 || st.st_size == 0);
}

static int read_output(void *context, const struct ledger_output *o)
{
    struct gathering *g = context;
    if (!strstr(o->path, g->id))
        return 0;
    for (unsigned number = ROTATED_FILES_MAX; number > 0; number--) {
        int r = read_rotated(g, o, number);
        if (r < 0)
            return r;
    }
    if (is_rotated(o))
        return 0;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(OUTPUT_BYTES_MAX);
    CLEANUP(close_fd) int fd = open(o->path, O_RDONLY | O_CLOEXEC);
    struct stat st = {0};
    if (fd < 0 && errno == ENOENT && o->length == 0)
        return 0;
    if (fd < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size < o->length)
        return error_set(g->error, -EBADMSG, "%s: has %lld bytes, %llu are vouched for", o->path,
                         (long long)st.st_size, (unsigned long long)o->length);
    char *room = buf_reserve(&text, o->length + 1);
    if (!room || read(fd, room, o->length) != (ssize_t)o->length)
        return error_set(g->error, -EIO, "%s: %m", o->path);
    return parse_lines(g, (struct span){room, o->length}, o->path);
}

static int take_tally(void *context, const struct ledger_source *s)
{
    struct gathering *g = context;
    g->evidence->attached = true;
    g->evidence->tally = s->tally;
    return 0;
}

static int take_gap(void *context, const struct ledger_gap *gap)
{
    struct gathering *g = context;
    struct evidence *e = g->evidence;
    if (strcmp(gap->source_id, g->id) != 0)
        return 0;
    if ((e->gap_count & (e->gap_count - 1)) == 0)
        e->gaps = reallocarray(e->gaps, e->gap_count ? 2 * e->gap_count : 1, sizeof(*e->gaps));
    if (!e->gaps)
        return -ENOMEM;
    e->gaps[e->gap_count++] = gap->gap;
    return 0;
}

int evidence_gather(struct evidence *ret, const char *ledger, const char *id, struct error *error)
{
    *ret = (struct evidence){0};
    CLEANUP(ledger_close) struct ledger *book = NULL;
    struct gathering g = {ret, id, error};
    if (access(ledger, F_OK) < 0)
        return 0; /* it died before there was one */
    int r = ledger_open(&book, ledger, NULL, LEDGER_READ_ONLY, 0, error);
    if (r < 0)
        return r;
    char short_id[CONTAINER_SHORT_ID_SIZE + 1];
    snprintf(short_id, sizeof(short_id), "%.12s", id);
    ret->route_since_ns = ledger_attached_ns(book);
    r = ledger_find(book, id, take_tally, &g, error);
    if (r >= 0)
        r = ledger_gaps(book, take_gap, &g, error);
    g.id = short_id;
    if (r >= 0)
        r = ledger_outputs(book, read_output, &g, error);
    return r;
}
