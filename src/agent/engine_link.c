// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>

#include "agent/monitor_private.h"
#include "base/clock.h"
#include "base/log.h"

/* The Engine's part of the monitor: connect, subscribe, list, inspect; and again, with patience.
 *
 * Its events are hints and its list is the truth, as the disk is. What it says of a container's
 * state wins while it answers: after a crash of dockerd the disk still says that all run. */

enum { DEADLINE_MS = 10000 };
#define CONNECT_BACKOFF_MIN_NS (NS_PER_SECOND)
#define CONNECT_BACKOFF_MAX_NS (30 * NS_PER_SECOND)

static void disconnected(struct monitor *m, const char *why)
{
    int64_t now = clock_monotonic_ns();
    if (m->engine_up || !m->engine_failure_told)
        log_line(LOG_INFO, "engine.absent",
                 "the Engine does not answer; the disk serves, trying again", "error=%s",
                 LOG_QUOTE(why));
    m->engine_failure_told = true;
    m->engine_up = false;
    m->connect_at_ns = now + m->connect_backoff_ns + now % (m->connect_backoff_ns / 4);
    m->connect_backoff_ns = m->connect_backoff_ns * 2 < CONNECT_BACKOFF_MAX_NS
                                ? m->connect_backoff_ns * 2
                                : CONNECT_BACKOFF_MAX_NS;
}

static void pinged(void *context, const struct engine_result *result, struct engine_version version)
{
    struct monitor *m = context;
    int r = result->code ? result->code : engine_info(m->engine, NULL);
    if (r == 0)
        r = engine_events(m->engine, m->last_event_ns, NULL);
    if (r && r != -EBUSY)
        disconnected(m, result->code ? result->text : strerror(-r));
}

static void informed(void *context, const struct engine_result *result, const char *root)
{
    struct monitor *m = context;
    if (result->code == 0 && root[0] && strcmp(root, m->options.docker_root) != 0)
        log_line(LOG_INFO, "engine.root",
                 "the Engine keeps its files elsewhere, as it sees it; the configured root counts",
                 "engine=%s configured=%s", LOG_QUOTE(root), LOG_QUOTE(m->options.docker_root));
}

/* Subscribed first, listed then: nothing falls between (D74). */
static void events_opened(void *context)
{
    struct monitor *m = context;
    m->engine_up = true;
    m->engine_failure_told = false;
    m->connect_backoff_ns = CONNECT_BACKOFF_MIN_NS;
    m->connect_at_ns = INT64_MAX;
    struct engine_version version = engine_version_spoken(m->engine);
    log_line(LOG_INFO, "engine.connected", "the Engine answers", "api=%u.%u", version.major,
             version.minor);
    engine_link_reconcile(m);
}

static void events_ended(void *context, const struct engine_result *result)
{
    disconnected(context, result->code ? result->text : "the event stream ended");
}

static void listed(void *context, const struct engine_result *result,
                   const struct engine_listed *items, size_t count)
{
    struct monitor *m = context;
    if (result->code) {
        log_line(LOG_WARN, "engine.list_failed",
                 "the Engine's list could not be had; the disk serves", "error=%s",
                 LOG_QUOTE(result->text));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct tracked *t = monitor_find(m, items[i].id);
        if (t && (!t->container || strcmp(t->container->state, items[i].state) != 0 ||
                  strcmp(t->container->name, items[i].name) != 0))
            t->inspect_wanted = true;
    }
}

static void inspected(void *context, const struct engine_result *result, const char *id,
                      struct container *container)
{
    struct monitor *m = context;
    struct tracked *t = monitor_find(m, id);
    if (!t || result->code == ENGINE_E_NOT_FOUND)
        return;
    if (result->code) {
        log_line(LOG_WARN, "container.not_inspected",
                 "a container could not be inspected; it costs only itself",
                 "container=%.12s error=%s", id, LOG_QUOTE(result->text));
        return;
    }
    if (t->asked_at_read != t->disk_reads) { /* the disk has news that this answer may not have */
        t->inspect_wanted = true;
        return;
    }
    monitor_learn(m, t, container);
    monitor_mark_stale(m, t);
}

static bool matters(const struct engine_event *e)
{
    static const char *const actions[] = {"start",   "die",     "rename",     "update", "pause",
                                          "unpause", "connect", "disconnect", "restart"};
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        if (strcmp(e->action, actions[i]) == 0)
            return true;
    return strcmp(e->action, "health_status") == 0;
}

static void event(void *context, const struct engine_event *e)
{
    struct monitor *m = context;
    if (e->time_ns > m->last_event_ns)
        m->last_event_ns = e->time_ns;
    struct tracked *t = e->container_id[0] ? monitor_find(m, e->container_id) : NULL;
    if (!t)
        return;
    t->inspect_wanted |= matters(e);
    t->chain_stale = true;
    monitor_mark_stale(m, t);
}

int engine_link_open(struct monitor *m, struct error *error)
{
    struct engine_options options = {
        .host = m->options.docker_host,
        .deadline_ms = DEADLINE_MS,
        .constants = m->options.constants,
        .context = m,
        .callbacks = {.pinged = pinged,
                      .informed = informed,
                      .listed = listed,
                      .inspected = inspected,
                      .events_opened = events_opened,
                      .event = event,
                      .events_ended = events_ended},
    };
    m->connect_backoff_ns = CONNECT_BACKOFF_MIN_NS;
    m->connect_at_ns = strcmp(m->options.docker_host, "none") == 0 ? INT64_MAX : 0;
    return engine_open(&m->engine, &options, error);
}

void engine_link_reconcile(struct monitor *m)
{
    if (m->engine_up && engine_list(m->engine, NULL) < 0)
        log_fact(LOG_WARN, "engine.list_failed", "no memory to ask for the list");
}

void engine_link_step(struct monitor *m, int64_t now_ns)
{
    if (now_ns >= m->connect_at_ns) {
        m->connect_at_ns = INT64_MAX;
        int r = engine_ping(m->engine, NULL);
        if (r < 0)
            disconnected(m, strerror(-r));
    }
    for (size_t i = 0; m->engine_up && i < m->count; i++) {
        struct tracked *t = m->items[i];
        if (!t->inspect_wanted)
            continue;
        t->inspect_wanted = false;
        t->asked_at_read = t->disk_reads;
        if (engine_inspect(m->engine, t->id, NULL) < 0)
            return;
    }
}
