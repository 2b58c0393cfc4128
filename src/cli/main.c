// SPDX-License-Identifier: Apache-2.0
/* tallyman — every container log line, accounted for.
 *
 * Finds the verb, runs it, and answers for its output: see cli/verb.h. */
#include "cli/verb.h"

#include "base/nearest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

enum { PROGRAM_NAME_SIZE = 64 /* bytes of "tallyman VERB" */ };

static void print_usage(FILE *to)
{
    fputs("usage: tallyman VERB [options]\n\nverbs:\n", to);
    for (size_t i = 0; i < verb_count; i++)
        fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].help);
    fputs("\n'tallyman VERB --help' shows the options of a verb.\n", to);
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < verb_count; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int unknown_verb(const char *name)
{
    struct nearest near = nearest_to(span_of(name));

    for (size_t i = 0; i < verb_count; i++)
        nearest_offer(&near, span_of(verbs[i].name));
    fprintf(stderr, "tallyman: no verb '%s'%s\ntry 'tallyman --help'\n", name, NEAREST_HINT(&near));
    return VERB_MISUSED;
}

/* A descriptor of 0 to 2 that is closed would be given to the next file that is opened, and what
 * is meant for stderr would go into a database. */
static void fill_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close_fd(fd);
}

static int run(int count, char **arguments)
{
    static char name[PROGRAM_NAME_SIZE];

    if (count < 2) {
        print_usage(stderr);
        return VERB_MISUSED;
    }
    if (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0) {
        print_usage(stdout);
        return VERB_DONE;
    }
    const struct verb *verb = find_verb(arguments[1]);
    if (!verb)
        return unknown_verb(arguments[1]);

    snprintf(name, sizeof(name), "tallyman %s", verb->name);
    arguments[1] = name;
    return verb->run(count - 1, arguments + 1);
}

/* A closed pipe ends the output silently, as for every program; what else holds it up is said. */
static int finish_output(int end)
{
    bool failed = ferror(stdout);

    errno = 0;
    failed = fflush(stdout) != 0 || failed;
    if (!failed)
        return end;
    if (errno != EPIPE)
        fprintf(stderr, "tallyman: cannot write the output%s%s\n", errno ? ": " : "",
                errno ? strerror(errno) : "");
    return end == VERB_DONE ? VERB_FAILED : end;
}

int main(int count, char **arguments)
{
    fill_standard_descriptors();
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    return finish_output(run(count, arguments));
}
