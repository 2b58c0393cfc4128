/* config_type — what a value of the configuration can be: how it is read, and written again.
 *
 * A value is judged by the type of its key alone: `12` is a number, a name or a glob as the key
 * wants it. In every text `${NAME}` and `${NAME:-default}` are replaced by the environment's
 * (default: also where the variable is empty), once, and `$$` is a dollar sign.
 *
 * - Errors: -EINVAL with "file:line:column: …", -ENOMEM.
 */
#pragma once

#include "agent/config_node.h"
#include "agent/config_table.h"

#include <stdio.h>

enum { CONFIG_TEXT_SIZE_MAX = 32 * 1024 /* bytes of one value, the environment's included */ };

struct config_reader {
    struct config_file file;
    struct config_storage *storage; /* of the configuration that is being filled */
};

struct config_type {
    const char *expects; /* "an absolute path" */
    /* Puts the value into `field`, key->offset bytes into its struct. */
    int (*set)(struct config_reader *r, const struct config_key *key,
               const struct config_node *value, void *field);
    /* False where the field holds nothing. NULL: it always holds something. */
    bool (*present)(const struct config_key *key, const void *field);
    /* Writes " value\n"; `indent` spaces before lines of its own. */
    void (*print)(FILE *to, const struct config_key *key, const void *field, int indent);
};

extern const struct config_type config_type_text;        /* const char * */
extern const struct config_type config_type_labelled;    /* const char *, a text_template */
extern const struct config_type config_type_name;        /* const char * */
extern const struct config_type config_type_path;        /* const char * */
extern const struct config_type config_type_root;        /* const char *: a path, or "none" */
extern const struct config_type config_type_template;    /* const char * */
extern const struct config_type config_type_host;        /* const char * */
extern const struct config_type config_type_listen;      /* const char * */
extern const struct config_type config_type_choice;      /* an enum: the place in key->words */
extern const struct config_type config_type_size;        /* int64_t */
extern const struct config_type config_type_duration;    /* int64_t, nanoseconds */
extern const struct config_type config_type_count;       /* int64_t */
extern const struct config_type config_type_globs;       /* struct globs */
extern const struct config_type config_type_label_globs; /* struct match_keys: its labels */
extern const struct config_type config_type_start; /* enum start_kind, within struct route_config */
extern const struct config_type config_type_texts; /* struct option_texts */
extern const struct config_type config_type_pairs; /* struct option_pairs */
extern const struct config_type config_type_headers; /* struct option_pairs, of config_secrets */
extern const struct config_type config_type_secret;  /* const char *, a config_secret */
extern const struct config_type config_type_url;     /* const char *; key->words: its schemes */
extern const struct config_type config_type_bool;    /* bool */
extern const struct config_type config_type_sink;    /* struct sink_config */

/* "a size (512KiB, 1MiB, 10MB) from 64KiB to 16MiB", "one of file, stdout, null". */
enum { CONFIG_EXPECTS_SIZE = 256 /* bytes, with the NUL */ };
const char *config_expects(char to[CONFIG_EXPECTS_SIZE], const struct config_key *key);

/* "KEY must be EXPECTED, not TEXT", with the word that was meant where the set is closed. */
int config_wrong(struct config_reader *r, const struct config_key *key,
                 const struct config_node *value, const char *text);

/* In quotes, so that YAML reads the same text back. `expanded`: where dollar signs count, and so
 * are doubled. */
void config_print_quoted(FILE *to, const char *text, bool expanded);

/* The text of a value, with the environment's in it; it lives as long as the configuration. */
int config_text(struct config_reader *r, const struct config_key *key,
                const struct config_node *value, const char **ret) MUST_CHECK;

/* The same, where HIDDEN: without quoting anything of the value in an error. LABELLED: as a
 * text_template, in which braces are the file's alone; the environment's are doubled. */
enum config_text_kind {
    CONFIG_TEXT_SHOWN = 0,
    CONFIG_TEXT_HIDDEN = 1 << 0,
    CONFIG_TEXT_LABELLED = 1 << 1,
};
int config_text_of(struct config_reader *r, const struct config_key *key,
                   const struct config_node *value, unsigned kinds, const char **ret) MUST_CHECK;
/* Is it `${NAME}` and nothing else? */
bool config_text_is_reference(struct span text);

/* The texts of a list, or the one text that stands in its place. An empty list would look like a
 * restriction and be none. */
int config_texts(struct config_reader *r, const struct config_key *key,
                 const struct config_node *value, struct option_texts *ret) MUST_CHECK;
/* Writes " [texts]\n". */
void config_texts_print(FILE *to, struct option_texts texts);
