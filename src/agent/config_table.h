/* config_table — every key of the configuration, once; but the options of the sinks, which have
 * tables of their own (sink/option.h, config_sink.h).
 *
 * The parser, its suggestions, `check --print` and docs/configuration.md are made from this table:
 * a key that is not in it does not exist, a key that is in it has a place in struct config.
 */
#pragma once

#include "agent/config.h"

#include <stdbool.h>

/* Keys belong to the file as a whole, or to each route. */
enum config_scope { CONFIG_WHOLE, CONFIG_ROUTE };

struct config_type;

struct config_key {
    enum config_scope scope;
    const char *path;               /* "docker.root", for people */
    const char *section;            /* "docker"; "": in none */
    const char *name;               /* "root" */
    const struct config_type *type; /* NULL: the list of routes */
    size_t offset;                  /* in struct config or struct route_config */
    bool required;
    const char *fallback;       /* the default as one would write it; NULL: none */
    const char *fallback_words; /* what holds where there is no default to write */
    int64_t minimum, maximum;   /* sizes and durations; both 0: no bounds */
    const char *const *words;   /* a closed set, ends with NULL; NULL: open */
    bool of_requests;           /* of routes whose sink sends requests, and of no other */
    const char *help;           /* whole sentences */
};

enum { CONFIG_KEY_COUNT_MAX = 64 };
extern const struct config_key config_keys[];
extern const size_t config_key_count;
