// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/labels.h"

#include "base/json_text.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "sink/label_name.h"
#include "sink/loki/pair.h"

#include <errno.h>
#include <xxhash.h>

/* D48: few, and steady over the life of a container. */
static const char *const usual_labels[] = {
    "container_name", "compose_project", "compose_service", "stream", "host", "source", "service"};

/* Labels that are no container's. */
static const char *const own_labels[] = {"stream", "host"};

const struct loki_flag loki_flags[LOKI_FLAG_COUNT] = {
    {LOKI_PARTIAL, ENTRY_PARTIAL, "partial"},
    {LOKI_CONTINUED, ENTRY_CONTINUED, "continued"},
    {LOKI_UNTERMINATED, ENTRY_UNTERMINATED, "unterminated"},
    {LOKI_TIME_MISSING, ENTRY_TIME_MISSING, "time_missing"},
    {LOKI_STREAM_MISSING, ENTRY_STREAM_MISSING, "stream_missing"},
};

/* Of a line, by its name; 0: there is none. */
static unsigned extra_named(const char *name)
{
    for (size_t i = 0; i < LOKI_FLAG_COUNT; i++)
        if (strcmp(loki_flags[i].name, name) == 0)
            return loki_flags[i].extra;
    return strcmp(name, "attrs") == 0 ? LOKI_ATTRS : strcmp(name, "time") == 0 ? LOKI_TIME : 0;
}

static bool is_own(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(own_labels); i++)
        if (strcmp(own_labels[i], name) == 0)
            return true;
    return false;
}

static struct nearest nearest_label(const char *name)
{
    struct nearest near = nearest_to(span_of(name));
    label_name_offer(&near);
    for (size_t i = 0; i < ARRAY_SIZE(own_labels); i++)
        nearest_offer(&near, span_of(own_labels[i]));
    return near;
}

static int unknown_label(const char *name, struct error *error)
{
    struct nearest near = nearest_label(name);
    return error_set(error, -EINVAL, "labels: no container has a label \"%s\"%s", name,
                     NEAREST_HINT(&near));
}

static int unknown_metadatum(const char *name, struct error *error)
{
    struct nearest near = nearest_label(name);
    for (size_t i = 0; i < LOKI_FLAG_COUNT; i++)
        nearest_offer(&near, span_of(loki_flags[i].name));
    return error_set(error, -EINVAL, "structured_metadata: no line has a label \"%s\"%s", name,
                     NEAREST_HINT(&near));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int take_stream(struct loki_labels *l, struct option_texts names, struct error *error)
{
    if (!names.items)
        names = (struct option_texts){usual_labels, ARRAY_SIZE(usual_labels)};
    if (names.count > LOKI_STREAM_LABELS_MAX)
        return error_set(error, -EINVAL, "labels: %zu names; Loki takes at most %d", names.count,
                         LOKI_STREAM_LABELS_MAX);
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        if (!label_name_known(span_of(name)) && !is_own(name))
            return unknown_label(name, error);
        l->stream[l->stream_count++] = name;
    }
    if (l->stream_count)
        qsort(l->stream, l->stream_count, sizeof(l->stream[0]), compare_names);
    for (size_t i = 1; i < l->stream_count; i++)
        if (strcmp(l->stream[i - 1], l->stream[i]) == 0)
            return error_set(error, -EINVAL, "labels: \"%s\" stands there twice", l->stream[i]);
    return 0;
}

/* `all` and `none` stand alone. */
static int take_metadata(struct loki_labels *l, struct option_texts names, struct error *error)
{
    if (!names.items || (names.count == 1 && strcmp(names.items[0], "all") == 0)) {
        l->metadata_all = true;
        l->extras = LOKI_EXTRAS_ALL;
        return 0;
    }
    if (names.count == 1 && strcmp(names.items[0], "none") == 0)
        return 0;
    l->metadata = names;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        unsigned extra = extra_named(name);
        if (!extra && !label_name_known(span_of(name)) && !is_own(name))
            return unknown_metadatum(name, error);
        l->extras |= extra;
    }
    return 0;
}

int loki_labels_init(struct loki_labels *l, enum loki_format format, struct option_texts stream,
                     struct option_texts metadata, const char *host, struct error *error)
{
    *l = (struct loki_labels){.format = format, .host = host};
    int r = take_stream(l, stream, error);
    return r < 0 ? r : take_metadata(l, metadata, error);
}

static bool is_stream_label(const struct loki_labels *l, const char *name)
{
    return bsearch(&name, l->stream, l->stream_count, sizeof(l->stream[0]), compare_names);
}

static bool is_metadata(const struct loki_labels *l, const char *name)
{
    if (is_stream_label(l, name))
        return false;
    for (size_t i = 0; i < l->metadata.count; i++)
        if (strcmp(l->metadata.items[i], name) == 0)
            return true;
    return l->metadata_all;
}

static const char *value_of(const struct loki_labels *l, const struct container *c, unsigned stream,
                            const char *name)
{
    if (strcmp(name, "stream") == 0)
        return stream_word(stream);
    return strcmp(name, "host") == 0 ? l->host : container_rendered(c, name);
}

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

static void append_label(struct buf *to, bool first, const char *name, const char *value)
{
    if (!first)
        buf_append(to, SPAN(", "));
    buf_append(to, span_of(name));
    buf_append_char(to, '=');
    append_quoted(to, span_of(value));
}

static void append_member(struct buf *to, bool first, const char *name, const char *value)
{
    if (!first)
        buf_append_char(to, ',');
    loki_append_member(to, name, span_of(value));
}

/* Loki takes no stream without a label. */
static void append_stream(const struct loki_labels *l, const struct container *c, unsigned stream,
                          void (*append)(struct buf *to, bool first, const char *name,
                                         const char *value),
                          struct buf *to)
{
    bool first = true;
    buf_append_char(to, '{');
    for (size_t i = 0; i < l->stream_count; i++) {
        const char *value = value_of(l, c, stream, l->stream[i]);
        if (!value || !*value)
            continue;
        append(to, first, l->stream[i], value);
        first = false;
    }
    if (first)
        append(to, first, "source_type", "docker");
    buf_append_char(to, '}');
}

static void append_metadatum(const struct loki_labels *l, struct buf *to, const char *name,
                             const char *value)
{
    if (!value || !*value || !is_metadata(l, name))
        return;
    if (l->format == LOKI_PROTOBUF) {
        loki_append_pair(to, name, span_of(value));
        return;
    }
    buf_append_char(to, ',');
    loki_append_member(to, name, span_of(value));
}

static void append_metadata(const struct loki_labels *l, const struct container *c, unsigned stream,
                            struct buf *to)
{
    for (size_t i = 0; i < c->rendered.count; i++)
        append_metadatum(l, to, c->rendered.items[i].key, c->rendered.items[i].value);
    for (size_t i = 0; i < ARRAY_SIZE(own_labels); i++)
        append_metadatum(l, to, own_labels[i], value_of(l, c, stream, own_labels[i]));
}

enum { NAME, LABELS, METADATA, TEXT_COUNT };

static void append_text(const struct loki_labels *l, const struct container *c, unsigned stream,
                        int text, struct buf *to)
{
    if (text == NAME)
        append_stream(l, c, stream, append_label, to);
    else if (text == METADATA)
        append_metadata(l, c, stream, to);
    else if (l->format == LOKI_JSON)
        append_stream(l, c, stream, append_member, to);
}

int loki_labels_render(const struct loki_labels *l, const struct container *c,
                       struct loki_texts *ret)
{
    *ret = (struct loki_texts){.storage = BUF_INIT(LABELS_TEXT_MAX)};
    size_t ends[STREAM_COUNT * TEXT_COUNT];
    for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
        append_text(l, c, i / TEXT_COUNT, i % TEXT_COUNT, &ret->storage);
        ends[i] = ret->storage.size;
    }
    if (ret->storage.failed) {
        int r = ret->storage.failed;
        loki_texts_deinit(ret);
        return r;
    }
    size_t begin = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
        struct span *of[] = {ret->name, ret->labels, ret->metadata};
        of[i % TEXT_COUNT][i / TEXT_COUNT] =
            (struct span){ret->storage.data + begin, ends[i] - begin};
        begin = ends[i];
    }
    for (unsigned i = 0; i < STREAM_COUNT; i++)
        ret->hash[i] = XXH3_64bits(ret->name[i].data, ret->name[i].size);
    return 0;
}

void loki_texts_deinit(struct loki_texts *t)
{
    buf_deinit(&t->storage);
}

unsigned loki_extras_of(const struct loki_labels *l, const struct entry *e, int64_t sent_ns)
{
    unsigned extras = e->attrs.size ? LOKI_ATTRS : 0;
    if (sent_ns != e->time_ns)
        extras |= LOKI_TIME;
    for (size_t i = 0; i < LOKI_FLAG_COUNT; i++)
        if (e->flags & loki_flags[i].flag)
            extras |= loki_flags[i].extra;
    return extras & l->extras;
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
