// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/monitor_private.h"
#include "base/clock.h"
#include "base/resource.h"
#include "docker/docker_host.h"

/* Docker's containers directory, which may be late, may go, and may be forbidden. */

#define ROOT_BACKOFF_MIN_NS (NS_PER_SECOND)
#define ROOT_BACKOFF_MAX_NS (30 * NS_PER_SECOND)

static const char missing_code[] = "root.missing", unlistable_code[] = "root.unlistable";

/* The one sentence on what is wrong, and what to do. */
static void tell(struct monitor *m, int error)
{
    char reason[HEALTH_REASON_MAX];
    if (m->root == ROOT_UNLISTABLE) {
        snprintf(reason, sizeof(reason),
                 "uid %d may not list it: run as root, or give it CAP_DAC_READ_SEARCH; %s",
                 (int)geteuid(),
                 m->engine_configured ? "until then the Engine is asked to stream the logs"
                                      : "until then nothing can be read");
        health_raise(m->options.health, unlistable_code, m->containers_directory, reason);
        health_clear(m->options.health, missing_code, m->containers_directory);
        return;
    }
    snprintf(reason, sizeof(reason),
             "%s; it is looked for again and again: is `docker.root` right, is its disk mounted? "
             "Where Docker's files are not to be had, `docker.root: none` has logs streamed",
             strerror(error));
    health_raise(m->options.health, missing_code, m->containers_directory, reason);
    health_clear(m->options.health, unlistable_code, m->containers_directory);
}

static void try_later(struct monitor *m, int error)
{
    m->root = error == EACCES || error == EPERM ? ROOT_UNLISTABLE : ROOT_MISSING;
    m->root_at_ns = clock_monotonic_ns() + m->root_backoff_ns;
    m->root_backoff_ns =
        2 * m->root_backoff_ns < ROOT_BACKOFF_MAX_NS ? 2 * m->root_backoff_ns : ROOT_BACKOFF_MAX_NS;
    tell(m, error);
}

/* Watched before it is listed, so that nothing is missed. */
static bool try_now(struct monitor *m)
{
    int fd = open(m->containers_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        try_later(m, errno);
        return false;
    }
    resource_opened(RESOURCE_BASE);
    m->containers_fd = fd;
    m->root = ROOT_THERE;
    m->root_at_ns = INT64_MAX;
    m->root_backoff_ns = ROOT_BACKOFF_MIN_NS;
    health_clear(m->options.health, missing_code, m->containers_directory);
    health_clear(m->options.health, unlistable_code, m->containers_directory);
    m->root_unwatched = !monitor_watch_names(m, m->containers_directory, NULL);
    return true;
}

/* Another host's files are not here, whatever directory of that name this host has not. */
static bool is_elsewhere(const struct monitor *m)
{
    struct docker_host host;
    struct stat st;
    return docker_host_parse(&host, m->options.docker_host, NULL) == 0 &&
           host.kind == DOCKER_HOST_TCP && stat(m->options.docker_root, &st) < 0;
}

int monitor_root_open(struct monitor *m, struct error *error)
{
    m->root_at_ns = INT64_MAX;
    m->root_backoff_ns = ROOT_BACKOFF_MIN_NS;
    if (strcmp(m->options.docker_root, "none") == 0 || is_elsewhere(m)) {
        m->root = ROOT_NONE;
        return 0;
    }
    if (asprintf(&m->containers_directory, "%s/containers", m->options.docker_root) < 0) {
        m->containers_directory = NULL;
        return error_set(error, -ENOMEM, "no memory");
    }
    try_now(m);
    return 0;
}

void monitor_root_close(struct monitor *m)
{
    if (m->containers_fd >= 0)
        resource_closed(RESOURCE_BASE);
    m->containers_fd = close_fd(m->containers_fd);
    free(m->containers_directory);
    m->containers_directory = NULL;
}

bool monitor_root_step(struct monitor *m, int64_t now_ns)
{
    return now_ns >= m->root_at_ns && try_now(m);
}

bool monitor_root_holds(struct monitor *m)
{
    struct stat opened, named;
    if (m->root != ROOT_THERE)
        return false;
    int r = stat(m->containers_directory, &named) < 0 ? errno : 0;
    if (r == 0 && fstat(m->containers_fd, &opened) == 0 && opened.st_dev == named.st_dev &&
        opened.st_ino == named.st_ino)
        return true;
    m->containers_fd = close_fd(m->containers_fd);
    resource_closed(RESOURCE_BASE);
    if (r == 0) { /* another one in its place */
        m->root = ROOT_MISSING;
        m->root_at_ns = 0;
        return false;
    }
    try_later(m, r);
    return false;
}
