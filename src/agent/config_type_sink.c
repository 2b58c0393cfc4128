// SPDX-License-Identifier: Apache-2.0
/* A route's sink: a map of its type and of the options that this type has. */
#include "agent/config_read.h"

#include "agent/config_sink.h"
#include "base/nearest.h"

#include <errno.h>

static int missing(struct config_reader *r, const struct config_node *map,
                   const struct config_key *key)
{
    char expects[CONFIG_EXPECTS_SIZE];
    return config_error(&r->file, map, "\"%s\" is missing; it must be %s", key->path,
                        config_expects(expects, key));
}

static int read_type(struct config_reader *r, const struct config_node *map,
                     const struct sink_ops **ret)
{
    struct config_sink_type_key type;
    const struct config_node *value = config_node_find(map, "type");
    unsigned at = 0;
    size_t count;

    config_sink_type_key(&type);
    if (!value)
        return missing(r, map, &type.key);
    int code = type.key.type->set(r, &type.key, value, &at);
    if (code == 0)
        *ret = sink_all(&count)[at];
    return code;
}

/* Another sink's, or nobody's. */
static int unknown_option(struct config_reader *r, const struct sink_ops *ops,
                          const struct config_node *key)
{
    struct config_sink_key option;
    struct nearest near = nearest_to(key->text);

    if (config_sink_key_anywhere(&option, key->text.data))
        return config_error(&r->file, key, "\"%s\" is no option of a %s sink", option.key.path,
                            ops->type);
    for (size_t i = 0; config_sink_key_at(&option, ops, i); i++)
        nearest_offer(&near, span_of(option.key.name));
    nearest_offer(&near, SPAN("type"));
    return config_error(&r->file, key, "unknown key \"sink.%s\"%s", key->text.data,
                        NEAREST_HINT(&near));
}

static int check_names(struct config_reader *r, const struct config_node *map,
                       const struct sink_ops *ops)
{
    struct config_sink_key option;

    for (const struct config_node *value = map->first; value; value = value->next) {
        const char *name = value->key->text.data;
        if (strcmp(name, "type") != 0 && !config_sink_key_find(&option, ops, name))
            return unknown_option(r, ops, value->key);
    }
    return 0;
}

static int fill(struct config_reader *r, const struct config_node *map, const struct sink_ops *ops,
                void *options)
{
    struct config_sink_key option;

    for (size_t i = 0; config_sink_key_at(&option, ops, i); i++) {
        const struct config_key *key = &option.key;
        const struct config_node *value = map ? config_node_find(map, key->name) : NULL;
        void *field = (char *)options + key->offset;
        int code = 0;
        if (value)
            code = key->type->set(r, key, value, field);
        else if (key->fallback)
            code = config_fallback(r, key, field);
        else if (map && key->required)
            code = missing(r, map, key);
        if (code < 0)
            return code;
    }
    return 0;
}

int config_sink_defaults(struct config_reader *r, const struct sink_ops *ops, void **ret)
{
    void *options = config_storage_take(r->storage, 1, ops->options_size);
    if (!options)
        return -ENOMEM;
    *ret = options;
    return fill(r, NULL, ops, options);
}

static int sink_set(struct config_reader *r, const struct config_key *key,
                    const struct config_node *value, void *field)
{
    const struct sink_ops *ops = NULL;

    if (value->kind != NODE_MAP)
        return config_error(&r->file, value, "\"%s\" must be %s", key->path, key->type->expects);
    int code = read_type(r, value, &ops);
    if (code == 0)
        code = check_names(r, value, ops);
    if (code < 0)
        return code;
    void *options = config_storage_take(r->storage, 1, ops->options_size);
    if (!options)
        return -ENOMEM;
    *(struct sink_config *)field = (struct sink_config){ops, options};
    return fill(r, value, ops, options);
}

static void sink_print(FILE *to, const struct config_key *key, const void *field, int indent)
{
    const struct sink_config *sink = field;
    struct config_sink_key option;

    /* In quotes: a bare null would be nothing, by YAML's own rules. */
    fprintf(to, "\n%*stype: \"%s\"\n", indent, "", sink->ops->type);
    for (size_t i = 0; config_sink_key_at(&option, sink->ops, i); i++) {
        const struct config_type *type = option.key.type;
        const void *value = (const char *)sink->options + option.key.offset;
        if (type->present && !type->present(&option.key, value))
            continue;
        fprintf(to, "%*s%s:", indent, "", option.key.name);
        type->print(to, &option.key, value, indent + 2);
    }
}

const struct config_type config_type_sink = {"a map of its type and its options", sink_set, NULL,
                                             sink_print};
