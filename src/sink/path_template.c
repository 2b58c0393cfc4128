// SPDX-License-Identifier: Apache-2.0
#include "sink/path_template.h"

#include "sink/text_template.h"

#include <errno.h>

enum {
    COMPONENT_BYTES_MAX = 255,                 /* NAME_MAX of every usual file system */
    VALUES_BYTES_MAX = 4 * CONTAINER_JSON_MAX, /* of one path, before components are cut */
};

struct path_template {
    struct text_template *text; /* owned */
    size_t component_max;       /* bytes */
};

struct path_template *path_template_free(struct path_template *t)
{
    if (!t)
        return NULL;
    text_template_free(t->text);
    free(t);
    return NULL;
}

static int bad_place(struct error *error, size_t offset, const char *what)
{
    return error_set(error, -EINVAL, "column %zu: %s", offset + 1, what);
}

/* Placeholders hold no slash, so the text's components are those of every path it gives. */
static int check_components(const char *text, struct error *error)
{
    if (text[0] != '/')
        return bad_place(error, 0, "the path must be absolute");
    for (size_t at = 0; text[at];) {
        size_t begin = at + 1;
        size_t size = strcspn(text + begin, "/");
        struct span component = {text + begin, size};
        if (size == 0)
            return bad_place(error, begin, "a file or directory name is missing");
        if (span_equal(component, SPAN(".")) || span_equal(component, SPAN("..")))
            return bad_place(error, begin, "`.` and `..` are not taken");
        at = begin + size;
    }
    return 0;
}

int path_template_parse(struct path_template **ret, const char *text, struct error *error)
{
    CLEANUP(path_template_free) struct path_template *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->component_max = COMPONENT_BYTES_MAX;
    int r = check_components(text, error);
    if (r == 0)
        r = text_template_parse(&t->text, text, error);
    if (r < 0) {
        error_prefix(error, "path");
        return r;
    }
    *ret = TAKE(t);
    return 0;
}

struct span path_template_ending(const struct path_template *t)
{
    return text_template_ending(t->text);
}

bool path_template_varies(const struct path_template *t)
{
    return text_template_varies(t->text);
}

void path_template_leave_room(struct path_template *t, size_t bytes)
{
    t->component_max = COMPONENT_BYTES_MAX - bytes;
}

static void append_component(struct buf *path, struct span component, size_t size_max)
{
    buf_append_char(path, '/');
    if (span_equal(component, SPAN("."))) {
        buf_append(path, SPAN("_"));
    } else if (span_equal(component, SPAN(".."))) {
        buf_append(path, SPAN("__"));
    } else {
        text_template_append_cut(path, component, size_max);
    }
}

/* `raw` is a path whose values hold no slash any more. */
static void append_components(struct buf *path, struct span raw, size_t size_max)
{
    for (size_t at = 0; at < raw.size;) {
        const char *begin = raw.data + at + 1;
        size_t left = raw.size - at - 1;
        const char *end = memchr(begin, '/', left);
        size_t size = end ? (size_t)(end - begin) : left;
        append_component(path, (struct span){begin, size}, size_max);
        at += 1 + size;
    }
}

int path_template_render(const struct path_template *t, const struct container *c,
                         char to[PATH_BYTES_MAX], struct error *error)
{
    CLEANUP(buf_deinit) struct buf raw = BUF_INIT(VALUES_BYTES_MAX);
    text_template_append(t->text, c, '/', &raw);
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(VALUES_BYTES_MAX);
    append_components(&path, buf_span(&raw), t->component_max);

    int failed = raw.failed ? raw.failed : path.failed;
    if (failed == -ENOMEM)
        return error_set(error, -ENOMEM, "no memory for an output path");
    if (failed || path.size >= PATH_BYTES_MAX)
        return error_set(error, -ENAMETOOLONG,
                         "the output path of container %s would be longer than %d bytes", c->name,
                         PATH_BYTES_MAX - 1);
    memcpy(to, path.data, path.size);
    to[path.size] = '\0';
    return 0;
}
