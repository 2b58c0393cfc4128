// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>

#include "cli/dead.h"

static const char usage[] =
    "usage: tallyman dead ls [-c FILE] [--route NAME] [--json]\n"
    "       tallyman dead show [-c FILE] [--route NAME] [--key N] [--limit N]\n"
    "       tallyman dead replay [-c FILE] [--route NAME] [--key N] [--reason WORD] [--dry-run]\n"
    "       tallyman dead drop [-c FILE] --route NAME (--key N | --all)\n"
    "\n"
    "Dead letters are the lines that a route's sink has refused for their content; the route "
    "keeps\n"
    "them in its ledger. 'ls' counts them by route and reason; 'show' prints them, an object of\n"
    "JSON a line. 'replay' sends them again, once what was wrong has been put right: what is\n"
    "delivered is counted as delivered; what is refused again stays, with its new answer. 'drop'\n"
    "gives them up: they stay counted as refused. Both ask the running tallyman at admin.listen,\n"
    "or else do it on their own.\n"
    "\n"
    "options:\n" VERB_CONFIG_HELP "  -j, --json         an array of objects, one a route\n"
    "  -r, --route NAME   only those of this route\n"
    "  -k, --key N        only the one of this number\n"
    "      --reason WORD  only those that were refused for this reason\n"
    "  -n, --limit N      no more than so many\n"
    "      --dry-run      say how many would be sent, and send none\n"
    "  -a, --all          all of the route's\n"
    "  -h, --help         show this\n";

enum { OPTION_REASON = 256, OPTION_DRY_RUN };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"route", required_argument, NULL, 'r'},
    {"key", required_argument, NULL, 'k'},
    {"reason", required_argument, NULL, OPTION_REASON},
    {"limit", required_argument, NULL, 'n'},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"all", no_argument, NULL, 'a'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

/* What was given on the command line, a bit each. */
enum given {
    GIVEN_JSON = 1 << 0,
    GIVEN_ROUTE = 1 << 1,
    GIVEN_KEY = 1 << 2,
    GIVEN_REASON = 1 << 3,
    GIVEN_LIMIT = 1 << 4,
    GIVEN_DRY_RUN = 1 << 5,
    GIVEN_ALL = 1 << 6,
};

static const struct action {
    const char *name;
    unsigned takes; /* of enum given */
    enum verb_exit (*act)(const struct dead_request *request);
} actions[] = {
    {"ls", GIVEN_ROUTE | GIVEN_JSON, dead_ls},
    {"show", GIVEN_ROUTE | GIVEN_KEY | GIVEN_LIMIT, dead_show},
    {"replay", GIVEN_ROUTE | GIVEN_KEY | GIVEN_REASON | GIVEN_DRY_RUN, dead_replay},
    {"drop", GIVEN_ROUTE | GIVEN_KEY | GIVEN_ALL, dead_drop},
};

struct command_line {
    const char *config_path, *route;
    unsigned given;
    struct dead_request request;
};

enum verb_exit dead_failed(const struct error *error)
{
    fprintf(stderr, "tallyman dead: %s\n", error->text);
    return VERB_FAILED;
}

/* Where there is none, the route has not run yet, and *ret stays NULL. */
static int open_ledger(struct ledger **ret, const struct config *config,
                       const struct route_config *route, unsigned flags, struct error *error)
{
    char path[PATH_BYTES_MAX];
    if (snprintf(path, sizeof(path), "%s/routes/%s.db", config->state, route->name) >=
        (int)sizeof(path))
        return error_set(error, -ENAMETOOLONG, "%s: too long", config->state);
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    return ledger_open(ret, path, NULL, flags, 0, error);
}

enum verb_exit dead_each_ledger(const struct dead_request *request, unsigned flags,
                                int (*act)(void *, const struct route_config *, struct ledger *,
                                           struct error *),
                                void *context)
{
    enum verb_exit end = VERB_DONE;
    for (size_t i = 0; i < request->config->route_count; i++) {
        const struct route_config *route = &request->config->routes[i];
        CLEANUP(ledger_close) struct ledger *ledger = NULL;
        struct error error = {""};
        if (request->route && request->route != route)
            continue;
        int r = open_ledger(&ledger, request->config, route, flags, &error);
        if (r == 0 && ledger)
            r = act(context, route, ledger, &error);
        if (r < 0)
            end = dead_failed(&error);
    }
    return end;
}

/* A number from 1 on. */
static bool parse_number(const char *text, uint64_t *ret)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *ret > 0 && *ret <= INT64_MAX;
}

static enum verb_exit misuse(char **arguments, const char *why)
{
    fprintf(stderr, "%s: %s\n", arguments[0], why);
    return verb_misused(arguments);
}

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; name && i < ARRAY_SIZE(actions); i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}

static const struct route_config *find_route(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->route_count; i++)
        if (strcmp(config->routes[i].name, name) == 0)
            return &config->routes[i];
    return NULL;
}

static enum verb_exit run(struct command_line *line, const struct action *action, char **arguments)
{
    CLEANUP(config_free) struct config *config = NULL;
    enum verb_exit end = verb_load_config(&config, line->config_path);
    if (end != VERB_DONE)
        return end;
    line->request.config = config;
    if (line->route && !(line->request.route = find_route(config, line->route))) {
        fprintf(stderr, "%s: the configuration has no route '%s'\n", arguments[0], line->route);
        return VERB_MISUSED;
    }
    return action->act(&line->request);
}

static enum verb_exit act(struct command_line *line, int count, char **arguments)
{
    const struct action *action = find_action(optind < count ? arguments[optind++] : NULL);
    if (!action)
        return misuse(arguments, "ls, show, replay or drop?");
    enum verb_exit end = verb_no_operands(count, arguments);
    if (end != VERB_DONE)
        return end;
    if (line->given & ~action->takes) {
        fprintf(stderr, "%s: %s does not take all of these options\n", arguments[0], action->name);
        return verb_misused(arguments);
    }
    bool key = line->given & GIVEN_KEY, all = line->given & GIVEN_ALL;
    if (action->act == dead_drop && (!line->route || key == all))
        return misuse(arguments, "drop takes --route NAME, and either --key N or --all");
    if (key && !line->route)
        return misuse(arguments, "each route numbers its own letters: --key N needs --route NAME");
    return run(line, action, arguments);
}

/* NULL, or what is wrong with it. */
static const char *take_option(struct command_line *line, int option)
{
    struct dead_request *request = &line->request;
    switch (option) {
    case 'c': line->config_path = optarg; return NULL;
    case 'j':
        line->given |= GIVEN_JSON;
        request->json = true;
        return NULL;
    case 'r':
        line->given |= GIVEN_ROUTE;
        line->route = optarg;
        return NULL;
    case 'a': line->given |= GIVEN_ALL; return NULL;
    case 'k':
        line->given |= GIVEN_KEY;
        return parse_number(optarg, &request->filter.key) ? NULL : "--key takes a number from 1 on";
    case 'n':
        line->given |= GIVEN_LIMIT;
        return parse_number(optarg, &request->limit) ? NULL : "--limit takes a number from 1 on";
    case OPTION_REASON:
        line->given |= GIVEN_REASON;
        request->filter.reason = optarg;
        return NULL;
    default:
        line->given |= GIVEN_DRY_RUN;
        request->dry_run = true;
        return NULL;
    }
}

int verb_dead(int count, char **arguments)
{
    struct command_line line = {0};
    int option;

    while ((option = getopt_long(count, arguments, "c:jr:k:n:ah", options, NULL)) != -1) {
        if (option == '?')
            return verb_misused(arguments);
        if (option == 'h') {
            fputs(usage, stdout);
            return VERB_DONE;
        }
        const char *wrong = take_option(&line, option);
        if (wrong)
            return misuse(arguments, wrong);
    }
    return act(&line, count, arguments);
}
