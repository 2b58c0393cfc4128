// SPDX-License-Identifier: Apache-2.0
/* The types that only a route's keys have: globs, labels, its start. */
#include "agent/config_type.h"

#include "agent/config_units.h"

#include <errno.h>

static int read_globs(struct config_reader *r, const struct config_key *key,
                      const struct config_node *value, struct globs *ret)
{
    struct option_texts texts;

    int code = config_texts(r, key, value, &texts);
    if (code == 0)
        *ret = (struct globs){texts.items, texts.count};
    return code;
}

static void print_globs(FILE *to, const struct globs *globs)
{
    config_texts_print(to, (struct option_texts){globs->items, globs->count});
}

static int globs_set(struct config_reader *r, const struct config_key *key,
                     const struct config_node *value, void *field)
{
    struct globs globs;

    int code = read_globs(r, key, value, &globs);
    if (code < 0)
        return code;
    for (size_t i = 0; i < globs.count; i++)
        if (!globs.items[i][0])
            return config_wrong(r, key, value, "");
    *(struct globs *)field = globs;
    return 0;
}

static bool globs_present(const struct config_key *key, const void *field)
{
    return ((const struct globs *)field)->count > 0;
}

static void globs_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    print_globs(to, field);
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
        int code = read_globs(r, key, label, &labels[i].values);
        if (code < 0)
            return code;
    }
    keys->labels = labels;
    keys->label_count = count;
    return 0;
}

static bool label_globs_present(const struct config_key *key, const void *field)
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
        print_globs(to, &keys->labels[i].values);
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

const struct config_type config_type_globs = {"a glob or a list of globs", globs_set, globs_present,
                                              globs_print};
const struct config_type config_type_label_globs = {
    "a map of labels, each with a glob or a list of globs", label_globs_set, label_globs_present,
    label_globs_print};
const struct config_type config_type_start = {"beginning, end or since and a duration (since 2h)",
                                              start_set, NULL, start_print};
