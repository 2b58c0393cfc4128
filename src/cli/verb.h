/* verb — what `tallyman VERB` can be, and what all verbs share.
 *
 * A verb is one file, verb_NAME.c, and one line in verbs.c. Its function gets the arguments as
 * getopt_long(3) wants them, arguments[0] being "tallyman NAME", writes its answer to stdout and
 * returns how the program ends. main looks at stdout afterwards: output that did not arrive makes
 * every verb fail.
 *
 * - Thread: main. SIGPIPE is ignored: a closed pipe is a write error like others.
 */
#pragma once

#include "agent/config.h"

#include <stdbool.h>

enum verb_exit {
    VERB_DONE = 0,
    VERB_FAILED = 1,
    VERB_MISUSED = 2, /* wrong usage, or a wrong configuration */
};

struct verb {
    const char *name;
    const char *help; /* half a sentence for the list of verbs */
    int (*run)(int count, char **arguments);
};

extern const struct verb verbs[];
extern const size_t verb_count;

int verb_run(int count, char **arguments);
int verb_cat(int count, char **arguments);
int verb_check(int count, char **arguments);
int verb_dead(int count, char **arguments);
int verb_ls(int count, char **arguments);
int verb_pins(int count, char **arguments);
int verb_version(int count, char **arguments);

/* "try 'tallyman check --help'", to stderr, after what getopt_long said. */
enum verb_exit verb_misused(char **arguments);
/* For a verb without operands: misuse where one is left after the options. */
enum verb_exit verb_no_operands(int count, char **arguments);

/* The configuration file in use: `option` (of -c), else $TALLYMAN_CONFIG, else the system's file
 * where there is one, else NULL: the built-in configuration. */
const char *verb_config_path(const char *option);
/* Loads it, or says on stderr why not. */
enum verb_exit verb_load_config(struct config **ret, const char *option) MUST_CHECK;
/* Where Docker's files are; NULL: none are to be read. `to` holds PATH_BYTES_MAX. */
const char *verb_docker_root(const struct config *config, char *to);
#define VERB_CONFIG_HELP "  -c, --config FILE  the configuration to use\n"
