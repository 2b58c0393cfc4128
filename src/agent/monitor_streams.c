// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sys/eventfd.h>

#include "agent/monitor_private.h"
#include "base/resource.h"
#include "source/spool.h"

/* The logs that no file serves: asked for with the first of them, told what becomes of their
 * containers, and let go when every route is through. */

static int open_streams(struct monitor *m, struct error *error)
{
    CLEANUP(close_fd) int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "no eventfd: %s", strerror(errno));
    struct streams_options options = {
        .host = m->options.docker_host,
        .directory = m->options.spools,
        .once = m->options.once,
        .monitor_fd = fd,
        .health = m->options.health,
    };
    int r = streams_open(&m->streams, &options, error);
    if (r < 0)
        return r;
    m->streams_fd = TAKE_FD(fd);
    resource_opened(RESOURCE_BASE);
    return 0;
}

void monitor_streams_close(struct monitor *m)
{
    m->streams = streams_close(m->streams);
    if (m->streams_fd >= 0)
        resource_closed(RESOURCE_BASE);
    m->streams_fd = close_fd(m->streams_fd);
}

int monitor_stream_want(struct monitor *m, struct tracked *t, struct error *error)
{
    bool running = strcmp(t->container->state, "running") == 0 && !t->vanished;
    enum stream_told told = running ? STREAM_TOLD_RUNNING : STREAM_TOLD_STOPPED;
    bool same_run = t->stream_told_run_ns == t->container->started_ns;
    if ((t->stream_told == told && same_run) || !m->engine_configured)
        return 0;
    int r = m->streams ? 0 : open_streams(m, error);
    if (r == 0)
        r = streams_want(m->streams, t->id, log_shape_of(t->container), running, error);
    if (r == 0) {
        t->stream_told = told;
        t->stream_told_run_ns = t->container->started_ns;
    }
    return r;
}

void monitor_stream_tell(struct monitor *m, struct tracked *t)
{
    struct error error = {""};
    if (monitor_stream_want(m, t, &error) < 0)
        log_line(LOG_WARN, "stream.not_told", "a stream goes on as it was told last",
                 "container=%.12s error=%s", t->id, LOG_QUOTE(error.text));
}

bool monitor_stream_has_ended(struct monitor *m, const struct tracked *t)
{
    if (!m->streams)
        return true;
    enum stream_state state = streams_state(m->streams, t->id);
    return state != STREAM_RECEIVING && state != STREAM_WAITING;
}

void monitor_streams_changed(struct monitor *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct tracked *t = m->items[i];
        if (t->kind != LOG_KIND_STREAM || !t->vanished || t->gone ||
            !monitor_stream_has_ended(m, t))
            continue;
        t->gone = t->publish_wanted = t->chain_stale = true;
        monitor_mark_stale(m, t);
    }
}

/* A stream that is not even asked for may have a spool of an earlier run. */
void monitor_stream_drop(struct monitor *m, struct tracked *t)
{
    struct error error = {""};
    if (m->streams)
        streams_drop(m->streams, t->id, true);
    if (spool_remove(m->options.spools, t->id, &error) < 0)
        log_line(LOG_WARN, "stream.not_removed", "a spool could not be removed", "error=%s",
                 LOG_QUOTE(error.text));
}

bool monitor_has_spool(const struct monitor *m, const char *id)
{
    char path[PATH_BYTES_MAX];
    int size = snprintf(path, sizeof(path), "%s/%s", m->options.spools, id);
    return size < (int)sizeof(path) && access(path, F_OK) == 0;
}

/* Spools of containers that are forgotten: a crash came between. */
void monitor_drop_stray_spools(struct monitor *m)
{
    CLEANUP(closedir) DIR *dir = opendir(m->options.spools);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (container_id_valid(entry->d_name) && !monitor_find(m, entry->d_name))
            (void)!spool_remove(m->options.spools, entry->d_name, NULL);
}
