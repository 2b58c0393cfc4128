// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <stdio.h>

#include "agent/agent.h"
#include "agent/config_units.h"
#include "base/log.h"
#include "cli/commit.h"
#include "cli/verb.h"

static void help(void)
{
    size_t count;
    const struct sink_ops *const *sinks = sink_all(&count);
    printf(
        "usage: tallyman run [options]\n"
        "\n"
        "Follows the logs of every container and delivers them, until SIGTERM or SIGINT: it then\n"
        "commits, closes and exits 0; a second signal ends it at once.\n"
        "\n"
        "options:\n" VERB_CONFIG_HELP
        "  --once             deliver what is there now, open lines included, then exit: 0 when\n"
        "                     all is delivered, 1 when something is not\n"
        "  --timeout TIME     with --once: give up after this time, such as 30s (default: never)\n"
        "  -h, --help         show this\n"
        "\n"
        "sinks, by the type that the configuration gives them:\n");
    for (size_t i = 0; i < count; i++)
        printf("  %-18s %s\n", sinks[i]->type, sinks[i]->help);
}

static enum verb_exit run(const struct agent_options *options)
{
    struct error error = {""};
    int r = agent_run(options, &error);
    if (r < 0)
        log_fact(LOG_ERROR, "agent.failed", error.text);
    return r ? VERB_FAILED : VERB_DONE;
}

int verb_run(int count, char **arguments)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"once", no_argument, NULL, 'o'},
        {"timeout", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct agent_options run_options = {.version = TALLYMAN_VERSION, .commit = tallyman_commit};
    const char *config_path = NULL;
    for (int option; (option = getopt_long(count, arguments, "c:h", options, NULL)) != -1;) {
        switch (option) {
        case 'c': config_path = optarg; break;
        case 'o': run_options.once = true; break;
        case 't':
            if (config_units_parse(&config_duration_units, optarg, &run_options.timeout_ns) < 0) {
                fprintf(stderr, "%s: --timeout %s is no time, such as 30s\n", arguments[0], optarg);
                return verb_misused(arguments);
            }
            break;
        case 'h': help(); return VERB_DONE;
        default: return verb_misused(arguments);
        }
    }
    enum verb_exit code = verb_no_operands(count, arguments);
    CLEANUP(config_free) struct config *config = NULL;
    if (code == VERB_DONE)
        code = verb_load_config(&config, config_path);
    if (code != VERB_DONE)
        return code;
    run_options.config = config;
    return run(&run_options);
}
