// SPDX-License-Identifier: Apache-2.0
#include "world_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/rfc3339.h"

void world_fail(const char *call)
{
    fprintf(stderr, "sim: %s: %s\n", call, strerror(errno));
    exit(2);
}

void world_trace(const struct world *w, const struct simulated *c, const char *format, ...)
{
    if (!w->trace)
        return;
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "world: %lld container %u ", (long long)w->now_ns, c->number);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void world_between(struct world *w)
{
    if (w->between)
        w->between(w->context);
}

static void make_directory(const char *path)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        world_fail(path);
}

void world_init(struct world *w, const char *root, uint64_t seed)
{
    char path[PATH_MAX + 16];
    *w = (struct world){.random = {seed}, .now_ns = INT64_C(1764000000) * NS_PER_SECOND};
    snprintf(w->root, sizeof(w->root), "%s", root);
    make_directory(root);
    snprintf(path, sizeof(path), "%s/containers", root);
    make_directory(path);
    w->damages = random_chance(&w->random, 50) ? 0 : (unsigned)random_below(&w->random, 12);
    w->crashes = random_chance(&w->random, 25);
    w->truncates = random_chance(&w->random, 25);
    w->long_lines = random_chance(&w->random, 3);
}

void world_deinit(struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        struct simulated *c = &w->containers[i];
        c->fd = close_fd(c->fd);
        buf_deinit(&c->packed);
        history_deinit(&c->history);
    }
}

/* Written aside and renamed, as Docker does. */
static void put_file(const struct simulated *c, const char *name, const char *text)
{
    char aside[PATH_MAX + 64], path[PATH_MAX + 64];
    snprintf(aside, sizeof(aside), "%s/.tmp-%s1", c->directory, name);
    snprintf(path, sizeof(path), "%s/%s", c->directory, name);
    CLEANUP(close_fd) int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FAILS_NEVER(fd);
    FAILS_NEVER(write(fd, text, strlen(text)));
    FAILS_NEVER(rename(aside, path));
}

static void put_config(const struct simulated *c, bool dead)
{
    char text[1024], created[RFC3339_SIZE];
    rfc3339_format(created, c->created_ns);
    snprintf(text, sizeof(text),
             "{\"ID\":\"%s\",\"Name\":\"/name-%u\",\"Created\":\"%.*s\","
             "\"Config\":{\"Image\":\"sim\"},\"State\":{\"Running\":%s,\"Dead\":%s,"
             "\"StartedAt\":\"2025-11-24T00:00:01Z\"}}\n",
             c->id, c->name, RFC3339_SIZE, created, c->running ? "true" : "false",
             dead ? "true" : "false");
    put_file(c, "config.v2.json", text);
}

static void put_host_config(const struct simulated *c)
{
    static const char *const words[DRIVER_COUNT] = {"json-file", "local", "syslog"};
    char text[128], max_size[64] = "";
    if (c->max_size)
        snprintf(max_size, sizeof(max_size), "\"max-size\":\"%llu\"",
                 (unsigned long long)c->max_size);
    snprintf(text, sizeof(text), "{\"LogConfig\":{\"Type\":\"%s\",\"Config\":{%s}}}\n",
             words[c->driver], max_size);
    put_file(c, "hostconfig.json", text);
}

static void local_directory(const struct simulated *c, char to[PATH_MAX + 64])
{
    snprintf(to, PATH_MAX + 64, "%s/" LOCAL_DIRECTORY, c->directory);
}

static void make_local_directory(const struct simulated *c)
{
    char path[PATH_MAX + 64];
    local_directory(c, path);
    make_directory(path);
}

static void remove_local_directory(const struct simulated *c)
{
    char path[PATH_MAX + 64];
    local_directory(c, path);
    FAILS_NEVER(rmdir(path));
}

static void create(struct world *w)
{
    static const uint64_t sizes[] = {0, 300, 1000, 1000, 4000, 20000};
    struct simulated *c = &w->containers[w->count];
    struct random *r = &w->random;
    *c = (struct simulated){.number = (unsigned)w->count, .present = true, .running = true};
    c->created_ns = w->now_ns;
    c->max_size = sizes[random_below(r, ARRAY_SIZE(sizes))];
    c->max_file = 1 + (int)random_below(r, 4);
    c->compress = c->max_file > 1 && random_chance(r, 60);
    c->unlinks_only = random_chance(r, 50);
    c->driver = (enum driver)random_below(r, DRIVER_COUNT);
    c->history.number = c->number;
    c->names.live = -1;
    for (int i = 0; i < WORLD_FILES_MAX; i++)
        c->names.plain[i] = c->names.packed[i] = -1;
    for (int i = 0; i < STREAM_COUNT; i++)
        c->writing[i].line = HISTORY_NONE;
    for (int i = 0; i < CONTAINER_ID_SIZE; i++)
        c->id[i] = "0123456789abcdef"[random_below(r, 16)];
    char
        directory[sizeof(c->directory)]; /* gcc cannot see that root and directory do not overlap */
    snprintf(directory, sizeof(directory), "%.3000s/containers/%s", w->root, c->id);
    memcpy(c->directory, directory, sizeof(directory));
    w->count++;
    world_trace(w, c, "is created: max-size %llu, max-file %d%s %.12s",
                (unsigned long long)c->max_size, c->max_file, c->compress ? ", compress" : "",
                c->id);
    make_directory(c->directory);
    world_between(w);
    put_host_config(c);
    put_config(c, false);
    if (c->driver == DRIVER_LOCAL) {
        world_between(w);
        make_local_directory(c);
    }
    c->told = true;
    world_between(w);
    rotation_open(w, c, true);
}

static void restart(struct world *w, struct simulated *c)
{
    world_trace(w, c, "is restarted");
    if (w->crashes)
        rotation_abandon(w, c);
    writing_end_lines(w, c);
    c->fd = close_fd(c->fd);
    c->running = false;
    put_config(c, false);
    world_between(w);
    c->running = true;
    put_config(c, false);
    rotation_open(w, c, true);
}

static void remove_container(struct world *w, struct simulated *c)
{
    static const char *const records[] = {"config.v2.json", "hostconfig.json"};
    char path[PATH_MAX + 64];
    writing_end_lines(w, c);
    world_trace(w, c, "is removed");
    c->fd = close_fd(c->fd);
    c->running = false;
    put_config(c, true);
    world_between(w);
    c->told = false;
    for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
        snprintf(path, sizeof(path), "%s/%s", c->directory, records[i]);
        FAILS_NEVER(unlink(path));
    }
    c->history.excuses[GAP_REMOVED] += rotation_due(c); /* who knows that it was not rotated? */
    rotation_remove(w, c);
    if (c->driver == DRIVER_LOCAL) {
        remove_local_directory(c);
        world_between(w);
    }
    FAILS_NEVER(rmdir(c->directory));
    c->present = false;
}

static void rename_container(struct world *w, struct simulated *c)
{
    c->name++;
    world_trace(w, c, "is renamed to name-%u", c->name);
    put_config(c, false);
}

static void write_burst(struct world *w, struct simulated *c)
{
    unsigned count = 1 + (unsigned)random_below(&w->random, random_chance(&w->random, 10) ? 40 : 6);
    world_trace(w, c, "writes %u records from %llu on", count, (unsigned long long)c->size);
    for (unsigned i = 0; i < count; i++)
        writing_record(w, c);
}

static struct simulated *some_present(struct world *w)
{
    for (int i = 0; i < 10; i++) {
        struct simulated *c = &w->containers[random_below(&w->random, w->count)];
        if (c->present)
            return c;
    }
    return NULL;
}

void world_happen(struct world *w)
{
    if (w->count == 0 || (w->count < WORLD_CONTAINERS_MAX && random_chance(&w->random, 2))) {
        create(w);
        return;
    }
    struct simulated *c = some_present(w);
    uint64_t chance = random_below(&w->random, 1000);
    w->now_ns += (int64_t)random_below(&w->random, 50) * NS_PER_MS;
    if (!c)
        return;
    if (random_chance(&w->random, w->damages))
        writing_damage(w, c);
    else if (chance < 650)
        write_burst(w, c);
    else if (chance < 850)
        rotation_pack(w, c);
    else if (chance < 900)
        restart(w, c);
    else if (chance < 930)
        rename_container(w, c);
    else if (chance < 960)
        remove_container(w, c);
    else if (chance < 970 && w->truncates)
        writing_truncate(w, c);
}

void world_begins(struct world *w)
{
    for (size_t i = 0; i < w->count; i++)
        w->containers[i].late |= !w->containers[i].present && !w->containers[i].attached;
}

void world_seen(struct world *w)
{
    w->watched = true;
    for (size_t i = 0; i < w->count; i++) {
        struct simulated *c = &w->containers[i];
        if (!c->present || (!c->told && !c->seen))
            continue;
        c->known = true;
        for (size_t k = c->unsure; k < c->history.line_count; k++)
            c->history.lines[k].name_newest = c->name;
        c->unsure = c->running ? SIZE_MAX : c->history.line_count;
        c->name_seen = c->name;
        for (size_t k = 0; k < c->history.generation_count; k++)
            if (c->history.generations[k].names)
                c->seen = c->history.generations[k].seen = true;
    }
}

void world_glimpsed(struct world *w)
{
    for (size_t i = 0; i < w->count; i++)
        w->containers[i].maybe_nameless |= !w->containers[i].known;
}

void world_unwatched(struct world *w, bool links)
{
    w->watched = false;
    for (size_t i = 0; i < w->count; i++) {
        struct history *h = &w->containers[i].history;
        size_t newest = history_newest_seen(h);
        for (size_t k = newest + 1; history_misleads(h) && k < h->generation_count; k++)
            if (!h->generations[k].names)
                h->generations[k].may_be_lost |= LOSS_UNKNOWN;
        h->excuses[GAP_ROTATED]++; /* the newest file that is known may be gone: was it the last? */
        if (links)
            continue;
        h->excuses[GAP_ROTATED]++; /* nobody knows whether a generation that is gone had grown */
        h->excuses[GAP_REMOVED]++;
        for (size_t k = 0; k < h->generation_count; k++) {
            struct generation *g = &h->generations[k];
            if (g->only_descriptor)
                g->may_be_lost |= LOSS(GAP_ROTATED) | LOSS(GAP_REMOVED);
            g->seen = false;
        }
    }
}

void world_tell(const struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct history *h = &w->containers[i].history;
        for (size_t k = 0; k < h->generation_count; k++)
            fprintf(stderr, "container %zu generation %zu: names %u%s%s, may be lost %x\n", i, k,
                    h->generations[k].names, h->generations[k].seen ? " seen" : "",
                    h->generations[k].only_descriptor ? " by descriptor" : "",
                    h->generations[k].may_be_lost);
        for (size_t k = 0; k < h->record_count; k++)
            fprintf(stderr, "container %zu record %zu: %lld %s generation %u, %llu of %llu\n", i, k,
                    (long long)h->lines[h->records[k].line].time_ns,
                    stream_word(h->lines[h->records[k].line].stream), h->records[k].generation,
                    (unsigned long long)h->records[k].from,
                    (unsigned long long)h->lines[h->records[k].line].size);
    }
}
