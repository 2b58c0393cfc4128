// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "agent/monitor_private.h"
#include "base/clock.h"

/* Directories that inotify will not watch are looked at every POLL_PERIOD_MS instead. */

static const char polling_code[] = "names.polling";

static const char *limit_of(int r)
{
    return r == -ENOSPC ? "fs.inotify.max_user_watches" : "fs.inotify.max_user_instances";
}

static bool is_refusal(int r)
{
    return r == -ENOSPC || r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -ENOSYS;
}

bool monitor_watch_names(struct monitor *m, const char *path, const char *id)
{
    int r = names_watch_add(m->names, path, id);
    if (!is_refusal(r))
        return true; /* else it is not there (yet), or forbidden: others tell so */
    if (!m->names_polled) {
        m->names_polled = limit_of(r);
        m->names_poll_at_ns = clock_monotonic_ns() + POLL_PERIOD_MS * NS_PER_MS;
        health_raise(m->options.health, polling_code, m->names_polled,
                     "the limit is reached: directories that cannot be watched are looked at once "
                     "a second; raise it with sysctl");
    }
    return false;
}

bool monitor_watch_directories(struct monitor *m, struct tracked *t)
{
    char path[PATH_BYTES_MAX];
    if (monitor_directory_path(m, t->id, path, sizeof(path)) < 0)
        return true;
    bool watched = !path[0] || monitor_watch_names(m, path, t->id);
    if (watched && t->chain) {
        chain_directory(t->chain, path);
        watched = monitor_watch_names(m, path, t->id);
    }
    t->unwatched = !watched;
    return watched;
}

/* Watches what was refused, up to the next refusal. False where there is one. */
static bool watch_refused(struct monitor *m)
{
    if (m->root_unwatched && !monitor_watch_names(m, m->containers_directory, NULL))
        return false;
    m->root_unwatched = false;
    for (size_t i = 0; i < m->count; i++) {
        struct tracked *t = m->items[i];
        if (t->unwatched && !monitor_watch_directories(m, t))
            return false;
    }
    return true;
}

void monitor_poll_names(struct monitor *m, int64_t now_ns)
{
    if (!m->names_polled || now_ns < m->names_poll_at_ns)
        return;
    m->names_poll_at_ns = now_ns + POLL_PERIOD_MS * NS_PER_MS;
    if (watch_refused(m)) {
        health_clear(m->options.health, polling_code, m->names_polled);
        m->names_polled = NULL;
    }
    monitor_list_directories(m, false);
    monitor_sweep(m);
}
