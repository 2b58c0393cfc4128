/* option — what can be configured of a sink: one table per sink.
 *
 * The configuration's parser, `check --print` and docs/configuration.md are made from these tables.
 * A sink's options are a struct of its own, `size` bytes, zeroed and then filled by its table:
 * strings and lists are borrowed from the configuration, which outlives the sink.
 */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_TEXT,     /* const char * */
    OPTION_SECRET,   /* const char *; never shown again */
    OPTION_LABELLED, /* const char *: a text with labels in braces (text_template.h) */
    OPTION_PATH,     /* const char *, absolute */
    OPTION_TEMPLATE, /* const char *: a path with labels in braces (path_template.h) */
    OPTION_URL,      /* const char *, without a user; `words`: its schemes, NULL: http, https */
    OPTION_CHOICE,   /* an enum: the place in `words` */
    OPTION_BOOL,     /* bool */
    OPTION_COUNT,    /* int64_t */
    OPTION_SIZE,     /* int64_t, bytes */
    OPTION_DURATION, /* int64_t, nanoseconds */
    OPTION_TEXTS,    /* struct option_texts: a list */
    OPTION_PAIRS,    /* struct option_pairs: a map */
    OPTION_HEADERS,  /* struct option_pairs: of HTTP, with labels in braces; but what may hold a
                        secret (secret_header.h) is taken as it is, and not shown again */
};

struct option_texts {
    const char *const *items; /* NULL: the key is not there */
    size_t count;
};

struct option_pair {
    const char *key, *value;
};

struct option_pairs {
    const struct option_pair *items;
    size_t count;
};

struct sink_option {
    const char *name; /* within `sink:` */
    enum option_kind kind;
    size_t offset; /* in the sink's options */
    bool required;
    const char *fallback;       /* the default as one would write it; NULL: none */
    const char *fallback_words; /* what holds where there is no default to write */
    int64_t minimum, maximum;   /* counts, sizes and durations; both 0: no bounds */
    const char *const *words;   /* OPTION_CHOICE, OPTION_URL: ends with NULL */
    const char *help;           /* whole sentences */
};

#define OPTION_WORDS(...)                                                                          \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

/* Rows of a sink. Those that several sinks share are of a struct of their own: `at` is where that
 * lies in the sink's, and the documents have them once, under their name. */
struct sink_option_table {
    const struct sink_option *items; /* ends with a row without a name */
    size_t at;
    const char *shared; /* "lines", "requests"; NULL: no other sink has them */
};

enum { SINK_OPTION_TABLES_MAX = 4 };
