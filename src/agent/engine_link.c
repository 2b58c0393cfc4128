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
#define EVENTS_OPEN_MAX_NS     (10 * NS_PER_SECOND) /* then it is no Engine that we can live with */
#define CONNECT_BACKOFF_MIN_NS (NS_PER_SECOND)
#define CONNECT_BACKOFF_MAX_NS (30 * NS_PER_SECOND)

static bool is_forbidden(int code)
{
    return code == -EACCES || code == -EPERM;
}

/* Without a permission, or where there is nothing but the Engine to ask, something is wrong; else
 * the disk serves as well. */
static void tell_health(struct monitor *m, int code, const char *why)
{
    static const char unreadable_code[] = "socket.unreadable", absent_code[] = "engine.absent";
    const char *host = m->options.docker_host;
    char reason[HEALTH_REASON_MAX];
    if (is_forbidden(code)) {
        snprintf(reason, sizeof(reason),
                 "uid %d may not use it: run as root or in the group that owns it, or set "
                 "`docker.host: none`; until then states, networks and streams are not known",
                 (int)geteuid());
        health_raise(m->options.health, unreadable_code, host, reason);
    } else {
        health_clear(m->options.health, unreadable_code, host);
    }
    if (code != 0 && !is_forbidden(code) && monitor_engine_decides(m)) {
        snprintf(reason, sizeof(reason), "%s; nothing else tells of containers; it is tried again",
                 why);
        health_raise(m->options.health, absent_code, host, reason);
    } else {
        health_clear(m->options.health, absent_code, host);
    }
}

static void disconnected(struct monitor *m, int code, const char *why)
{
    tell_health(m, code ? code : -EPIPE, why);
    int64_t now = clock_monotonic_ns();
    bool in_health = is_forbidden(code) || monitor_engine_decides(m);
    if ((m->engine_up || !m->engine_failure_told) && !in_health)
        log_line(LOG_INFO, "engine.absent",
                 "the Engine does not answer; the disk serves, trying again", "error=%s",
                 LOG_QUOTE(why));
    m->engine_failure_told = true;
    m->engine_up = false;
    m->events_by_ns = INT64_MAX;
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
        r = engine_events(m->engine, m->last_event_ns, &m->events_ticket);
    if (r)
        disconnected(m, r, result->code ? result->text : strerror(-r));
    else
        m->events_by_ns = clock_monotonic_ns() + EVENTS_OPEN_MAX_NS;
}

static void informed(void *context, const struct engine_result *result, const char *root)
{
    struct monitor *m = context;
    if (result->code == 0 && root[0])
        monitor_root_told(m, root);
}

/* Subscribed first, listed then: nothing falls between (D74). */
static void events_opened(void *context)
{
    struct monitor *m = context;
    m->engine_up = true;
    m->engine_failure_told = false;
    tell_health(m, 0, "");
    m->connect_backoff_ns = CONNECT_BACKOFF_MIN_NS;
    m->connect_at_ns = m->events_by_ns = INT64_MAX;
    struct engine_version version = engine_version_spoken(m->engine);
    log_line(LOG_INFO, "engine.connected", "the Engine answers", "api=%u.%u", version.major,
             version.minor);
    engine_link_reconcile(m);
}

static void events_ended(void *context, const struct engine_result *result)
{
    disconnected(context, result->code, result->code ? result->text : "the event stream ended");
}

/* Is what we know of it young? What is old, but the same on disk as when it was read, is young
 * again: each change of it changes its directory. */
static bool is_fresh(struct monitor *m, struct tracked *t)
{
    int64_t now = clock_monotonic_ns();
    CLEANUP(container_unref) struct container *c = metadata_cache_get(m->cache, t->id, now);
    if (c)
        return true;
    if (m->root != ROOT_THERE || monitor_directory_mtime(m, t) != t->looked_ns)
        return false;
    metadata_cache_set(m->cache, t->container, METADATA_CACHE_OWN_TTL, now);
    return true;
}

static void take_listed(struct monitor *m, const struct engine_listed *item)
{
    struct tracked *t = monitor_find(m, item->id);
    if (!t && monitor_engine_decides(m))
        t = monitor_track(m, item->id);
    if (!t)
        return;
    t->listed = true;
    if (!t->container || strcmp(t->container->state, item->state) != 0 ||
        strcmp(t->container->name, item->name) != 0 || !is_fresh(m, t))
        monitor_want_inspect(m, t);
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
    m->discovered |= monitor_engine_decides(m);
    for (size_t i = 0; i < m->count; i++)
        m->items[i]->listed = false;
    for (size_t i = 0; i < count; i++)
        take_listed(m, &items[i]);
    /* What is not in the list may only be newer than it: its inspection tells. */
    for (size_t i = 0; i < m->count && monitor_engine_decides(m); i++)
        if (!m->items[i]->listed && !m->items[i]->vanished)
            monitor_want_inspect(m, m->items[i]);
}

/* What the disk does not tell of is asked for again. */
static void not_inspected(struct tracked *t, const struct engine_result *result)
{
    if (t->container || monitor_retry(t))
        log_line(LOG_WARN, "container.not_inspected",
                 "a container could not be inspected; it costs only itself",
                 "container=%.12s error=%s", t->id, LOG_QUOTE(result->text));
}

static void inspected(void *context, const struct engine_result *result, const char *id,
                      struct container *container)
{
    struct monitor *m = context;
    struct tracked *t = monitor_find(m, id);
    if (!t)
        return;
    t->inspect_asked = false;
    m->inspects_due |= t->inspect_wanted;
    if (result->code == ENGINE_E_NOT_FOUND) {
        if (monitor_engine_decides(m) && !t->vanished)
            monitor_vanished(m, t);
        return;
    }
    if (result->code) {
        not_inspected(t, result);
        return;
    }
    if (t->asked_at_read != t->disk_reads) { /* the disk has news that this answer may not have */
        monitor_want_inspect(m, t);
        return;
    }
    monitor_learn(m, t, container);
    monitor_mark_stale(m, t);
}

static void event(void *context, const struct engine_event *e)
{
    struct monitor *m = context;
    if (e->time_ns > m->last_event_ns)
        m->last_event_ns = e->time_ns;
    struct tracked *t = monitor_find(m, e->container_id);
    if (!t && monitor_engine_decides(m))
        t = monitor_track(m, e->container_id);
    if (!t)
        return;
    monitor_want_inspect(m, t);
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
    m->connect_at_ns = m->engine_configured ? 0 : INT64_MAX;
    m->events_by_ns = INT64_MAX;
    return engine_open(&m->engine, &options, error);
}

void engine_link_reconcile(struct monitor *m)
{
    if (m->engine_up && engine_list(m->engine, NULL) < 0)
        log_fact(LOG_WARN, "engine.list_failed", "no memory to ask for the list");
}

/* One at a time for each: the answer to the next has all the news. */
static void ask_for_wanted(struct monitor *m)
{
    m->inspects_due = false;
    for (size_t i = 0; i < m->count; i++) {
        struct tracked *t = m->items[i];
        if (!t->inspect_wanted || t->inspect_asked)
            continue;
        t->asked_at_read = t->disk_reads;
        if (engine_inspect(m->engine, t->id, NULL) < 0) {
            m->inspects_due = true; /* with the next turn */
            return;
        }
        t->inspect_wanted = false;
        t->inspect_asked = true;
    }
}

void engine_link_step(struct monitor *m, int64_t now_ns)
{
    if (now_ns >= m->connect_at_ns) {
        m->connect_at_ns = INT64_MAX;
        int r = engine_ping(m->engine, NULL);
        if (r < 0)
            disconnected(m, r, strerror(-r));
    }
    if (now_ns >= m->events_by_ns) {
        engine_cancel(m->engine, m->events_ticket);
        disconnected(m, -ETIMEDOUT, "its event stream does not open");
    }
    if (m->engine_up && m->inspects_due)
        ask_for_wanted(m);
}
