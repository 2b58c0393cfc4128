// SPDX-License-Identifier: Apache-2.0
#include "docker/engine_answer.h"

#include "docker/json_document.h"

#include <errno.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_spaces(struct span *s)
{
    while (s->size && is_space(*s->data)) {
        s->data++;
        s->size--;
    }
}

static bool skip_char(struct span *s, char c)
{
    skip_spaces(s);
    if (s->size == 0 || *s->data != c)
        return false;
    s->data++;
    s->size--;
    return true;
}

/* Legacy links add names such as "/db/alias": the container's own has exactly one slash. */
static const char *own_name(json_t *names)
{
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        const char *text = json_string_value(name);
        if (text && *text == '/' && !strchr(text + 1, '/'))
            return text + 1;
    }
    return "";
}

static int read_listed(struct engine_listed *to, json_t *item, size_t index, struct error *error)
{
    const char *id = json_string_value(json_object_get(item, "Id"));
    const char *state = json_string_value(json_object_get(item, "State"));

    if (!id || !container_id_valid(id))
        return error_set(error, -EBADMSG, "the list's element %zu has no container id", index);
    memcpy(to->id, id, sizeof(to->id));
    snprintf(to->name, sizeof(to->name), "%s", own_name(json_object_get(item, "Names")));
    snprintf(to->state, sizeof(to->state), "%s", state ? state : "");
    return 0;
}

struct listing {
    struct engine_listed *items;
    size_t count, capacity;
};

static struct engine_listed *listing_grow(struct listing *l)
{
    if (l->count < l->capacity)
        return &l->items[l->count];
    size_t capacity = l->capacity ? 2 * l->capacity : 16;
    struct engine_listed *items = realloc(l->items, capacity * sizeof(*items));
    if (!items)
        return NULL;
    l->items = items;
    l->capacity = capacity;
    return &items[l->count];
}

/* One element at a time: the tree of ten thousand containers would cost many times its text. */
static int read_element(struct listing *l, struct span *rest, struct error *error)
{
    json_error_t fault;
    json_t *item =
        json_loadb(rest->data, rest->size, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &fault);
    if (!item)
        return error_set(error, -EBADMSG, "the list's element %zu: %s", l->count, fault.text);
    rest->data += fault.position;
    rest->size -= (size_t)fault.position;

    struct engine_listed *to = listing_grow(l);
    int r = to ? read_listed(to, item, l->count, error)
               : error_set(error, -ENOMEM, "the list: no memory");
    json_decref(item);
    if (r == 0)
        l->count++;
    return r;
}

static int read_elements(struct listing *l, struct span body, struct error *error)
{
    if (!skip_char(&body, '['))
        return error_set(error, -EBADMSG, "the list is no JSON array");
    if (!listing_grow(l))
        return error_set(error, -ENOMEM, "the list: no memory");
    if (!skip_char(&body, ']')) {
        do {
            int r = read_element(l, &body, error);
            if (r < 0)
                return r;
        } while (skip_char(&body, ','));
        if (!skip_char(&body, ']'))
            return error_set(error, -EBADMSG, "the list ends early, after %zu elements", l->count);
    }
    skip_spaces(&body);
    return body.size ? error_set(error, -EBADMSG, "the list is followed by more") : 0;
}

int engine_answer_list(struct span body, struct engine_listed **ret_items, size_t *ret_count,
                       struct error *error)
{
    struct listing l = {0};
    int r = read_elements(&l, body, error);

    if (r < 0) {
        free(l.items);
        return r;
    }
    *ret_items = l.items;
    *ret_count = l.count;
    return 0;
}

int engine_answer_root(struct span body, char ret[PATH_BYTES_MAX], struct error *error)
{
    CLEANUP(json_document_deinit) struct json_document d;
    int r = json_document_init(&d, "info answer", body, error);
    if (r != 0)
        return r < 0 ? r : -EBADMSG;

    const char *root = json_document_text(&d, "DockerRootDir");
    if (d.failed)
        return d.failed;
    if (strlen(root) >= PATH_BYTES_MAX)
        return error_set(error, -ENAMETOOLONG, "info answer: DockerRootDir is too long");
    memcpy(ret, root, strlen(root) + 1);
    return 0;
}

static void copy_printable(char *to, size_t size, struct span text)
{
    size_t at = 0;

    while (text.size && is_space(text.data[text.size - 1]))
        text.size--;
    for (; at < text.size && at < size - 1; at++) {
        unsigned char c = (unsigned char)text.data[at];
        to[at] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    to[at] = '\0';
}

const char *engine_answer_message(struct span body, char to[ENGINE_MESSAGE_MAX])
{
    CLEANUP(json_document_deinit) struct json_document d;
    const char *message = "";

    if (json_document_init(&d, "error answer", body, NULL) == 0)
        message = json_document_text(&d, "message");
    copy_printable(to, ENGINE_MESSAGE_MAX, *message ? span_of(message) : body);
    return to;
}
