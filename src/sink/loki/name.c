// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/name.h"

#include "base/utf8.h"

/* As Go quotes a string, which is how Loki reads and writes them. */
static void append_quoted(struct buf *to, struct span value)
{
    static const char named[] = "abtnvfr"; /* 0x07 to 0x0d */
    buf_append_char(to, '"');
    for (size_t n; value.size; value.data += n, value.size -= n) {
        unsigned char c = (unsigned char)value.data[0];
        n = utf8_sequence(value);
        if (n == 0) {
            n = 1;
            buf_append(to, SPAN("\xef\xbf\xbd"));
        } else if (c == '"' || c == '\\') {
            buf_append(to, (struct span){(char[]){'\\', (char)c}, 2});
        } else if (c >= 0x07 && c <= 0x0d) {
            buf_append(to, (struct span){(char[]){'\\', named[c - 0x07]}, 2});
        } else if (c < 0x20 || c == 0x7f) {
            buf_append_format(to, "\\x%02x", c);
        } else {
            buf_append(to, (struct span){value.data, n});
        }
    }
    buf_append_char(to, '"');
}

void loki_append_label(struct buf *to, bool first, const char *name, const char *value)
{
    if (!first)
        buf_append(to, SPAN(", "));
    buf_append(to, span_of(name));
    buf_append_char(to, '=');
    append_quoted(to, span_of(value));
}

/* One `name="value"` at the start of `s`, with its quotes. Empty where there is none, as where an
 * answer was cut. */
static struct span first_label(struct span s)
{
    const char *end = s.data + s.size;
    const char *p = memchr(s.data, '"', s.size);
    if (!p)
        return (struct span){s.data, 0};
    for (p++; p < end && *p != '"'; p++)
        p += *p == '\\';
    return (struct span){s.data, p < end ? (size_t)(p + 1 - s.data) : 0};
}

static bool is_added_by_loki(struct span label)
{
    return span_starts_with(label, SPAN("service_name=")) ||
           span_starts_with(label, SPAN("__stream_shard__=")) ||
           span_starts_with(label, SPAN("__time_shard__="));
}

static struct span behind(struct span s, size_t size)
{
    size = size < s.size ? size : s.size;
    return (struct span){s.data + size, s.size - size};
}

/* Both are sorted by name, and quoted by the same rules but for signs that Go finds unprintable. */
bool loki_name_means(struct span written, struct span name)
{
    written = behind(written, 1);
    name = behind(name, 1);
    while (written.size && written.data[0] != '}') {
        struct span label = first_label(written);
        if (label.size == 0)
            return false;
        if (span_starts_with(name, label)) {
            name = behind(name, label.size);
            if (span_starts_with(name, SPAN(", ")))
                name = behind(name, 2);
        } else if (!is_added_by_loki(label)) {
            return false;
        }
        written = behind(written, label.size);
        if (span_starts_with(written, SPAN(", ")))
            written = behind(written, 2);
    }
    return written.size > 0 && span_equal(name, SPAN("}"));
}
