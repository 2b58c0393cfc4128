// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/docker_root.h"
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

/* ROOT_NONE, or ROOT_MISSING and to be tried at once. */
static int begin(struct monitor *m)
{
    m->root_at_ns = INT64_MAX;
    m->root_backoff_ns = ROOT_BACKOFF_MIN_NS;
    m->root = ROOT_NONE;
    if (strcmp(m->options.docker_root, "none") == 0 || is_elsewhere(m))
        return 0;
    if (asprintf(&m->containers_directory, "%s/containers", m->options.docker_root) < 0) {
        m->containers_directory = NULL;
        return -ENOMEM;
    }
    m->root = ROOT_MISSING;
    m->root_at_ns = 0;
    return 0;
}

int monitor_root_open(struct monitor *m, struct error *error)
{
    int r = begin(m);
    if (r < 0)
        return error_set(error, r, "no memory");
    if (m->root == ROOT_MISSING)
        try_now(m);
    return 0;
}

static void leave(struct monitor *m)
{
    if (m->containers_fd >= 0)
        resource_closed(RESOURCE_BASE);
    m->containers_fd = close_fd(m->containers_fd);
    free(m->containers_directory);
    m->containers_directory = NULL;
}

void monitor_root_close(struct monitor *m)
{
    leave(m);
    free(m->told_root);
    m->told_root = NULL;
}

/* Whether pins can be links could not be found out before. */
bool monitor_root_step(struct monitor *m, int64_t now_ns)
{
    struct error reason = {""};
    if (now_ns < m->root_at_ns || !try_now(m))
        return false;
    pin_find_way(m->options.pins, m->containers_directory, &reason);
    monitor_tell_pins_way(m->options.pins, reason.text);
    return true;
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

/* dockerd names its root without the links that may lead to it. */
static bool is_same_directory(const char *a, const char *b)
{
    struct stat one, other;
    return strcmp(a, b) == 0 || (stat(a, &one) == 0 && stat(b, &other) == 0 &&
                                 one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

/* Its troubles are none any more. */
static void forget_troubles(struct monitor *m)
{
    if (!m->containers_directory)
        return;
    for (size_t i = 0; i < m->count; i++)
        monitor_set_unreadable(m, m->items[i], false);
    health_clear(m->options.health, missing_code, m->containers_directory);
    health_clear(m->options.health, unlistable_code, m->containers_directory);
}

void monitor_root_told(struct monitor *m, const char *root)
{
    if (m->options.docker_root_configured) {
        if (m->root != ROOT_NONE && strcmp(root, m->options.docker_root) != 0)
            log_line(LOG_INFO, "engine.root",
                     "the Engine keeps its files elsewhere, as it sees it; the configured root "
                     "counts",
                     "engine=%s configured=%s", LOG_QUOTE(root), LOG_QUOTE(m->options.docker_root));
        return;
    }
    docker_root_keep(m->options.state, root);
    char *told = is_same_directory(root, m->options.docker_root) ? NULL : strdup(root);
    if (!told)
        return;
    log_line(LOG_INFO, "engine.root",
             "the Engine keeps its files elsewhere: they are followed there", "engine=%s before=%s",
             LOG_QUOTE(root), LOG_QUOTE(m->options.docker_root));
    forget_troubles(m);
    leave(m);
    free(m->told_root);
    m->options.docker_root = m->told_root = told;
    if (begin(m) < 0)
        log_fact(LOG_ERROR, "root.not_adopted", "no memory to follow the Engine's root");
    m->reconcile_at_ns = 0;
}

/* Is its log in another directory than that which is named so now? */
static bool is_left(const struct monitor *m, const struct tracked *t)
{
    char directory[PATH_MAX];
    size_t size = strlen(m->containers_directory);
    if (!monitor_reads_directories(t) || tracked_is_gone(t))
        return false;
    chain_directory(t->chain, directory);
    return strncmp(directory, m->containers_directory, size) != 0 || directory[size] != '/';
}

/* The Engine does not know those that are not in its root: they are read to their end. Those that
 * are in both, as where somebody has moved it all, have another file there, which only a start
 * finds to be the one that was read here. */
void monitor_leave_old_root(struct monitor *m)
{
    static const char moved_code[] = "root.moved";
    size_t moved = 0;
    struct stat st;
    for (size_t i = 0; m->told_root && i < m->count; i++) {
        struct tracked *t = m->items[i];
        if (!is_left(m, t))
            continue;
        if (fstatat(m->containers_fd, t->id, &st, 0) == 0 || errno != ENOENT) {
            moved++;
            continue;
        }
        t->gone = t->publish_wanted = t->chain_stale = true;
        monitor_mark_stale(m, t);
    }
    char reason[HEALTH_REASON_MAX];
    snprintf(reason, sizeof(reason),
             "the Engine has moved here, with %zu containers whose logs are still read where they "
             "were: restart tallyman to read on here",
             moved);
    if (moved)
        health_raise(m->options.health, moved_code, m->options.docker_root, reason);
    else if (m->told_root)
        health_clear(m->options.health, moved_code, m->options.docker_root);
}
