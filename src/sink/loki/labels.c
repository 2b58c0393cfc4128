// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/labels.h"

#include "base/limits.h"
#include "base/nearest.h"
#include "sink/label_name.h"
#include "sink/loki/name.h"
#include "sink/loki/pair.h"

#include <errno.h>
#include <xxhash.h>

#define SOURCE_TYPE "docker"

/* D48: few, and steady over the life of a container. */
static const char *const usual_labels[] = {
    "container_name", "compose_project", "compose_service", "stream", "host", "source", "service"};

/* Labels that containers do not render: a line's own (S28), and this machine's name, which goes
 * along with lines only where it is asked for. */
static const char *const own_labels[] = {"stream", "source_type", "source_id", "host"};

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
    return l->metadata_all && strcmp(name, "host") != 0;
}

/* A container with one of its streams. */
struct subject {
    const struct container *container;
    unsigned stream;
    char id[CONTAINER_SHORT_ID_SIZE + 1];
};

static struct subject subject_of(const struct container *c, unsigned stream)
{
    struct subject s = {.container = c, .stream = stream};
    memcpy(s.id, c->id, CONTAINER_SHORT_ID_SIZE);
    return s;
}

/* "" or NULL where it has none. */
static const char *value_of(const struct loki_labels *l, const struct subject *s, const char *name)
{
    if (strcmp(name, "stream") == 0)
        return stream_word(s->stream);
    if (strcmp(name, "source_type") == 0)
        return SOURCE_TYPE;
    if (strcmp(name, "source_id") == 0)
        return s->id;
    return strcmp(name, "host") == 0 ? l->host : container_rendered(s->container, name);
}

static bool has_value(const struct loki_labels *l, const struct subject *s, const char *name)
{
    const char *value = value_of(l, s, name);
    return value && *value;
}

/* Loki takes no stream without a label. */
static bool has_stream_label(const struct loki_labels *l, const struct subject *s)
{
    for (size_t i = 0; i < l->stream_count; i++)
        if (has_value(l, s, l->stream[i]))
            return true;
    return false;
}

static void append_member(struct buf *to, bool first, const char *name, const char *value)
{
    if (!first)
        buf_append_char(to, ',');
    loki_append_member(to, name, span_of(value));
}

static void append_stream(const struct loki_labels *l, const struct subject *s,
                          void (*append)(struct buf *to, bool first, const char *name,
                                         const char *value),
                          struct buf *to)
{
    bool first = true;
    buf_append_char(to, '{');
    for (size_t i = 0; i < l->stream_count; i++) {
        if (!has_value(l, s, l->stream[i]))
            continue;
        append(to, first, l->stream[i], value_of(l, s, l->stream[i]));
        first = false;
    }
    if (first)
        append(to, first, "source_type", SOURCE_TYPE);
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

static void append_metadata(const struct loki_labels *l, const struct subject *s, struct buf *to)
{
    const struct pairs *rendered = &s->container->rendered;
    bool is_alone = !has_stream_label(l, s); /* so the type is the stream's label */
    for (size_t i = 0; i < ARRAY_SIZE(own_labels); i++)
        if (!is_alone || strcmp(own_labels[i], "source_type") != 0)
            append_metadatum(l, to, own_labels[i], value_of(l, s, own_labels[i]));
    for (size_t i = 0; i < rendered->count; i++)
        append_metadatum(l, to, rendered->items[i].key, rendered->items[i].value);
}

enum { NAME, LABELS, METADATA, TEXT_COUNT };

static void append_text(const struct loki_labels *l, const struct subject *s, int text,
                        struct buf *to)
{
    if (text == NAME)
        append_stream(l, s, loki_append_label, to);
    else if (text == METADATA)
        append_metadata(l, s, to);
    else if (l->format == LOKI_JSON)
        append_stream(l, s, append_member, to);
}

int loki_labels_render(const struct loki_labels *l, const struct container *c,
                       struct loki_texts *ret)
{
    *ret = (struct loki_texts){.storage = BUF_INIT(LABELS_TEXT_MAX)};
    size_t ends[STREAM_COUNT * TEXT_COUNT];
    for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
        struct subject s = subject_of(c, i / TEXT_COUNT);
        append_text(l, &s, i % TEXT_COUNT, &ret->storage);
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
