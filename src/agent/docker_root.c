// SPDX-License-Identifier: Apache-2.0
#include "agent/docker_root.h"

#include <errno.h>
#include <fcntl.h>

#include "base/log.h"
#include "docker/docker_host.h"
#include "docker/engine.h"
#include "docker/userns_root.h"

#define DOCKER_ROOT_DEFAULT "/var/lib/docker"
enum { ASK_DEADLINE_MS = 2000 };

static void take_root(void *context, const struct engine_result *result, const char *root)
{
    char *to = context;
    if (result->code == 0 && root[0])
        snprintf(to, PATH_BYTES_MAX, "%s", root);
}

/* "" where it does not say. */
static void ask_engine(const char *host, char *root)
{
    struct engine_options options = {.host = host,
                                     .deadline_ms = ASK_DEADLINE_MS,
                                     .constants = CONTAINER_CONSTANTS_DEFAULT,
                                     .callbacks.informed = take_root,
                                     .context = root};
    CLEANUP(engine_close) struct engine *engine = NULL;
    if (strcmp(host, "none") != 0 && engine_open(&engine, &options, NULL) == 0 &&
        engine_info(engine, NULL) == 0)
        while (engine_unanswered(engine) && engine_poll(engine, NULL, 0, ASK_DEADLINE_MS) >= 0)
            engine_step(engine);
}

static int kept_path(const char *state, const char *name, char path[PATH_BYTES_MAX])
{
    return snprintf(path, PATH_BYTES_MAX, "%s/%s", state, name) < PATH_BYTES_MAX ? 0
                                                                                 : -ENAMETOOLONG;
}

/* False where there is none, or not all of one. */
static bool read_kept(const char *state, char root[PATH_BYTES_MAX])
{
    char path[PATH_BYTES_MAX], line[PATH_BYTES_MAX];
    CLEANUP(close_fd) int fd = -1;
    if (kept_path(state, "docker-root", path) == 0)
        fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, line, sizeof(line));
    if (size < 2 || line[0] != '/' || line[size - 1] != '\n')
        return false;
    line[size - 1] = '\0';
    memcpy(root, line, (size_t)size);
    return true;
}

enum docker_root_word docker_root_find(const struct config *config, char root[PATH_BYTES_MAX])
{
    root[0] = '\0';
    if (!config->docker_root) {
        ask_engine(docker_host_find(config->docker_host), root);
        if (root[0])
            return DOCKER_ROOT_TOLD;
        if (read_kept(config->state, root))
            return DOCKER_ROOT_GUESSED;
    }
    snprintf(root, PATH_BYTES_MAX, "%s",
             config->docker_root ? config->docker_root : DOCKER_ROOT_DEFAULT);
    if (strcmp(root, "none") != 0)
        userns_root_find(root);
    return config->docker_root ? DOCKER_ROOT_CONFIGURED : DOCKER_ROOT_GUESSED;
}

/* Beside it first: whoever reads it finds a whole one. */
static int write_kept(const char *state, const char *root)
{
    char path[PATH_BYTES_MAX], aside[PATH_BYTES_MAX], line[PATH_BYTES_MAX + 1];
    int r = kept_path(state, "docker-root", path);
    if (r == 0)
        r = kept_path(state, "docker-root.new", aside);
    if (r < 0)
        return r;
    int size = snprintf(line, sizeof(line), "%s\n", root);
    CLEANUP(close_fd) int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    ssize_t written = write(fd, line, (size_t)size);
    if (written != size)
        return written < 0 ? -errno : -ENOSPC;
    return fsync(fd) < 0 || rename(aside, path) < 0 ? -errno : 0;
}

void docker_root_keep(const char *state, const char *root)
{
    char kept[PATH_BYTES_MAX];
    if (root[0] != '/' || (read_kept(state, kept) && strcmp(kept, root) == 0))
        return;
    int r = write_kept(state, root);
    if (r < 0)
        log_line(LOG_WARN, "root.not_kept",
                 "what the Engine says of its root could not be kept; where we start before it, "
                 "Docker's default is guessed",
                 "root=%s error=%s", LOG_QUOTE(root), LOG_QUOTE(strerror(-r)));
}
