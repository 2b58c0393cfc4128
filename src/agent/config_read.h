/* config_read — from the tree of a file, through the table of keys, into struct config.
 *
 * - Errors: the first one, as in config_type.h.
 */
#pragma once

#include "agent/config_type.h"

/* Fills `c`, which is all zero, from `root`; NULL: nothing but defaults. Keys without a default to
 * write, and the routes where the file names none, stay zero. */
int config_read(struct config_reader *r, const struct config_node *root, struct config *c)
    MUST_CHECK;

/* Puts the key's default into its field. */
int config_fallback(struct config_reader *r, const struct config_key *key, void *field) MUST_CHECK;

/* A sink's options as they are without any key. They live as long as the configuration. */
int config_sink_defaults(struct config_reader *r, const struct sink_ops *ops, void **ret)
    MUST_CHECK;

/* The defaults of a route's keys; what has none, and what is of sinks that send requests, stays
 * zero. */
int config_route_defaults(struct config_reader *r, struct route_config *route) MUST_CHECK;

/* What no key alone can tell of the route that was read last, c->routes[c->route_count]: is it
 * unlike those before it, and would its sink open? `map` is its node in `list`. */
int config_check_route(struct config_reader *r, const struct config_node *list,
                       const struct config_node *map, const struct config *c) MUST_CHECK;
