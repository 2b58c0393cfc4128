/* config_storage — memory that is taken piece by piece and given back all at once.
 *
 * The configuration's strings and lists, and the tree of its file, each live in one.
 *
 * - Owns: every piece taken.
 * - Thread: one while it is filled; then any, to read.
 */
#pragma once

#include "base/cleanup.h"
#include "base/span.h"

struct config_storage;

int config_storage_new(struct config_storage **ret) MUST_CHECK;
struct config_storage *config_storage_free(struct config_storage *s);
DEFINE_CLEANUP(struct config_storage *, config_storage_free)

/* `count` × `size` zeroed bytes, aligned for any type; NULL without memory. */
void *config_storage_take(struct config_storage *s, size_t count, size_t size);
/* A copy with a NUL after it; NULL without memory. */
char *config_storage_copy(struct config_storage *s, struct span text);
