// SPDX-License-Identifier: Apache-2.0
#include "agent/config_sink.h"

#include "agent/config_type.h"
#include "base/check.h"

static const struct config_type *const types[] = {
    [OPTION_TEXT] = &config_type_text,       [OPTION_SECRET] = &config_type_secret,
    [OPTION_PATH] = &config_type_path,       [OPTION_TEMPLATE] = &config_type_template,
    [OPTION_URL] = &config_type_url,         [OPTION_CHOICE] = &config_type_choice,
    [OPTION_BOOL] = &config_type_bool,       [OPTION_COUNT] = &config_type_count,
    [OPTION_SIZE] = &config_type_size,       [OPTION_DURATION] = &config_type_duration,
    [OPTION_TEXTS] = &config_type_texts,     [OPTION_PAIRS] = &config_type_pairs,
    [OPTION_HEADERS] = &config_type_headers, [OPTION_LABELLED] = &config_type_labelled,
};

static const char *const url_schemes[] = {"http", "https", NULL};

void config_sink_key(struct config_sink_key *ret, const struct sink_option_table *from,
                     const struct sink_option *option)
{
    snprintf(ret->path, sizeof(ret->path), "sink.%s", option->name);
    ret->key = (struct config_key){
        .scope = CONFIG_ROUTE,
        .path = ret->path,
        .section = "sink",
        .name = option->name,
        .type = types[option->kind],
        .offset = from->at + option->offset,
        .required = option->required,
        .fallback = option->fallback,
        .fallback_words = option->fallback_words,
        .minimum = option->minimum,
        .maximum = option->maximum,
        .words = option->kind == OPTION_URL && !option->words ? url_schemes : option->words,
        .help = option->help,
    };
}

bool config_sink_key_at(struct config_sink_key *ret, const struct sink_ops *ops, size_t index)
{
    for (size_t i = 0; i < SINK_OPTION_TABLES_MAX && ops->options[i].items; i++) {
        for (const struct sink_option *o = ops->options[i].items; o->name; o++) {
            if (index-- > 0)
                continue;
            config_sink_key(ret, &ops->options[i], o);
            return true;
        }
    }
    return false;
}

bool config_sink_key_find(struct config_sink_key *ret, const struct sink_ops *ops, const char *name)
{
    for (size_t i = 0; config_sink_key_at(ret, ops, i); i++)
        if (strcmp(ret->key.name, name) == 0)
            return true;
    return false;
}

bool config_sink_key_anywhere(struct config_sink_key *ret, const char *name)
{
    size_t count;
    const struct sink_ops *const *sinks = sink_all(&count);

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; config_sink_key_at(ret, sinks[i], j); j++)
            if (strcmp(ret->key.name, name) == 0 || strcmp(ret->key.path, name) == 0)
                return true;
    return false;
}

void config_sink_type_key(struct config_sink_type_key *ret)
{
    size_t count;
    const struct sink_ops *const *sinks = sink_all(&count);

    CHECK(count <= CONFIG_SINK_TYPES_MAX);
    *ret = (struct config_sink_type_key){
        .key = {.scope = CONFIG_ROUTE,
                .path = "sink.type",
                .section = "sink",
                .name = "type",
                .type = &config_type_choice,
                .required = true,
                .help = "Which sink, of those below."},
    };
    for (size_t i = 0; i < count; i++)
        ret->words[i] = sinks[i]->type;
    ret->key.words = ret->words;
}
