// SPDX-License-Identifier: Apache-2.0
#include "agent/metric_table.h"
#include "cli/verb.h"

#include <getopt.h>

static const char usage[] =
    "usage: tallyman check [-c FILE] [--print]\n"
    "\n"
    "Reads the configuration. The first thing wrong with it is said with its place,\n"
    "FILE:LINE:COLUMN.\n"
    "\n" VERB_CONFIG_HELP "  -p, --print        show every key in effect, as a configuration file\n"
    "      --document[=WHAT]\n"
    "                     write a reference: of all keys (docs/configuration.md), or with\n"
    "                     metrics of all metrics (docs/metrics.md)\n"
    "  -h, --help         show this\n";

enum { OPTION_DOCUMENT = 256 };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"print", no_argument, NULL, 'p'},
    {"document", optional_argument, NULL, OPTION_DOCUMENT},
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

static enum verb_exit document(const char *what, char **arguments)
{
    if (!what || strcmp(what, "configuration") == 0)
        config_document(stdout);
    else if (strcmp(what, "metrics") == 0)
        metric_table_document(stdout);
    else {
        fprintf(stderr, "%s: there is no document \"%s\": configuration or metrics\n", arguments[0],
                what);
        return verb_misused(arguments);
    }
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
        case OPTION_DOCUMENT: return document(optarg, arguments);
        default: return verb_misused(arguments);
        }
    }
    enum verb_exit end = verb_no_operands(count, arguments);
    return end == VERB_DONE ? check(path, print) : (int)end;
}
