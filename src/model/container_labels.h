/* container_labels — renders the labels of a container, once, into its own storage.
 *
 * For model/container.c alone. The order is fixed:
 *     container_id (12 digits), container_name, image, state, hostname, command, platform,
 *     network (the primary one), network_<name> = address (by name),
 *     compose_project, compose_service, swarm_stack, swarm_service,
 *     container_label_<key> (by Docker's key), source, service
 * Empty values are left out. `stream` belongs to the entry. Docker's keys under
 * com.docker.compose., org.opencontainers. and desktop.docker.io/ are dropped (S44-46).
 *
 * Keys are sanitised to [a-zA-Z_][a-zA-Z0-9_]*: each other byte becomes `_`. Of keys that become
 * the same the first by Docker's spelling keeps it, the next ones get `_2`, `_3` …; a number that
 * would give another label's own key is passed over (D47).
 *
 * - Limits: the storage must have been made with the two sizes below; more is a failed CHECK.
 */
#pragma once

#include "model/container.h"

/* Where the next pairs and the next string of a container's storage go. */
struct container_store {
    struct pair *pairs;
    struct pair *pairs_end;
    char *text;
    char *text_end;
};

/* A copy of `text` (NULL: "") in the storage. */
const char *container_store_keep(struct container_store *s, const char *text);

size_t container_labels_count_max(const struct container_fields *fields);
size_t container_labels_text_max(const struct container_fields *fields); /* bytes */

/* Fills c->rendered from the rest of `c`. 0 or -ENOMEM. */
int container_labels_render(struct container *c, struct container_store *store) MUST_CHECK;
