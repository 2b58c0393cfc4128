// SPDX-License-Identifier: Apache-2.0
#include "sink/http/header_templates.h"

#include "base/limits.h"
#include "base/word.h"

#include <errno.h>

enum { VALUES_BYTES_MAX = 4 * CONTAINER_JSON_MAX /* of one value, before it is cut */ };

void header_templates_deinit(struct header_templates *h)
{
    for (size_t i = 0; i < h->count; i++)
        text_template_free(h->items[i].value);
    free(h->items);
    *h = (struct header_templates){0};
}

int header_templates_add(struct header_templates *h, const char *name, struct text_template *value)
{
    void *items = reallocarray(h->items, h->count + 1, sizeof(*h->items));
    if (!items) {
        text_template_free(value);
        return -ENOMEM;
    }
    h->items = items;
    h->items[h->count++] = (struct header_template){name, value};
    return 0;
}

/* curl leaves out a header without a value, and so would the server's reader. */
static bool is_blank(struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != ' ')
            return false;
    return true;
}

static void append_line(const struct header_template *t, const struct container *c,
                        struct buf *value, struct buf *to)
{
    buf_clear(value);
    text_template_append(t->value, c, '\0', value);
    buf_append(to, span_of(t->name));
    buf_append(to, SPAN(": "));
    text_template_append_cut(to, is_blank(buf_span(value)) ? SPAN("_") : buf_span(value),
                             HEADER_VALUE_MAX);
    buf_append_char(to, '\n');
}

int header_templates_render(const struct header_templates *h, const struct container *c,
                            const char **ret, struct error *error)
{
    CLEANUP(buf_deinit) struct buf lines = BUF_INIT(SIZE_MAX / 2);
    CLEANUP(buf_deinit) struct buf value = BUF_INIT(VALUES_BYTES_MAX);
    if (h->count == 0) {
        *ret = NULL;
        return 0;
    }
    for (size_t i = 0; i < h->count; i++)
        append_line(&h->items[i], c, &value, &lines);
    const char *text = value.failed ? NULL : buf_string(&lines);
    const char *word = text ? word_take(text) : NULL;
    if (!word)
        return error_set(error, value.failed == -ENOBUFS ? -ENOBUFS : -ENOMEM,
                         "the headers for %s: %s", c->name,
                         value.failed == -ENOBUFS ? "a value is too large" : "no memory");
    *ret = word;
    return 0;
}
