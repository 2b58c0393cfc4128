/* config_sink — the options of a sink, of its own tables (sink/option.h), as keys of `sink:`.
 *
 * - Thread: any.
 */
#pragma once

#include "agent/config_table.h"

enum {
    CONFIG_SINK_TYPES_MAX = 16,
    CONFIG_SINK_PATH_SIZE = 64 /* bytes of "sink.NAME" with the NUL */
};

/* An option as a key; its offset is one in the sink's options. */
struct config_sink_key {
    struct config_key key;
    char path[CONFIG_SINK_PATH_SIZE]; /* the key's */
};

/* The key of an option of the table `from`. */
void config_sink_key(struct config_sink_key *ret, const struct sink_option_table *from,
                     const struct sink_option *option);
/* The sink's key number `index`, in the order of its tables; false past the last. */
bool config_sink_key_at(struct config_sink_key *ret, const struct sink_ops *ops, size_t index);
/* The sink's key of this name. */
bool config_sink_key_find(struct config_sink_key *ret, const struct sink_ops *ops,
                          const char *name);
/* Does any sink have an option of this name, or of this path ("sink.path")? */
bool config_sink_key_anywhere(struct config_sink_key *ret, const char *name);

/* The key `sink.type`; its words are the sinks there are, in the catalog's order. */
struct config_sink_type_key {
    struct config_key key;
    const char *words[CONFIG_SINK_TYPES_MAX + 1];
};
void config_sink_type_key(struct config_sink_type_key *ret);
