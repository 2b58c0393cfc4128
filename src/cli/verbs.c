// SPDX-License-Identifier: Apache-2.0
#include "cli/verb.h"

#include <errno.h>
#include <getopt.h>
#include <sys/stat.h>

#include "agent/docker_root.h"

const struct verb verbs[] = {
    {"run", "follow the logs of every container and deliver them", verb_run},
    {"check", "check the configuration", verb_check},
    {"ls", "list the containers, and how far each route stands", verb_ls},
    {"cat", "print the whole log of a container, or a log file", verb_cat},
    {"pins", "show or give up what keeps unread logs", verb_pins},
    {"dead", "show, replay or drop the lines that a sink has refused", verb_dead},
    {"version", "show the versions of tallyman and of its libraries", verb_version},
};
const size_t verb_count = ARRAY_SIZE(verbs);

static const char system_config[] = "/etc/tallyman/tallyman.yaml";

enum verb_exit verb_misused(char **arguments)
{
    fprintf(stderr, "try '%s --help'\n", arguments[0]);
    return VERB_MISUSED;
}

enum verb_exit verb_no_operands(int count, char **arguments)
{
    if (optind == count)
        return VERB_DONE;
    fprintf(stderr, "%s: unexpected '%s'\n", arguments[0], arguments[optind]);
    return verb_misused(arguments);
}

const char *verb_config_path(const char *option)
{
    const char *variable = getenv("TALLYMAN_CONFIG");
    struct stat st;

    if (option)
        return option;
    if (variable && variable[0])
        return variable;
    /* One that is there and cannot be read must not look like none. */
    return stat(system_config, &st) == 0 || errno != ENOENT ? system_config : NULL;
}

enum verb_exit verb_load_config(struct config **ret, const char *option)
{
    struct error error = {0};

    int code = config_load(ret, verb_config_path(option), &error);
    if (code < 0)
        fprintf(stderr, "%s\n", error.text);
    if (code == -ENOMEM)
        return VERB_FAILED;
    return code < 0 ? VERB_MISUSED : VERB_DONE;
}

const char *verb_docker_root(const struct config *config, char *to)
{
    docker_root_find(config, to);
    return strcmp(to, "none") == 0 ? NULL : to;
}
