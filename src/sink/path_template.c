// SPDX-License-Identifier: Apache-2.0
#include "sink/path_template.h"

#include "sink/label_name.h"

#include <errno.h>
#include <inttypes.h>
#include <xxhash.h>

enum {
    COMPONENT_BYTES_MAX = 255,                 /* NAME_MAX of every usual file system */
    HASH_SUFFIX_SIZE = 9,                      /* bytes of "-0123abcd" */
    VALUES_BYTES_MAX = 4 * CONTAINER_JSON_MAX, /* of one path, before components are cut */
};

struct piece {
    struct span literal;
    const char *label; /* NULL: a literal */
};

struct path_template {
    char *text; /* owned; pieces point into it */
    struct piece *pieces;
    size_t count;
    size_t component_max; /* bytes */
};

struct path_template *path_template_free(struct path_template *t)
{
    if (!t)
        return NULL;
    free(t->text);
    free(t->pieces);
    free(t);
    return NULL;
}

static int bad_place(struct error *error, size_t offset, const char *what)
{
    return error_set(error, -EINVAL, "path: column %zu: %s", offset + 1, what);
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

static int unknown_placeholder(struct error *error, size_t offset, struct span name)
{
    struct nearest near = nearest_to(name);
    label_name_offer(&near);
    return error_set(error, -EINVAL, "path: column %zu: {%.*s} is the name of no label%s",
                     offset + 1, (int)name.size, name.data, NEAREST_HINT(&near));
}

/* The placeholder that begins at `at`; its closing brace becomes the NUL of its name. */
static int parse_placeholder(struct path_template *t, size_t *at, struct error *error)
{
    size_t begin = *at + 1;
    size_t size = strcspn(t->text + begin, "{}/");
    if (t->text[begin + size] != '}')
        return bad_place(error, *at, "`{` without its `}` (a brace itself is written `{{`)");
    struct span name = {t->text + begin, size};
    if (!label_name_known(name))
        return unknown_placeholder(error, *at, name);
    t->text[begin + size] = '\0';
    t->pieces[t->count++] = (struct piece){.label = name.data};
    *at = begin + size + 1;
    return 0;
}

static int parse_pieces(struct path_template *t, size_t size, struct error *error)
{
    for (size_t at = 0; at < size;) {
        char *text = t->text + at;
        size_t plain = strcspn(text, "{}");
        if (plain) {
            t->pieces[t->count++] = (struct piece){.literal = {text, plain}};
            at += plain;
        } else if (text[0] == text[1]) {
            t->pieces[t->count++] = (struct piece){.literal = {text, 1}};
            at += 2;
        } else if (text[0] == '}') {
            return bad_place(error, at, "`}` without its `{` (a brace itself is written `}}`)");
        } else {
            int r = parse_placeholder(t, &at, error);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int path_template_parse(struct path_template **ret, const char *text, struct error *error)
{
    CLEANUP(path_template_free) struct path_template *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    size_t size = strlen(text);
    t->component_max = COMPONENT_BYTES_MAX;
    t->text = strdup(text);
    t->pieces = calloc(size + 1, sizeof(*t->pieces));
    if (!t->text || !t->pieces)
        return -ENOMEM;

    int r = check_components(text, error);
    if (r == 0)
        r = parse_pieces(t, size, error);
    if (r < 0)
        return r;
    *ret = TAKE(t);
    return 0;
}

struct span path_template_ending(const struct path_template *t)
{
    return t->count ? t->pieces[t->count - 1].literal : (struct span){t->text, 0};
}

bool path_template_varies(const struct path_template *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->pieces[i].label)
            return true;
    return false;
}

void path_template_leave_room(struct path_template *t, size_t bytes)
{
    t->component_max = COMPONENT_BYTES_MAX - bytes;
}

static void append_value(struct buf *to, const char *value)
{
    if (!value || !*value)
        value = "_";
    size_t size = strlen(value);
    char *p = buf_reserve(to, size);
    if (!p)
        return;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)value[i];
        p[i] = c < 0x20 || c == 0x7f || c == '/' ? '_' : value[i];
    }
    to->size += size;
}

static void append_component(struct buf *path, struct span component, size_t size_max)
{
    buf_append_char(path, '/');
    if (span_equal(component, SPAN("."))) {
        buf_append(path, SPAN("_"));
    } else if (span_equal(component, SPAN(".."))) {
        buf_append(path, SPAN("__"));
    } else if (component.size > size_max) {
        uint64_t hash = XXH3_64bits(component.data, component.size);
        buf_append(path, (struct span){component.data, size_max - HASH_SUFFIX_SIZE});
        buf_append_format(path, "-%08" PRIx32, (uint32_t)hash);
    } else {
        buf_append(path, component);
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
    for (size_t i = 0; i < t->count; i++) {
        if (t->pieces[i].label)
            append_value(&raw, container_rendered(c, t->pieces[i].label));
        else
            buf_append(&raw, t->pieces[i].literal);
    }
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
