// SPDX-License-Identifier: Apache-2.0
#include "base/json_print.h"

#include <inttypes.h>

#include "base/json_text.h"
#include "base/rfc3339.h"

static void put_string(struct buf *to, const char *text)
{
    buf_append_char(to, '"');
    json_text_escape(to, span_of(text));
    buf_append_char(to, '"');
}

static void put_key(struct buf *to, const char *key)
{
    char last = to->size ? to->data[to->size - 1] : '{';
    if (last != '{' && last != '[')
        buf_append_char(to, ',');
    if (!key)
        return;
    put_string(to, key);
    buf_append_char(to, ':');
}

void json_print_begin(struct buf *to, const char *key, char opening)
{
    put_key(to, key);
    buf_append_char(to, opening);
}

void json_print_end(struct buf *to, char closing)
{
    buf_append_char(to, closing);
}

void json_print_text(struct buf *to, const char *key, const char *text)
{
    put_key(to, key);
    put_string(to, text);
}

void json_print_number(struct buf *to, const char *key, uint64_t number)
{
    put_key(to, key);
    buf_append_format(to, "%" PRIu64, number);
}

void json_print_number_or_null(struct buf *to, const char *key, int64_t number, int64_t none)
{
    put_key(to, key);
    if (number == none)
        buf_append(to, SPAN("null"));
    else
        buf_append_format(to, "%" PRId64, number);
}

void json_print_time(struct buf *to, const char *key, int64_t ns)
{
    char text[RFC3339_SIZE + 1] = "";
    put_key(to, key);
    if (ns == INT64_MIN) {
        buf_append(to, SPAN("null"));
        return;
    }
    rfc3339_format(text, ns);
    put_string(to, text);
}

void json_print_truth(struct buf *to, const char *key, bool truth)
{
    put_key(to, key);
    buf_append(to, truth ? SPAN("true") : SPAN("false"));
}
