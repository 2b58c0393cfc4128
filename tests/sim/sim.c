// SPDX-License-Identifier: Apache-2.0

/* sim — simulated lives: Docker writes, rotates and removes, tallyman reads, dies and starts again,
 * all from one seed; and what it has delivered and booked is held against what was written.
 *
 *     sim --seeds N [--first S]    the seeds S … S+N-1 (S is 1); says which failed, and why
 *     sim --seed S [--steps K]     one seed, told in detail; its files stay where it fails
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/personality.h>
#include <time.h>

#include "scenario.h"

enum { SHRINK_TRIES = 12, FAILURES_MAX = 5 };

struct arguments {
    uint64_t first, count, seed;
    unsigned steps;
    bool one;
};

static void usage(void)
{
    fprintf(stderr, "usage: sim --seeds N [--first S] | --seed S [--steps K]\n");
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;
    errno = 0;
    uint64_t n = strtoull(text, &end, 10);
    if (errno || *end || end == text)
        usage();
    return n;
}

static struct arguments parse(int argc, char **argv)
{
    static const struct option options[] = {{"seeds", required_argument, NULL, 'n'},
                                            {"first", required_argument, NULL, 'f'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"steps", required_argument, NULL, 'k'},
                                            {0}};
    struct arguments a = {.first = 1, .count = 200};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'n': a.count = number(optarg); break;
        case 'f': a.first = number(optarg); break;
        case 's':
            a.seed = number(optarg);
            a.one = true;
            break;
        case 'k': a.steps = (unsigned)number(optarg); break;
        default: usage();
        }
    }
    if (optind < argc)
        usage();
    return a;
}

/* Routes order sources by address: the same seed is the same life only at the same addresses. */
static void fix_addresses(char **argv)
{
    int now = personality(0xffffffff);
    if (now < 0 || now & ADDR_NO_RANDOMIZE || personality((unsigned)now | ADDR_NO_RANDOMIZE) < 0)
        return;
    execv("/proc/self/exe", argv);
}

static void make_directory(char *to, size_t size)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
    snprintf(to, size, "%s/tallyman-sim.%d", base ? base : "/tmp", (int)getpid());
}

/* Looks for the fewest steps after which it fails. */
static unsigned shrink(struct scenario_options options, unsigned failing)
{
    struct scenario_result result;
    struct error error = {""};
    unsigned low = 0, high = failing;
    for (int i = 0; i < SHRINK_TRIES && low + 1 < high; i++) {
        options.steps = low + (high - low) / 2;
        if (scenario_run(&options, &result, &error))
            high = options.steps;
        else
            low = options.steps;
    }
    return high;
}

static bool run_one(const char *directory, const struct arguments *a)
{
    struct scenario_options options = {
        .seed = a->seed, .steps = a->steps, .directory = directory, .verbose = true};
    struct scenario_result result;
    struct error error = {""};
    if (scenario_run(&options, &result, &error) == 0) {
        printf("seed %" PRIu64 ": good\n", a->seed);
        return true;
    }
    printf("seed %" PRIu64 ", step %u: %s\nfiles: %s\n", a->seed, result.steps, error.text,
           directory);
    return false;
}

static uint64_t run_many(const char *directory, const struct arguments *a)
{
    uint64_t failures = 0, lives = 0, kills = 0, lines = 0, done = 0;
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (; done < a->count && failures < FAILURES_MAX; done++) {
        struct scenario_options options = {.seed = a->first + done, .directory = directory};
        struct scenario_result result;
        struct error error = {""};
        if (scenario_run(&options, &result, &error)) {
            failures++;
            printf("seed %" PRIu64 ", step %u: %s\n", options.seed, result.steps, error.text);
            printf("  sim --seed %" PRIu64 " --steps %u\n", options.seed,
                   shrink(options, result.steps));
            fflush(stdout);
        }
        lives += result.lives;
        kills += result.kills;
        lines += result.lines;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%" PRIu64 " seeds, %" PRIu64 " failed: %" PRIu64 " lives, %" PRIu64
           " of them killed, %" PRIu64 " lines, %.1f s\n",
           done, failures, lives, kills, lines,
           (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
    return failures;
}

int main(int argc, char **argv)
{
    fix_addresses(argv);
    struct arguments a = parse(argc, argv);
    char directory[PATH_MAX];
    make_directory(directory, sizeof(directory));
    if (a.one)
        return run_one(directory, &a) ? 0 : 1;
    return run_many(directory, &a) == 0 ? 0 : 1;
}
