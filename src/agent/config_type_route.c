// SPDX-License-Identifier: Apache-2.0
/* The types that only a route's keys have: globs, labels, its start, lists of its sink. */
#include "agent/config_type.h"

#include "agent/config_units.h"

#include <errno.h>

/* The texts of a list, or the one text that stands in its place. An empty list would look like a
 * restriction and be none. */
static int read_texts(struct config_reader *r, const struct config_key *key,
                      const struct config_node *value, struct globs *ret)
{
    const struct config_node *item = value;
    size_t count = 1;

    if (value->kind == NODE_LIST) {
        item = value->first;
        count = config_node_count(value);
    }
    if (count == 0)
        return config_error(&r->file, value,
                            "\"%s\" is an empty list; leave the key out, or fill it", key->path);

    const char **items = config_storage_take(r->storage, count, sizeof(*items));
    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++, item = item->next) {
        int code = config_text(r, key, item, &items[i]);
        if (code < 0)
            return code;
    }
    *ret = (struct globs){items, count};
    return 0;
}

static void print_texts(FILE *to, const char *const *items, size_t count)
{
    fputs(" [", to);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", to);
        config_print_quoted(to, items[i], true);
    }
    fputs("]\n", to);
}

static int globs_set(struct config_reader *r, const struct config_key *key,
                     const struct config_node *value, void *field)
{
    struct globs globs;

    int code = read_texts(r, key, value, &globs);
    if (code < 0)
        return code;
    for (size_t i = 0; i < globs.count; i++)
        if (!globs.items[i][0])
            return config_wrong(r, key, value, "");
    *(struct globs *)field = globs;
    return 0;
}

static bool globs_present(const void *field)
{
    return ((const struct globs *)field)->count > 0;
}

static void globs_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    const struct globs *globs = field;
    print_texts(to, globs->items, globs->count);
}

static int label_globs_set(struct config_reader *r, const struct config_key *key,
                           const struct config_node *value, void *field)
{
    struct match_keys *keys = field;

    if (value->kind != NODE_MAP || !value->first)
        return config_error(&r->file, value, "\"%s\" must be %s", key->path, key->type->expects);

    size_t count = config_node_count(value);
    struct label_globs *labels = config_storage_take(r->storage, count, sizeof(*labels));
    if (!labels)
        return -ENOMEM;
    const struct config_node *label = value->first;
    for (size_t i = 0; i < count; i++, label = label->next) {
        labels[i].key = config_storage_copy(r->storage, label->key->text);
        if (!labels[i].key)
            return -ENOMEM;
        int code = read_texts(r, key, label, &labels[i].values);
        if (code < 0)
            return code;
    }
    keys->labels = labels;
    keys->label_count = count;
    return 0;
}

static bool label_globs_present(const void *field)
{
    return ((const struct match_keys *)field)->label_count > 0;
}

static void label_globs_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    const struct match_keys *keys = field;

    fputc('\n', to);
    for (size_t i = 0; i < keys->label_count; i++) {
        fprintf(to, "%*s", indent, "");
        config_print_quoted(to, keys->labels[i].key, false);
        fputc(':', to);
        print_texts(to, keys->labels[i].values.items, keys->labels[i].values.count);
    }
}

/* "since 2h" */
static bool read_since(const char *text, int64_t *ret)
{
    struct span since = SPAN("since ");
    return span_starts_with(span_of(text), since) &&
           config_units_parse(&config_duration_units, text + since.size, ret) == 0;
}

static int start_set(struct config_reader *r, const struct config_key *key,
                     const struct config_node *value, void *field)
{
    struct route_config *route = CONTAINER_OF(field, struct route_config, start);
    const char *text;

    int code = config_text(r, key, value, &text);
    if (code < 0)
        return code;
    if (strcmp(text, "beginning") == 0)
        route->start = START_BEGINNING;
    else if (strcmp(text, "end") == 0)
        route->start = START_END;
    else if (read_since(text, &route->start_since_ns))
        route->start = START_SINCE;
    else
        return config_wrong(r, key, value, text);
    return 0;
}

static void start_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    const struct route_config *route = CONTAINER_OF(field, struct route_config, start);
    char since[CONFIG_UNITS_SIZE];

    config_units_format(since, &config_duration_units, route->start_since_ns);
    if (route->start == START_SINCE)
        fprintf(to, " since %s\n", since);
    else
        fprintf(to, " %s\n", route->start == START_END ? "end" : "beginning");
}

static int texts_set(struct config_reader *r, const struct config_key *key,
                     const struct config_node *value, void *field)
{
    struct globs texts;

    if (value->kind != NODE_LIST)
        return config_error(&r->file, value, "\"%s\" must be %s", key->path, key->type->expects);
    int code = read_texts(r, key, value, &texts);
    if (code < 0)
        return code;
    const struct config_node *item = value->first;
    for (size_t i = 0; i < texts.count; i++, item = item->next)
        for (size_t j = 0; j < i; j++)
            if (strcmp(texts.items[i], texts.items[j]) == 0)
                return config_error(&r->file, item, "\"%s\" has \"%s\" twice", key->path,
                                    texts.items[i]);
    *(struct option_texts *)field = (struct option_texts){texts.items, texts.count};
    return 0;
}

static bool texts_present(const void *field)
{
    return ((const struct option_texts *)field)->count > 0;
}

static void texts_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    const struct option_texts *texts = field;
    print_texts(to, texts->items, texts->count);
}

const struct config_type config_type_globs = {"a glob or a list of globs", globs_set, globs_present,
                                              globs_print};
const struct config_type config_type_label_globs = {
    "a map of labels, each with a glob or a list of globs", label_globs_set, label_globs_present,
    label_globs_print};
const struct config_type config_type_start = {"beginning, end or since and a duration (since 2h)",
                                              start_set, NULL, start_print};
const struct config_type config_type_texts = {"a list of texts", texts_set, texts_present,
                                              texts_print};
