// SPDX-License-Identifier: Apache-2.0
#include "agent/config_read.h"

#include "agent/config_sink.h"
#include "base/limits.h"
#include "base/nearest.h"

#include <errno.h>

/* What the file says of one scope: a value, or NULL, for each key of the table. */
struct draft {
    enum config_scope scope;
    const struct config_node *map; /* the scope's own; NULL: the file is silent */
    const struct config_node *values[CONFIG_KEY_COUNT_MAX];
};

static bool in_section(const struct config_key *key, enum config_scope scope, const char *section)
{
    return key->scope == scope && strcmp(key->section, section) == 0;
}

static bool is_section(enum config_scope scope, const char *name)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (name[0] && in_section(&config_keys[i], scope, name))
            return true;
    return false;
}

/* `key` is in no table. Says what was meant: "sink.path" for a "path" outside its section, else
 * the nearest name that may stand here. */
static int unknown_key(struct config_reader *r, enum config_scope scope, const char *section,
                       const struct config_node *key)
{
    const char *name = key->text.data;
    struct config_sink_key option;
    struct nearest near = nearest_to(key->text);

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *known = &config_keys[i];
        if (known->scope != scope)
            continue;
        if (known->section[0] && strcmp(known->path, name) == 0)
            return config_error(&r->file, key, "\"%s\" is written as a map, \"%s: {%s: …}\"", name,
                                known->section, known->name);
        if (strcmp(known->name, name) == 0) {
            near.best = span_of(known->path);
            break;
        }
        if (in_section(known, scope, section))
            nearest_offer(&near, span_of(known->name));
        else if (!section[0])
            nearest_offer(&near, span_of(known->section));
    }
    if (scope == CONFIG_ROUTE && config_sink_key_anywhere(&option, name)) {
        if (strcmp(option.key.path, name) == 0)
            return config_error(&r->file, key, "\"%s\" is written as a map, \"sink: {%s: …}\"",
                                name, option.key.name);
        near.best = span_of(option.key.path);
    }
    return config_error(&r->file, key, "unknown key \"%s%s%s\"%s", section, section[0] ? "." : "",
                        name, NEAREST_HINT(&near));
}

static int collect_key(struct config_reader *r, struct draft *draft, const char *section,
                       const struct config_node *value)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (in_section(key, draft->scope, section) &&
            strcmp(key->name, value->key->text.data) == 0) {
            draft->values[i] = value;
            return 0;
        }
    }
    return unknown_key(r, draft->scope, section, value->key);
}

/* Finds the key of each value of the scope, and of its sections. */
static int collect(struct config_reader *r, struct draft *draft)
{
    const struct config_node *value = draft->map ? draft->map->first : NULL;

    for (; value; value = value->next) {
        const char *name = value->key->text.data;
        if (!is_section(draft->scope, name)) {
            int code = collect_key(r, draft, "", value);
            if (code < 0)
                return code;
            continue;
        }
        if (value->kind != NODE_MAP)
            return config_error(&r->file, value, "\"%s\" must be a map of keys", name);
        for (const struct config_node *inner = value->first; inner; inner = inner->next) {
            int code = collect_key(r, draft, name, inner);
            if (code < 0)
                return code;
        }
    }
    return 0;
}

int config_fallback(struct config_reader *r, const struct config_key *key, void *field)
{
    struct config_node fallback = {.kind = NODE_TEXT, .text = span_of(key->fallback)};
    return key->type->set(r, key, &fallback, field);
}

/* At the key's section where the file has that, else at the scope. */
static int missing_key(struct config_reader *r, const struct draft *draft,
                       const struct config_key *key)
{
    char expects[CONFIG_EXPECTS_SIZE];
    const struct config_node *at = config_node_find(draft->map, key->section);

    return config_error(&r->file, at ? at : draft->map, "\"%s\" is missing; it must be %s",
                        key->path, config_expects(expects, key));
}

/* Fills one key of a route that stands, complete or not, in `draft`. */
static int apply_route_key(struct config_reader *r, const struct draft *draft, size_t index,
                           struct route_config *route)
{
    const struct config_key *key = &config_keys[index];
    const struct config_node *value = draft->values[index];
    void *field = (char *)route + key->offset;

    if (key->of_requests && !route->sink.ops->requests)
        return value ? config_error(&r->file, value->key,
                                    "\"%s\" is of sinks that send requests; a %s sink sends none",
                                    key->path, route->sink.ops->type)
                     : 0;
    if (value)
        return key->type->set(r, key, value, field);
    if (key->required)
        return missing_key(r, draft, key);
    return key->fallback ? config_fallback(r, key, field) : 0;
}

static int apply_route_keys(struct config_reader *r, const struct draft *draft, bool of_requests,
                            struct route_config *route)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < config_key_count; i++)
        if (config_keys[i].scope == CONFIG_ROUTE && config_keys[i].of_requests == of_requests)
            code = apply_route_key(r, draft, i, route);
    return code;
}

int config_route_defaults(struct config_reader *r, struct route_config *route)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->scope != CONFIG_ROUTE || !key->fallback || key->of_requests)
            continue;
        int code = config_fallback(r, key, (char *)route + key->offset);
        if (code < 0)
            return code;
    }
    return 0;
}

static int read_route(struct config_reader *r, const struct config_node *map,
                      struct route_config *route)
{
    struct draft draft = {.scope = CONFIG_ROUTE, .map = map};

    if (map->kind != NODE_MAP)
        return config_error(&r->file, map, "a route must be a map of keys");
    int code = collect(r, &draft);
    if (code == 0)
        code = apply_route_keys(r, &draft, false, route);
    /* Now the sink is known. */
    if (code == 0)
        code = apply_route_keys(r, &draft, true, route);
    return code;
}

static int read_routes(struct config_reader *r, const struct config_node *list, struct config *c)
{
    if (list->kind != NODE_LIST || !list->first)
        return config_error(&r->file, list, "\"routes\" must be a list of one route or more");
    size_t count = config_node_count(list);
    if (count > ROUTES_MAX)
        return config_error(&r->file, list, "more than %d routes", ROUTES_MAX);

    c->routes = config_storage_take(r->storage, count, sizeof(*c->routes));
    if (!c->routes)
        return -ENOMEM;
    const struct config_node *map = list->first;
    for (; map; map = map->next, c->route_count++) {
        struct route_config *route = &c->routes[c->route_count];
        int code = read_route(r, map, route);
        if (code == 0)
            code = config_check_route(r, list, map, c);
        if (code < 0)
            return code;
    }
    return 0;
}

int config_read(struct config_reader *r, const struct config_node *root, struct config *c)
{
    struct draft draft = {.scope = CONFIG_WHOLE, .map = root};

    if (root && root->kind != NODE_MAP)
        return config_error(&r->file, root, "the configuration must be a map of keys");
    int code = collect(r, &draft);
    for (size_t i = 0; code == 0 && i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        void *field = (char *)c + key->offset;
        if (key->scope != CONFIG_WHOLE)
            continue;
        if (!key->type)
            code = draft.values[i] ? read_routes(r, draft.values[i], c) : 0;
        else if (draft.values[i])
            code = key->type->set(r, key, draft.values[i], field);
        else if (key->fallback)
            code = config_fallback(r, key, field);
    }
    return code;
}
