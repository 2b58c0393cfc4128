// SPDX-License-Identifier: Apache-2.0
#include "docker/json_prune.h"

#include <stdlib.h>

/* What is still to be looked at. Each step is false where the text cannot be followed. */
struct walk {
    const char *at, *end;
};

static void skip_space(struct walk *w)
{
    while (w->at < w->end && (*w->at == ' ' || *w->at == '\n' || *w->at == '\t' || *w->at == '\r'))
        w->at++;
}

static bool skip_char(struct walk *w, char c)
{
    if (w->at == w->end || *w->at != c)
        return false;
    w->at++;
    return true;
}

/* Is the quote at `quote` part of the string that began before it at `begin`? */
static bool is_escaped(const char *begin, const char *quote)
{
    const char *p = quote;
    while (p > begin && p[-1] == '\\')
        p--;
    return (quote - p) % 2 == 1;
}

static bool skip_string(struct walk *w)
{
    if (!skip_char(w, '"'))
        return false;
    const char *begin = w->at, *quote = begin;
    while ((quote = memchr(quote, '"', (size_t)(w->end - quote))) && is_escaped(begin, quote))
        quote++;
    if (!quote)
        return false;
    w->at = quote + 1;
    return true;
}

/* An object or array, however deep it is. */
static bool skip_brackets(struct walk *w)
{
    size_t depth = 0;
    while (w->at < w->end) {
        char c = *w->at;
        if (c == '"') {
            if (!skip_string(w))
                return false;
            continue;
        }
        w->at++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return true;
    }
    return false;
}

/* A number, or one of the three words. */
static bool skip_plain(struct walk *w)
{
    const char *begin = w->at;
    while (w->at < w->end && !memchr(",]} \n\t\r", *w->at, 7))
        w->at++;
    return w->at > begin;
}

static bool skip_value(struct walk *w)
{
    if (w->at == w->end)
        return false;
    switch (*w->at) {
    case '"': return skip_string(w);
    case '{':
    case '[': return skip_brackets(w);
    default: return skip_plain(w);
    }
}

/* A key that is spelled with escapes may be any: it is kept. */
static const struct json_kept *find(const struct json_kept *kept, struct span key)
{
    static const struct json_kept whole = {"", NULL};
    for (; kept->key; kept++)
        if (strcmp(kept->key, "*") == 0 || span_equal(span_of(kept->key), key))
            return kept;
    return key.size && memchr(key.data, '\\', key.size) ? &whole : NULL;
}

static bool copy_object(struct walk *w, const struct json_kept *kept, struct buf *to);

/* The value of a member that is kept. */
static bool copy_value(struct walk *w, const struct json_kept *kept, struct buf *to)
{
    if (kept->members && w->at < w->end && *w->at == '{')
        return copy_object(w, kept->members, to);
    const char *begin = w->at;
    bool followed = skip_value(w);
    buf_append(to, (struct span){begin, (size_t)(w->at - begin)});
    return followed;
}

/* A member up to what follows it. */
static bool copy_member(struct walk *w, const struct json_kept *kept, struct buf *to)
{
    const char *quoted = w->at;
    if (!skip_string(w))
        return false;
    struct span key = {quoted + 1, (size_t)(w->at - quoted) - 2};
    skip_space(w);
    if (!skip_char(w, ':'))
        return false;
    skip_space(w);
    const struct json_kept *found = find(kept, key);
    bool followed;
    if (found) {
        if (to->data[to->size - 1] != '{')
            buf_append_char(to, ',');
        buf_append(to, (struct span){quoted, key.size + 2});
        buf_append_char(to, ':');
        followed = copy_value(w, found, to);
    } else {
        followed = skip_value(w);
    }
    skip_space(w);
    return followed;
}

/* Goes as deep as the table, not as the text. */
static bool copy_object(struct walk *w, const struct json_kept *kept, struct buf *to)
{
    if (!skip_char(w, '{'))
        return false;
    buf_append_char(to, '{');
    skip_space(w);
    if (w->at < w->end && *w->at != '}') {
        do {
            skip_space(w);
            if (!copy_member(w, kept, to))
                return false;
        } while (skip_char(w, ','));
    }
    buf_append_char(to, '}');
    return skip_char(w, '}');
}

struct span json_prune(struct span text, const struct json_kept *kept, struct buf *room)
{
    if (text.size == 0 || !buf_reserve(room, text.size))
        return text;
    struct walk w = {text.data, text.data + text.size};
    skip_space(&w);
    bool followed = copy_object(&w, kept, room);
    skip_space(&w);
    return followed && w.at == w.end && !room->failed ? buf_span(room) : text;
}
