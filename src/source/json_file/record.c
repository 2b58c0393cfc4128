// SPDX-License-Identifier: Apache-2.0
#include "source/json_file/record.h"

#include "source/json_file/text.h"

#include <stdint.h>

/* What has not been read of the line yet. */
struct reader {
    const char *at;
    const char *end;
};

static bool skip_value(struct reader *r, int depth);

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\r' || *r->at == '\n'))
        r->at++;
}

static bool take(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

/* At the opening quote. *ret is what stands between the quotes. */
static bool take_string(struct reader *r, struct span *ret)
{
    if (!take(r, '"'))
        return false;
    const char *text = r->at;
    while (r->at < r->end) {
        r->at += text_plain_run((struct span){r->at, (size_t)(r->end - r->at)});
        if (r->at == r->end)
            return false;
        if (*r->at == '"') {
            *ret = (struct span){text, (size_t)(r->at - text)};
            r->at++;
            return true;
        }
        if (*r->at != '\\')
            return false; /* a control character */
        size_t size = text_escape_size((struct span){r->at, (size_t)(r->end - r->at)});
        if (size == 0)
            return false;
        r->at += size;
    }
    return false;
}

static bool skip_digits(struct reader *r)
{
    const char *first = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > first;
}

static bool skip_number(struct reader *r)
{
    take(r, '-');
    if (!take(r, '0') && !skip_digits(r))
        return false;
    if (take(r, '.') && !skip_digits(r))
        return false;
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '+'))
            take(r, '-');
        return skip_digits(r);
    }
    return true;
}

static bool skip_word(struct reader *r, struct span word)
{
    if (!span_starts_with((struct span){r->at, (size_t)(r->end - r->at)}, word))
        return false;
    r->at += word.size;
    return true;
}

/* Behind a member or an element: true where another one follows, *ret_closed where none does. */
static bool take_separator(struct reader *r, char closing, bool *ret_closed)
{
    skip_space(r);
    *ret_closed = take(r, closing);
    return !*ret_closed && take(r, ',');
}

/* A key and its colon. */
static bool take_key(struct reader *r, struct span *ret)
{
    skip_space(r);
    if (!take_string(r, ret))
        return false;
    skip_space(r);
    if (!take(r, ':'))
        return false;
    skip_space(r);
    return true;
}

static bool skip_object(struct reader *r, int depth)
{
    take(r, '{');
    skip_space(r);
    if (take(r, '}'))
        return true;
    bool closed;
    do {
        struct span key;
        if (!take_key(r, &key) || !skip_value(r, depth))
            return false;
    } while (take_separator(r, '}', &closed));
    return closed;
}

static bool skip_array(struct reader *r, int depth)
{
    take(r, '[');
    skip_space(r);
    if (take(r, ']'))
        return true;
    bool closed;
    do {
        skip_space(r);
        if (!skip_value(r, depth))
            return false;
    } while (take_separator(r, ']', &closed));
    return closed;
}

static bool skip_value(struct reader *r, int depth)
{
    if (r->at == r->end || depth > RECORD_DEPTH_MAX)
        return false;
    struct span ignored;
    switch (*r->at) {
    case '"': return take_string(r, &ignored);
    case '{': return skip_object(r, depth + 1);
    case '[': return skip_array(r, depth + 1);
    case 't': return skip_word(r, SPAN("true"));
    case 'f': return skip_word(r, SPAN("false"));
    case 'n': return skip_word(r, SPAN("null"));
    default: return skip_number(r);
    }
}

/* The value of a member whose type decides whether it counts: any other is skipped as if it were
 * not there. */
static bool take_value(struct reader *r, char opening, struct span *ret)
{
    *ret = (struct span){0};
    bool counts = r->at < r->end && *r->at == opening;
    if (counts && opening == '"')
        return take_string(r, ret);

    const char *first = r->at;
    if (!skip_value(r, 1))
        return false;
    if (counts)
        *ret = (struct span){first, (size_t)(r->at - first)};
    return true;
}

static bool take_member(struct reader *r, struct record *record)
{
    struct span key;
    if (!take_key(r, &key))
        return false;
    if (span_equal(key, SPAN("log")))
        return take_value(r, '"', &record->log);
    if (span_equal(key, SPAN("stream")))
        return take_value(r, '"', &record->stream);
    if (span_equal(key, SPAN("time")))
        return take_value(r, '"', &record->time);
    if (span_equal(key, SPAN("attrs")))
        return take_value(r, '{', &record->attrs);
    return skip_value(r, 1);
}

bool record_parse(struct span line, struct record *ret)
{
    struct reader r = {line.data, line.data + line.size};
    struct record record = {0};

    skip_space(&r);
    if (!take(&r, '{'))
        return false;
    bool closed;
    do {
        if (!take_member(&r, &record))
            return false;
    } while (take_separator(&r, '}', &closed));
    skip_space(&r);
    if (!closed || r.at != r.end || !record.log.data)
        return false;
    *ret = record;
    return true;
}
