// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/journal_files.h"
#include "agent/monitor_private.h"
#include "base/clock.h"

/* Which source a container gets: what is around it is looked at, docker/log_path.h decides. */

/* Tried, since only that respects capabilities: -EACCES, or 0 also where there is nothing. */
static int try_to_open(const char *path, int flags)
{
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags);
    return fd < 0 && (errno == EACCES || errno == EPERM) ? -EACCES : 0;
}

/* With stat and not with access, which knows nothing of capabilities. */
static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static bool is_missing(const char *path)
{
    return !exists(path) && (errno == ENOENT || errno == ENOTDIR);
}

/* The path without its last component. */
static void directory_of(const char *path, char directory[PATH_BYTES_MAX])
{
    const char *slash = strrchr(path, '/');
    snprintf(directory, PATH_BYTES_MAX, "%.*s", slash ? (int)(slash - path) : 0, path);
}

static bool may_be_read(const struct log_place *place)
{
    char directory[PATH_BYTES_MAX];
    directory_of(place->path, directory);
    return try_to_open(place->path, 0) == 0 && try_to_open(directory, O_DIRECTORY) == 0;
}

static bool is_in_directories(enum log_kind kind)
{
    return kind == LOG_KIND_JSON_FILE || kind == LOG_KIND_LOCAL || kind == LOG_KIND_CACHE;
}

bool monitor_reads_directories(const struct tracked *t)
{
    return t->slot && is_in_directories(t->kind);
}

void monitor_look_for_journal(struct monitor *m)
{
    m->journal = journal_files_usable(m->options.journal_directory, m->root != ROOT_NONE);
}

static struct log_surroundings look_around(const struct monitor *m, const struct tracked *t)
{
    char path[PATH_BYTES_MAX];
    int size = snprintf(path, sizeof(path), "%s/%s/container-cached.log",
                        m->containers_directory ? m->containers_directory : "", t->id);
    return (struct log_surroundings){
        .root = monitor_engine_decides(m) ? NULL : m->options.docker_root,
        .cache_present = m->containers_directory && log_place_minds_cache(t->container) &&
                         size < (int)sizeof(path) && exists(path),
        .journal = m->journal,
        .engine = m->engine_configured,
        .spools = m->options.spools,
    };
}

void monitor_set_unreadable(struct monitor *m, struct tracked *t, bool unreadable)
{
    char reason[HEALTH_REASON_MAX];
    const char *where = m->containers_directory ? m->containers_directory : "";
    if (t->unreadable == unreadable)
        return;
    t->unreadable = unreadable;
    m->unreadable += unreadable ? 1 : -1;
    if (m->unreadable == 0) {
        health_clear(m->options.health, "files.unreadable", where);
        return;
    }
    snprintf(reason, sizeof(reason),
             "uid %d may not read the log files in it: run as root, or give it "
             "CAP_DAC_READ_SEARCH; %s",
             (int)geteuid(),
             m->engine_configured ? "until then the Engine is asked to stream the logs"
                                  : "until then they are not read");
    health_raise(m->options.health, "files.unreadable", where, reason);
}

void monitor_check_readable(struct monitor *m, struct tracked *t)
{
    struct log_surroundings around = look_around(m, t);
    struct log_place place;
    if (log_place_of(&place, t->container, &around, NULL) == 0 && is_in_directories(place.kind))
        monitor_set_unreadable(m, t, !may_be_read(&place));
}

static const char driver_code[] = "container.driver";

void monitor_forget_driver(struct monitor *m, struct tracked *t)
{
    if (t->outdated)
        health_clear(m->options.health, driver_code, t->id);
    t->outdated = false;
}

/* Would a source that begins now read what its log driver writes, other than the one it has? */
static bool is_outdated(const struct monitor *m, const struct tracked *t)
{
    struct log_place place;
    if (!t->slot || log_kind_serves(t->kind, t->container))
        return false;
    struct log_surroundings around = look_around(m, t);
    return log_place_of(&place, t->container, &around, NULL) == 0 && place.kind != LOG_KIND_NONE;
}

void monitor_check_driver(struct monitor *m, struct tracked *t)
{
    char reason[HEALTH_REASON_MAX];
    if (!is_outdated(m, t)) {
        monitor_forget_driver(m, t);
        return;
    }
    snprintf(reason, sizeof(reason),
             "%s was begun with %s and has the log driver %s now, of which nothing is read: once "
             "what it wrote before is delivered, restart tallyman",
             t->container->name, log_kind_word(t->kind), t->container->log_driver);
    health_raise(m->options.health, driver_code, t->id, reason);
    t->outdated = true;
}

/* Does `local` have its directory, which its first start makes? */
static bool is_there(const struct monitor *m, const struct log_place *place,
                     const struct known_source *known)
{
    char directory[PATH_BYTES_MAX];
    if (place->kind != LOG_KIND_LOCAL || known || m->root != ROOT_THERE)
        return true;
    directory_of(place->path, directory);
    return !is_missing(directory);
}

/* Where the files are not in the container's own directory, which is watched already. */
static void watch_directory(struct monitor *m, struct tracked *t, const struct log_place *place)
{
    char directory[PATH_BYTES_MAX];
    directory_of(place->path, directory);
    t->unwatched |= !monitor_watch_names(m, directory, t->id);
}

/* What was begun from files goes on from them, though they may not be read now, and what was begun
 * as a stream stays one: nothing is read twice. */
static struct log_surroundings surroundings_of(const struct monitor *m, const struct tracked *t,
                                               const struct known_source *known)
{
    struct log_surroundings around = look_around(m, t);
    if (monitor_has_spool(m, t->id))
        return (struct log_surroundings){.engine = true, .spools = around.spools};
    if (known && m->containers_directory)
        around.root = m->options.docker_root;
    return around;
}

/* *ret_forbidden: its files are there, and may not be read. */
static int open_place(struct monitor *m, struct tracked *t, const struct known_source *known,
                      const struct log_surroundings *around, bool *ret_forbidden,
                      struct error *error)
{
    struct log_place place = {0};
    *ret_forbidden = false;
    int r = log_place_of(&place, t->container, around, error);
    t->kind = place.kind;
    if (r == 0 && place.kind == LOG_KIND_STREAM)
        r = monitor_stream_want(m, t, error);
    if (r < 0 || place.kind == LOG_KIND_NONE || !is_there(m, &place, known))
        return r;
    if (place.kind == LOG_KIND_LOCAL || place.kind == LOG_KIND_STREAM)
        watch_directory(m, t, &place);
    r = tracked_open_source(t, &m->shared, &place, known, error);
    bool in_directories = is_in_directories(place.kind);
    if (r < 0 || !t->chain || (in_directories && m->root != ROOT_THERE))
        return r;
    int looked = tracked_first_look(t);
    bool refused = looked == -EACCES || looked == -EPERM;
    if (in_directories) /* what is known is found again without being opened */
        *ret_forbidden = refused || (known && !may_be_read(&place));
    return 0;
}

/* Whether files may be read shows when they are looked into: the answer is nearly always yes. */
int monitor_open_source(struct monitor *m, struct tracked *t, struct error *error)
{
    if (t->slot || strcmp(t->id, m->own_id) == 0)
        return 0;
    const struct known_source *known = known_find(m->options.known, t->id);
    struct log_surroundings around = surroundings_of(m, t, known);
    bool forbidden;
    int r = open_place(m, t, known, &around, &forbidden, error);
    if (is_in_directories(t->kind) && m->root == ROOT_THERE)
        monitor_set_unreadable(m, t, forbidden);
    if (forbidden && !known && around.engine) {
        tracked_close_source(t);
        around.root = NULL;
        r = open_place(m, t, known, &around, &forbidden, error);
    }
    m->roster_stale |= t->slot != NULL;
    return r;
}

void monitor_vanished(struct monitor *m, struct tracked *t)
{
    t->vanished = true;
    if (!t->slot) {
        monitor_forget(m, t);
        return;
    }
    if (t->kind == LOG_KIND_JOURNALD)
        t->gone = t->publish_wanted = true;
    if (t->kind == LOG_KIND_STREAM) {
        monitor_stream_tell(m, t);
        monitor_streams_changed(m);
    }
    t->chain_stale = true;
    monitor_mark_stale(m, t);
}
