// SPDX-License-Identifier: Apache-2.0
#include "docker/log_path.h"

#include "base/rfc3339.h"
#include "model/container_fold.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

const char *log_kind_word(enum log_kind kind)
{
    switch (kind) {
    case LOG_KIND_JSON_FILE: return "json-file";
    case LOG_KIND_LOCAL: return "local";
    case LOG_KIND_CACHE: return "cache";
    case LOG_KIND_JOURNALD: return "journald";
    case LOG_KIND_STREAM: return "stream";
    case LOG_KIND_NONE:
    case LOG_KIND_COUNT: break;
    }
    return "none";
}

/* Docker's own drivers that only send: what they take is read back from the cache, or not at all.
 */
static bool only_sends(const char *driver)
{
    static const char *const drivers[] = {"awslogs", "etwlogs",    "fluentd", "gcplogs",
                                          "gelf",    "logentries", "splunk",  "syslog"};
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        if (strcmp(driver, drivers[i]) == 0)
            return true;
    return false;
}

bool log_place_minds_cache(const struct container *c)
{
    return strcmp(c->log_driver, "json-file") != 0 && strcmp(c->log_driver, "local") != 0;
}

bool log_kind_serves(enum log_kind kind, const struct container *c)
{
    switch (kind) {
    case LOG_KIND_JSON_FILE: return strcmp(c->log_driver, "json-file") == 0;
    case LOG_KIND_LOCAL: return strcmp(c->log_driver, "local") == 0;
    case LOG_KIND_JOURNALD: return strcmp(c->log_driver, "journald") == 0;
    case LOG_KIND_CACHE: return log_place_minds_cache(c);
    case LOG_KIND_STREAM: /* the Engine reads for us, whatever it is */
    case LOG_KIND_NONE:
    case LOG_KIND_COUNT: break;
    }
    return true;
}

static enum log_kind kind_of(const struct container *c, const struct log_surroundings *around)
{
    const char *driver = c->log_driver;
    bool files = around->root != NULL;

    if (strcmp(driver, "none") == 0 || (only_sends(driver) && c->cache_disabled))
        return LOG_KIND_NONE;
    if (files && strcmp(driver, "json-file") == 0)
        return LOG_KIND_JSON_FILE;
    if (files && strcmp(driver, "local") == 0)
        return LOG_KIND_LOCAL;
    if (around->journal && strcmp(driver, "journald") == 0)
        return LOG_KIND_JOURNALD;
    /* A dockerd built without the journal keeps the cache for journald too. */
    if (files && (around->cache_present || only_sends(driver)))
        return LOG_KIND_CACHE;
    /* A plugin may keep a cache or not: its first start tells, which makes the file. */
    if (files && c->started_ns == RFC3339_ZERO_NS)
        return LOG_KIND_NONE;
    return around->engine ? LOG_KIND_STREAM : LOG_KIND_NONE;
}

/* Below `root`, and not by way of "..". */
static bool inside(const char *root, const char *path)
{
    size_t size = strlen(root);

    while (size > 0 && root[size - 1] == '/')
        size--;
    if (strncmp(path, root, size) != 0 || path[size] != '/')
        return false;
    for (const char *at = path; (at = strstr(at, "/..")) != NULL; at += 3)
        if (at[3] == '/' || at[3] == '\0')
            return false;
    return true;
}

static int format_path(struct log_place *place, const struct container *c,
                       const struct log_surroundings *around)
{
    const char *root = around->root, *path;
    char room[CONTAINER_LOG_PATH_MAX];
    switch (place->kind) {
    case LOG_KIND_JSON_FILE:
        /* S6. Seen through a mount, Docker's path may mean nothing here. */
        path = container_log_path(c, room);
        if (inside(root, path))
            return snprintf(place->path, sizeof(place->path), "%s", path);
        return snprintf(place->path, sizeof(place->path), "%s/containers/%s/%s-json.log", root,
                        c->id, c->id);
    case LOG_KIND_LOCAL:
        return snprintf(place->path, sizeof(place->path),
                        "%s/containers/%s/local-logs/container.log", root, c->id);
    case LOG_KIND_CACHE:
        return snprintf(place->path, sizeof(place->path), "%s/containers/%s/container-cached.log",
                        root, c->id);
    case LOG_KIND_STREAM:
        return around->spools ? snprintf(place->path, sizeof(place->path), "%s/%s/container.log",
                                         around->spools, c->id)
                              : 0;
    case LOG_KIND_NONE:
    case LOG_KIND_JOURNALD:
    case LOG_KIND_COUNT: break;
    }
    return 0;
}

int log_place_of(struct log_place *ret, const struct container *c,
                 const struct log_surroundings *around, struct error *error)
{
    struct log_place place = {.kind = kind_of(c, around)};
    int size = format_path(&place, c, around);

    if (size < 0 || size >= PATH_BYTES_MAX)
        return error_set(error, -ENAMETOOLONG, "container %.12s: the path of its log has %d bytes",
                         c->id, size);
    *ret = place;
    return 0;
}

static enum log_name name_after(const char *name, const char *live)
{
    size_t size = strlen(live);
    if (strncmp(name, live, size) != 0)
        return LOG_NAME_OTHER;
    return name[size] == '\0'  ? LOG_NAME_LIVE
           : name[size] == '.' ? LOG_NAME_ROTATED
                               : LOG_NAME_OTHER;
}

enum log_name log_name_of(enum log_kind kind, const char *id, const char *name)
{
    switch (kind) {
    case LOG_KIND_JSON_FILE:
        return strncmp(name, id, CONTAINER_ID_SIZE) == 0
                   ? name_after(name + CONTAINER_ID_SIZE, "-json.log")
                   : LOG_NAME_OTHER;
    case LOG_KIND_LOCAL:
    case LOG_KIND_STREAM: return name_after(name, "container.log");
    case LOG_KIND_CACHE: return name_after(name, "container-cached.log");
    case LOG_KIND_NONE:
    case LOG_KIND_JOURNALD:
    case LOG_KIND_COUNT: break;
    }
    return LOG_NAME_OTHER;
}

int log_place_check(const struct log_place *place)
{
    struct stat st;

    if (place->path[0] == '\0')
        return LOG_PLACE_E_WAIT;
    if (stat(place->path, &st) == 0)
        return S_ISREG(st.st_mode) ? 0 : -EINVAL;
    return errno == ENOENT || errno == ENOTDIR ? LOG_PLACE_E_WAIT : -errno;
}
