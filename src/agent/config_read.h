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

/* The defaults of a route's keys; what has none stays zero. */
int config_route_defaults(struct config_reader *r, struct route_config *route) MUST_CHECK;
