/* json_memory — where the values of one JSON document lie: blocks that are given back all at once.
 *
 * jansson takes memory in hundreds of small pieces, one by one; ten thousand documents with records
 * made between them would leave the heap full of holes. While a thread parses into a json_memory,
 * what it takes comes from there; at all other times jansson uses the heap as ever.
 *
 * - Owns: its blocks.
 * - Thread: one; several threads may parse at the same time, each into its own.
 */
#pragma once

#include <stddef.h>

struct json_memory {
    struct json_block *newest;
};

/* Between these two, what jansson takes in this thread is `m`'s. Nothing of it may be given back by
 * itself later (json_decref). */
void json_memory_begin(struct json_memory *m);
void json_memory_end(void);

void json_memory_deinit(struct json_memory *m);
