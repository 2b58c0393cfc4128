// SPDX-License-Identifier: Apache-2.0
#include "sink/text_template.h"

#include "sink/label_name.h"

#include <errno.h>
#include <inttypes.h>
#include <xxhash.h>

enum { HASH_SUFFIX_SIZE = 9 /* bytes of "-0123abcd" */ };

struct piece {
    struct span literal;
    const char *label; /* NULL: a literal */
};

struct text_template {
    char *text; /* owned; pieces point into it */
    struct piece *pieces;
    size_t count;
};

struct text_template *text_template_free(struct text_template *t)
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
    return error_set(error, -EINVAL, "column %zu: %s", offset + 1, what);
}

static int unknown_placeholder(struct error *error, size_t offset, struct span name)
{
    struct nearest near = nearest_to(name);
    label_name_offer(&near);
    return error_set(error, -EINVAL, "column %zu: {%.*s} is the name of no label%s", offset + 1,
                     (int)name.size, name.data, NEAREST_HINT(&near));
}

/* The placeholder that begins at `at`; its closing brace becomes the NUL of its name. */
static int parse_placeholder(struct text_template *t, size_t *at, struct error *error)
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

static int parse_pieces(struct text_template *t, size_t size, struct error *error)
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

int text_template_parse(struct text_template **ret, const char *text, struct error *error)
{
    CLEANUP(text_template_free) struct text_template *t = calloc(1, sizeof(*t));
    if (!t)
        return error_set(error, -ENOMEM, "no memory");
    size_t size = strlen(text);
    t->text = strdup(text);
    t->pieces = calloc(size + 1, sizeof(*t->pieces));
    if (!t->text || !t->pieces)
        return error_set(error, -ENOMEM, "no memory");
    int r = parse_pieces(t, size, error);
    if (r < 0)
        return r;
    *ret = TAKE(t);
    return 0;
}

bool text_template_varies(const struct text_template *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->pieces[i].label)
            return true;
    return false;
}

struct span text_template_ending(const struct text_template *t)
{
    return t->count ? t->pieces[t->count - 1].literal : (struct span){t->text, 0};
}

static void append_value(struct buf *to, const char *value, char unwanted)
{
    if (!value || !*value)
        value = "_";
    size_t size = strlen(value);
    char *p = buf_reserve(to, size);
    if (!p)
        return;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)value[i];
        p[i] = c < 0x20 || c == 0x7f || value[i] == unwanted ? '_' : value[i];
    }
    to->size += size;
}

void text_template_append(const struct text_template *t, const struct container *c, char unwanted,
                          struct buf *to)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->pieces[i].label)
            append_value(to, container_rendered(c, t->pieces[i].label), unwanted);
        else
            buf_append(to, t->pieces[i].literal);
    }
}

void text_template_append_cut(struct buf *to, struct span text, size_t size_max)
{
    if (text.size <= size_max) {
        buf_append(to, text);
        return;
    }
    uint64_t hash = XXH3_64bits(text.data, text.size);
    buf_append(to, (struct span){text.data, size_max - HASH_SUFFIX_SIZE});
    buf_append_format(to, "-%08" PRIx32, (uint32_t)hash);
}
