// SPDX-License-Identifier: Apache-2.0
#include "agent/config_read.h"

#include "agent/config_sink.h"
#include "sink/catalog.h"
#include "sink/file_options.h"

#include <errno.h>

/* Where the sink's own complaint about its options, "NAME: …" or "NAME.KEY: …", belongs: at the
 * option's value, or the key's; of a list, at the item that the complaint quotes. */
static const struct config_node *blamed(const struct config_node *sink, const char *words)
{
    char name[CONFIG_SINK_PATH_SIZE];
    size_t size = strcspn(words, ":");

    snprintf(name, sizeof(name), "%.*s", (int)size, words);
    char *key = strchr(name, '.');
    if (key)
        *key++ = '\0';
    const struct config_node *option = config_node_find(sink, name);
    const struct config_node *member = option && key ? config_node_find(option, key) : NULL;
    if (member || !option)
        return member ? member : sink;
    for (const struct config_node *item = option->first; item; item = item->next) {
        const char *quoted = item->text.data ? strstr(words, item->text.data) : NULL;
        if (quoted && quoted > words && quoted[-1] == '"' && quoted[item->text.size] == '"')
            return item;
    }
    return option;
}

/* The sink itself knows its templates, fields and URLs best: would it open? */
static int check_sink(struct config_reader *r, const struct config_node *node,
                      const struct sink_config *config)
{
    const struct sink_environment environment = {.outputs_open_max = 1};
    struct error cause = {0};
    struct sink *sink = NULL;

    int code = config->ops->open(&sink, config->options, &environment, &cause);
    if (code < 0)
        return code == -ENOMEM ? code
                               : config_error(&r->file, blamed(node, cause.text), "%s", cause.text);
    config->ops->close(sink);
    return 0;
}

/* Two routes that would write into each other's output. */
static bool same_output(const struct sink_config *a, const struct sink_config *b)
{
    if (a->ops != b->ops)
        return false;
    if (a->ops == &stdout_sink)
        return true;
    const struct file_options *files_a = a->options, *files_b = b->options;
    return a->ops == &file_sink && strcmp(files_a->path, files_b->path) == 0;
}

int config_check_route(struct config_reader *r, const struct config_node *list,
                       const struct config_node *map, const struct config *c)
{
    const struct config_node *name = config_node_find(map, "name");
    const struct config_node *sink = config_node_find(map, "sink");
    const struct config_node *path = config_node_find(sink, "path");
    const struct route_config *route = &c->routes[c->route_count];
    const struct config_node *other = list->first;

    for (size_t i = 0; i < c->route_count; i++, other = other->next) {
        if (strcmp(c->routes[i].name, route->name) == 0)
            return config_error(&r->file, name,
                                "duplicate route name \"%s\": it is in line %zu already",
                                c->routes[i].name, config_node_find(other, "name")->line);
        if (same_output(&c->routes[i].sink, &route->sink))
            return config_error(&r->file, path ? path : sink,
                                "the route \"%s\" writes there already; an output has one route",
                                c->routes[i].name);
    }
    return check_sink(r, sink, &route->sink);
}
