// SPDX-License-Identifier: Apache-2.0
#include "cli/verb.h"

#include <getopt.h>

static const char usage[] =
    "usage: tallyman check [-c FILE] [--print]\n"
    "\n"
    "Reads the configuration. The first thing wrong with it is said with its place,\n"
    "FILE:LINE:COLUMN.\n"
    "\n" VERB_CONFIG_HELP "  -p, --print        show every key in effect, as a configuration file\n"
    "      --document     write the reference of all keys (docs/configuration.md)\n"
    "  -h, --help         show this\n";

enum { OPTION_DOCUMENT = 256 };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"print", no_argument, NULL, 'p'},
    {"document", no_argument, NULL, OPTION_DOCUMENT},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int check(const char *path, bool print)
{
    CLEANUP(config_free) struct config *config = NULL;

    enum verb_exit end = verb_load_config(&config, path);
    if (end != VERB_DONE)
        return end;
    if (print) {
        config_print(config, stdout);
        return VERB_DONE;
    }
    const char *used = verb_config_path(path);
    printf("%s: good, %zu %s\n", used ? used : "the built-in configuration", config->route_count,
           config->route_count == 1 ? "route" : "routes");
    return VERB_DONE;
}

int verb_check(int count, char **arguments)
{
    const char *path = NULL;
    bool print = false;
    int option;

    while ((option = getopt_long(count, arguments, "c:ph", options, NULL)) != -1) {
        switch (option) {
        case 'c': path = optarg; break;
        case 'p': print = true; break;
        case 'h': fputs(usage, stdout); return VERB_DONE;
        case OPTION_DOCUMENT: config_document(stdout); return VERB_DONE;
        default: return verb_misused(arguments);
        }
    }
    enum verb_exit end = verb_no_operands(count, arguments);
    return end == VERB_DONE ? check(path, print) : (int)end;
}
