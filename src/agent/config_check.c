// SPDX-License-Identifier: Apache-2.0
#include "agent/config_read.h"

#include <errno.h>

/* A route, and where its keys stand. */
struct candidate {
    const struct route_config *route;
    const struct config_node *sink, *path, *fields; /* path and fields may be NULL */
};

/* Would the sink open with `fields` of its fields, from the first on? */
static int try_sink(const struct sink_options *options, const char *const *fields, size_t count,
                    struct error *error)
{
    const struct sink_ops *ops = sink_find(options->type);
    const struct sink_environment environment = {.outputs_open_max = 1};
    struct sink_options tried = *options;
    struct sink *sink = NULL;

    if (!ops)
        return error_set(error, -EINVAL, "no sink has the type %s", options->type);
    tried.fields = fields;
    tried.field_count = count;
    int code = ops->open(&sink, &tried, &environment, error);
    if (code < 0)
        return code;
    ops->close(sink);
    return 0;
}

static int sink_error(struct config_reader *r, const struct config_node *at, int code,
                      const struct error *cause)
{
    return code == -ENOMEM ? code : config_error(&r->file, at, "%s", cause->text);
}

/* The sink itself knows its templates and fields best. It is asked about one thing at a time, so
 * that the error has its place. */
static int check_sink(struct config_reader *r, const struct candidate *c)
{
    const struct sink_options *options = &c->route->sink;
    const struct config_node *item = c->fields ? c->fields->first : NULL;
    struct error cause = {0};

    int code = try_sink(options, NULL, 0, &cause);
    if (code < 0)
        return sink_error(r, c->path ? c->path : c->sink, code, &cause);
    for (size_t i = 0; i < options->field_count; i++, item = item->next) {
        code = try_sink(options, &options->fields[i], 1, &cause);
        if (code < 0)
            return sink_error(r, item, code, &cause);
    }
    return 0;
}

static int check_fields(struct config_reader *r, const struct candidate *c)
{
    const struct sink_options *options = &c->route->sink;
    const struct config_node *item = c->fields ? c->fields->first : NULL;

    if (c->fields && options->format != SINK_NDJSON)
        return config_error(&r->file, c->fields->key,
                            "\"sink.fields\" is an option of \"format: ndjson\"");
    for (size_t i = 0; i < options->field_count; i++, item = item->next)
        for (size_t j = 0; j < i; j++)
            if (strcmp(options->fields[i], options->fields[j]) == 0)
                return config_error(&r->file, item, "\"sink.fields\" has \"%s\" twice",
                                    options->fields[i]);
    return 0;
}

/* Two routes that would write into each other's output. */
static bool same_output(const struct sink_options *a, const struct sink_options *b)
{
    if (strcmp(a->type, b->type) != 0)
        return false;
    return strcmp(a->type, "stdout") == 0 ||
           (strcmp(a->type, "file") == 0 && strcmp(a->path, b->path) == 0);
}

int config_check_route(struct config_reader *r, const struct config_node *list,
                       const struct config_node *map, const struct config *c)
{
    const struct config_node *name = config_node_find(map, "name");
    const struct config_node *sink = config_node_find(map, "sink");
    const struct candidate candidate = {
        .route = &c->routes[c->route_count],
        .sink = sink,
        .path = config_node_find(sink, "path"),
        .fields = config_node_find(sink, "fields"),
    };
    const struct config_node *other = list->first;

    for (size_t i = 0; i < c->route_count; i++, other = other->next) {
        if (strcmp(c->routes[i].name, candidate.route->name) == 0)
            return config_error(&r->file, name,
                                "duplicate route name \"%s\": it is in line %zu already",
                                c->routes[i].name, config_node_find(other, "name")->line);
        if (same_output(&c->routes[i].sink, &candidate.route->sink))
            return config_error(&r->file, candidate.path ? candidate.path : sink,
                                "the route \"%s\" writes there already; an output has one route",
                                c->routes[i].name);
    }
    int code = check_fields(r, &candidate);
    return code < 0 ? code : check_sink(r, &candidate);
}
