/* config_node — a YAML file as a tree in which everything knows its place.
 *
 * The subset of YAML 1.1 that a configuration needs: one document of maps, lists and one-line
 * texts. Anchors, aliases, tags, control characters and a second document are refused by name and
 * place. What a text means (number, word, path) is for its reader to judge, not for YAML.
 *
 * - Owns: nothing; all of the tree lives in the storage it was read into.
 * - Limits: those below; past one of them the file is refused.
 * - Errors: -EINVAL with "file:line:column: …", -ENOMEM.
 */
#pragma once

#include "agent/config_storage.h"
#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>

enum {
    CONFIG_FILE_MAX = 1024 * 1024, /* bytes */
    CONFIG_DEPTH_MAX = 16,         /* maps and lists within each other */
    CONFIG_KEYS_MAX = 1024,        /* in one map */
    CONFIG_KEY_SIZE_MAX = 256,     /* bytes; libyaml reads keys of up to 1024 characters */
};

enum config_node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

struct config_node {
    enum config_node_kind kind;
    bool empty;               /* a text of nothing at all, not even quotes */
    size_t line, column;      /* of its first character, from 1, in characters */
    struct span text;         /* of a text; NUL-terminated */
    struct config_node *key;  /* in a map: the text before the colon */
    struct config_node *next; /* the list's or the map's next */
    struct config_node *first;
};

/* Who is reading what, for the sentences of errors. */
struct config_file {
    const char *name;
    struct error *error;
};

/* Sets "file:line:column: …" and returns -EINVAL. */
int config_error(const struct config_file *file, const struct config_node *at, const char *format,
                 ...) PRINTF_LIKE(3, 4);

/* The value of a key of a map; NULL where there is none. */
const struct config_node *config_node_find(const struct config_node *map, const char *key);

/* How many a list or a map holds. */
size_t config_node_count(const struct config_node *node);

/* *ret is NULL for a file without content. */
int config_node_parse(struct config_node **ret, const struct config_file *file, struct span text,
                      struct config_storage *storage) MUST_CHECK;

/* False for what a one-line value cannot hold, or YAML not bear unescaped: control characters,
 * Unicode's line separators, the byte order mark, the two last codes of the basic plane. */
bool config_text_is_plain(struct span text);
