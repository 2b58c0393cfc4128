// SPDX-License-Identifier: Apache-2.0
#include "scenario.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "life.h"
#include "power.h"
#include "verdict.h"
#include "world.h"

enum {
    STEPS_MIN = 30,
    STEPS_SPREAD = 200,
    POINTS_SPREAD = 120,
    QUIET_ROUNDS = 6,
    ROUNDS_MAX = 600,
};

struct scenario {
    const struct scenario_options *options;
    struct scenario_result *result;
    struct world world;
    struct random random; /* for tallyman's turns */
    struct random cuts;   /* for what the power does */
    const char *outputs;  /* their directory */
    struct life life;
    struct life_options life_options;
    struct life_state state;
    struct verdict_options verdict;
    bool busy;   /* tallyman is stopped in the middle, or the world is being worked on from there */
    bool opened; /* LIFE_OPEN is over */
    int failed;
    struct error *error;
};

static void mourn(struct scenario *s, bool asked)
{
    life_kill(&s->life);
    s->opened = false;
    s->result->kills += asked;
    world_unwatched(&s->world, !s->life_options.refuse_links);
    bool cut = asked && s->life_options.sync_later && random_chance(&s->cuts, 60);
    if (cut)
        power_cut(s->verdict.ledger, s->outputs);
    if (s->options->verbose)
        fprintf(stderr, "sim: tallyman is dead%s\n", cut ? ", the power was cut" : "");
    if (!s->failed)
        s->failed = verdict_reach(&s->world, &s->verdict, s->error);
}

static bool is_look(enum life_deed deed)
{
    return deed == LIFE_OPEN || deed == LIFE_MONITOR;
}

/* It stands before a system call: it is killed there, or the world moves on first. */
static void when_stopped(struct scenario *s, enum life_deed deed, int *answer)
{
    while (*answer == LIFE_STOPPED) {
        if (s->options->verbose)
            fprintf(stderr, "sim: tallyman stands still\n");
        if (random_chance(&s->random, 40)) {
            if (is_look(deed))
                world_glimpsed(&s->world);
            mourn(s, true);
            return;
        }
        s->world.midway = true;
        for (uint64_t i = 1 + random_below(&s->random, 3); i > 0; i--)
            world_happen(&s->world);
        s->world.midway = false;
        unsigned again =
            random_chance(&s->random, 30) ? 1 + (unsigned)random_below(&s->random, 20) : 0;
        *answer = life_do(&s->life, LIFE_GO_ON, s->world.now_ns, again, &s->state, s->error);
    }
}

/* One thing is done; `stops`: perhaps not at once. */
static void do_deed(struct scenario *s, enum life_deed deed, bool stops)
{
    unsigned stop_at = 0;
    if (stops && random_chance(&s->random, deed == LIFE_OPEN ? 40 : 12))
        stop_at = 1 + (unsigned)random_below(&s->random, POINTS_SPREAD);
    if (s->options->verbose)
        fprintf(stderr, "sim: %s\n",
                deed == LIFE_OPEN      ? "open"
                : deed == LIFE_MONITOR ? "monitor"
                : deed == LIFE_ROUTE   ? "route"
                                       : "close");
    s->busy = true;
    int answer = life_do(&s->life, deed, s->world.now_ns, stop_at, &s->state, s->error);
    bool stopped = answer == LIFE_STOPPED;
    if (stopped)
        when_stopped(s, deed, &answer);
    s->busy = false;
    if (answer < 0) {
        s->failed = answer;
        return;
    }
    if (!s->life.pid)
        return;
    s->opened |= deed == LIFE_OPEN;
    if (!stopped && is_look(deed))
        world_seen(&s->world);
}

static void begin_life(struct scenario *s, bool stops)
{
    world_begins(&s->world);
    s->failed = life_begin(&s->life, &s->life_options, s->error);
    s->result->lives++;
    if (!s->failed)
        do_deed(s, LIFE_OPEN, stops);
}

/* The world is in the middle of something: tallyman may come between. */
static void between(void *context)
{
    struct scenario *s = context;
    if (s->busy || s->failed || !s->opened || !random_chance(&s->random, 25))
        return;
    do_deed(s, random_chance(&s->random, 50) ? LIFE_MONITOR : LIFE_ROUTE, false);
}

static void close_life(struct scenario *s)
{
    s->busy = true;
    if (s->options->verbose)
        fprintf(stderr, "sim: close\n");
    int r = life_do(&s->life, LIFE_CLOSE, s->world.now_ns, 0, &s->state, s->error);
    s->busy = false;
    if (r < 0)
        s->failed = r;
    else
        mourn(s, false);
}

static void turn(struct scenario *s)
{
    uint64_t chance = random_below(&s->random, 100);
    if (chance < 45) {
        world_happen(&s->world);
        return;
    }
    s->world.now_ns += (int64_t)random_below(&s->random, 400) * NS_PER_MS;
    if (!s->life.pid) {
        if (chance < 70)
            begin_life(s, true);
        return;
    }
    if (chance < 68)
        do_deed(s, LIFE_MONITOR, true);
    else if (chance < 95)
        do_deed(s, LIFE_ROUTE, true);
    else if (chance < 97)
        mourn(s, true);
    else if (chance < 98)
        close_life(s);
    else
        s->world.now_ns += (int64_t)random_below(&s->random, 100) * NS_PER_SECOND;
}

/* The world stands still until tallyman has nothing to do any more. */
static void come_to_rest(struct scenario *s)
{
    struct life_state before = {0};
    int quiet = 0;
    if (!s->life.pid)
        begin_life(s, false);
    for (int i = 0; i < ROUNDS_MAX && quiet < QUIET_ROUNDS && !s->failed; i++) {
        s->world.now_ns += 1100 * NS_PER_MS;
        do_deed(s, LIFE_MONITOR, false);
        if (!s->failed)
            do_deed(s, LIFE_ROUTE, false);
        bool same = before.lines == s->state.lines && before.bytes == s->state.bytes &&
                    before.gaps == s->state.gaps && s->state.timeout_ns == INT64_MAX;
        quiet = same ? quiet + 1 : 0;
        before = s->state;
    }
    if (!s->failed && quiet < QUIET_ROUNDS)
        s->failed = error_set(s->error, -ETIMEDOUT, "it never comes to rest%s",
                              s->state.failing ? ": the route fails" : "");
    s->verdict.all_read = true;
    if (s->failed)
        return;
    if (random_chance(&s->random, 50))
        mourn(s, true);
    else
        close_life(s);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *place)
{
    return remove(path);
}

static void empty(const char *directory)
{
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

struct paths {
    char root[PATH_MAX], state[PATH_MAX], outputs[PATH_MAX], output[PATH_MAX], ledger[PATH_MAX];
};

static void make_paths(const char *directory, struct paths *ret)
{
    snprintf(ret->root, sizeof(ret->root), "%s/docker", directory);
    snprintf(ret->state, sizeof(ret->state), "%s/state", directory);
    snprintf(ret->outputs, sizeof(ret->outputs), "%s/out", directory);
    snprintf(ret->output, sizeof(ret->output), "%s/out/{container_id}.log", directory);
    snprintf(ret->ledger, sizeof(ret->ledger), "%s/state/route.db", directory);
    empty(directory);
    mkdir(directory, 0700);
    mkdir(ret->state, 0700);
}

/* By dice of their own: what else happens is the same with and without. */
static void choose_rotation(uint64_t seed, struct life_options *options)
{
    struct random dice = {seed ^ UINT64_C(0x726f7461)};
    if (random_chance(&dice, 60))
        return;
    options->output_bytes_max = INT64_C(300) << random_below(&dice, 5);
    options->compress = random_chance(&dice, 50);
}

/* Where outputs are rotated too, more than the ledger would have to be undone. */
static void choose_syncs(uint64_t seed, struct scenario *s)
{
    s->cuts.state = seed ^ UINT64_C(0x706f7765);
    s->life_options.sync_later =
        random_chance(&s->cuts, 40) && s->life_options.output_bytes_max == 0;
}

int scenario_run(const struct scenario_options *options, struct scenario_result *ret,
                 struct error *error)
{
    struct paths paths;
    make_paths(options->directory, &paths);
    *ret = (struct scenario_result){0};
    struct scenario s = {.options = options, .result = ret, .error = error};
    s.random.state = options->seed ^ UINT64_C(0x7461696c);
    world_init(&s.world, paths.root, options->seed);
    s.world.trace = options->verbose;
    s.world.between = between;
    s.world.context = &s;
    s.verdict.ledger = paths.ledger;
    s.life_options = (struct life_options){
        .docker_root = paths.root,
        .state = paths.state,
        .output = paths.output,
        .batch_age_ns = random_chance(&s.random, 50) ? 0 : NS_PER_SECOND,
        .refuse_links = random_chance(&s.random, 35),
        .verbose = options->verbose,
    };
    s.outputs = paths.outputs;
    choose_rotation(options->seed, &s.life_options);
    choose_syncs(options->seed, &s);
    unsigned steps = STEPS_MIN + (unsigned)random_below(&s.random, STEPS_SPREAD);
    if (options->steps)
        steps = options->steps;
    if (options->verbose)
        fprintf(stderr, "sim: %u steps, pins by %s, batch.age %lld s, outputs of %lld bytes%s%s\n",
                steps, s.life_options.refuse_links ? "descriptor" : "link",
                (long long)(s.life_options.batch_age_ns / NS_PER_SECOND),
                (long long)s.life_options.output_bytes_max,
                s.life_options.compress ? ", compressed" : "",
                s.life_options.sync_later ? ", synced later" : "");
    for (ret->steps = 0; ret->steps < steps && !s.failed; ret->steps++)
        turn(&s);
    if (!s.failed)
        come_to_rest(&s);
    life_kill(&s.life);
    if (s.failed && options->verbose)
        world_tell(&s.world);
    for (size_t i = 0; i < s.world.count; i++)
        ret->lines += s.world.containers[i].history.line_count;
    world_deinit(&s.world);
    if (!s.failed || !options->verbose)
        empty(options->directory);
    return s.failed;
}
