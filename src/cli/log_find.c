// SPDX-License-Identifier: Apache-2.0
#include "cli/log_find.h"

#include "agent/journal_files.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Tried, since only that respects capabilities. */
static bool may_be_opened(const char *path)
{
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fd >= 0 || (errno != EACCES && errno != EPERM);
}

/* The directories of the containers, by this user. */
static bool may_be_listed(const char *docker_root)
{
    char path[PATH_BYTES_MAX];
    int size = snprintf(path, sizeof(path), "%s/containers", docker_root);
    if (size >= (int)sizeof(path))
        return false;
    CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0;
}

static bool has_cache(const char *docker_root, const char *id)
{
    char path[PATH_BYTES_MAX];
    int size =
        snprintf(path, sizeof(path), "%s/containers/%s/container-cached.log", docker_root, id);
    return size < (int)sizeof(path) && access(path, F_OK) == 0;
}

static bool is_in_journal(const struct container *c)
{
    return strcmp(c->log_driver, "journald") == 0;
}

int log_find(struct log_place *ret, const struct container *c,
             const struct log_find_options *options, struct error *error)
{
    const char *root = options->docker_root;
    /* A dockerd that keeps the cache for journald cannot read it either. */
    bool cache = root && has_cache(root, c->id);
    struct log_surroundings around = {
        .root = root && options->engine && !may_be_listed(root) ? NULL : root,
        .cache_present = cache,
        .journal = is_in_journal(c) && !cache &&
                   journal_files_usable(options->journal_directory, root != NULL),
        .engine = options->engine,
    };
    int r = log_place_of(ret, c, &around, error);
    if (r < 0 || !around.engine || !ret->path[0] || may_be_opened(ret->path))
        return r;
    around.root = NULL;
    return log_place_of(ret, c, &around, error);
}

enum record_format log_find_format(const char *name)
{
    bool frames = strcmp(name, "container.log") == 0 || strcmp(name, "container-cached.log") == 0;
    return frames ? RECORD_LOCAL : RECORD_JSON_FILE;
}

bool log_find_is_live(const char *name)
{
    char id[CONTAINER_ID_SIZE + 1] = "";
    if (log_find_format(name) == RECORD_LOCAL)
        return true;
    if (strlen(name) < CONTAINER_ID_SIZE)
        return false;
    memcpy(id, name, CONTAINER_ID_SIZE);
    return container_id_valid(id) && log_name_of(LOG_KIND_JSON_FILE, id, name) == LOG_NAME_LIVE;
}
