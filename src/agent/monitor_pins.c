// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "agent/config_units.h"
#include "agent/monitor_private.h"
#include "base/rfc3339.h"

/* What only our pins keep: how much of it, for whom, and that it does not grow past its quota. */

void monitor_count_pins(const struct monitor *m, struct monitor_pins *ret)
{
    *ret = (struct monitor_pins){.max_bytes = m->options.pins_max_bytes, .since_ns = INT64_MAX};
    for (size_t i = 0; i < m->count; i++) {
        const struct tracked *t = m->items[i];
        uint64_t bytes = t->chain ? chain_pinned_bytes(t->chain) : 0;
        if (bytes == 0)
            continue;
        int64_t since_ns = chain_let_go_ns(t->chain);
        ret->bytes += bytes;
        ret->since_ns = since_ns < ret->since_ns ? since_ns : ret->since_ns;
        for (size_t j = 0; j < t->slot->route_count; j++)
            ret->held_bytes[j] +=
                chain_held_bytes(t->chain, atomic_load(&t->slot->routes[j].needs));
    }
}

void monitor_tell_pins_way(const struct pin *pins, const char *reason)
{
    log_line(LOG_INFO, "pins.way",
             pin_way(pins) == PIN_LINK
                 ? "unread logs are kept by hard links, also while we are down"
                 : "unread logs are kept by descriptors, until we end",
             "way=%s directory=%s reason=%s", pin_way_word(pin_way(pins)),
             LOG_QUOTE(pin_directory(pins)), LOG_QUOTE(reason));
}

/* The route that holds back most. */
static size_t worst_route(const struct monitor *m, const struct monitor_pins *p)
{
    size_t worst = 0;
    for (size_t i = 1; i < m->options.route_count; i++)
        if (p->held_bytes[i] > p->held_bytes[worst])
            worst = i;
    return worst;
}

static void raise_trouble(struct monitor *m, const struct monitor_pins *p)
{
    char reason[HEALTH_REASON_MAX], since[RFC3339_SIZE], max[CONFIG_UNITS_SIZE];
    size_t worst = worst_route(m, p);
    rfc3339_format(since, p->since_ns);
    config_units_format(max, &config_size_units, (int64_t)p->max_bytes);
    snprintf(reason, sizeof(reason),
             "%" PRIu64 " %% of `pins_max` (%s): Docker has let go of %" PRIu64
             " bytes since %.*s that are kept for route %s; past it the oldest is lost. Have the "
             "route deliver, or raise `pins_max`",
             p->bytes * 100 / p->max_bytes, max, p->held_bytes[worst], RFC3339_SIZE, since,
             m->options.route_names[worst]);
    health_raise(m->options.health, "pins.filling", "", reason);
}

/* Before anything is lost. */
static void warn(struct monitor *m, const struct monitor_pins *p)
{
    unsigned percent = m->pins_filling ? PINS_CALM_PERCENT : PINS_WARN_PERCENT;
    bool filling = p->max_bytes && p->bytes * 100 >= p->max_bytes * percent;
    if (filling)
        raise_trouble(m, p);
    else if (m->pins_filling)
        health_clear(m->options.health, "pins.filling", "");
    m->pins_filling = filling;
}

static struct tracked *oldest_pinned(const struct monitor *m)
{
    struct tracked *oldest = NULL;
    for (size_t i = 0; i < m->count; i++) {
        struct tracked *t = m->items[i];
        if (t->chain && chain_pinned_bytes(t->chain) &&
            (!oldest || chain_let_go_ns(t->chain) < chain_let_go_ns(oldest->chain)))
            oldest = t;
    }
    return oldest;
}

void monitor_keep_quota(struct monitor *m)
{
    struct monitor_pins pins;
    struct tracked *oldest;
    m->quota_due = false;
    monitor_count_pins(m, &pins);
    warn(m, &pins);
    while (pins.bytes > pins.max_bytes && (oldest = oldest_pinned(m)) != NULL) {
        uint64_t given_up = chain_give_up(oldest->chain, GAP_PIN_QUOTA);
        log_line(LOG_WARN, "pins.quota",
                 "unread bytes were given up: more is pinned than `pins_max` allows",
                 "container=%.12s bytes=%" PRIu64, oldest->id, given_up);
        pins.bytes -= given_up < pins.bytes ? given_up : pins.bytes;
        oldest->publish_wanted = true;
        monitor_mark_stale(m, oldest);
    }
}
