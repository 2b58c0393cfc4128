// SPDX-License-Identifier: Apache-2.0
#include "agent/status.h"
#include "base/json_print.h"

static void number(struct buf *to, const char *key, uint64_t value)
{
    json_print_number(to, key, value);
}

/* One that may be below zero. */
static void integer(struct buf *to, const char *key, int64_t value)
{
    json_print_number_or_null(to, key, value, INT64_MIN);
}

static void time_or_null(struct buf *to, const char *key, int64_t ns)
{
    json_print_time(to, key, ns ? ns : INT64_MIN);
}

static void put_degraded(const struct status_report *r, struct buf *to)
{
    json_print_begin(to, "degraded", '[');
    for (size_t i = 0; i < r->degraded_count; i++) {
        const struct health_trouble *t = &r->degraded[i];
        json_print_begin(to, NULL, '{');
        json_print_text(to, "code", t->code);
        json_print_text(to, "subject", t->subject);
        json_print_text(to, "reason", t->reason);
        json_print_time(to, "since", t->since_ns);
        json_print_end(to, '}');
    }
    json_print_end(to, ']');
    number(to, "degraded_untold", r->degraded_untold);
}

static void put_lines(const struct tally *t, struct buf *to)
{
    json_print_begin(to, "lines", '{');
    number(to, "read", t->lines_read);
    number(to, "delivered", t->lines_delivered);
    number(to, "filtered", t->lines_filtered);
    number(to, "refused", t->lines_refused);
    number(to, "lost", t->lines_lost);
    json_print_end(to, '}');
    number(to, "records", t->records_read);
    json_print_begin(to, "bytes", '{');
    number(to, "read", t->bytes_read);
    number(to, "records", t->bytes_records);
    number(to, "blank", t->bytes_blank);
    number(to, "gaps", t->bytes_gap);
    json_print_end(to, '}');
}

static void put_gaps(const struct route_sums *s, struct buf *to)
{
    json_print_begin(to, "gaps", '{');
    number(to, "count", s->tally.gaps);
    number(to, "bytes", s->tally.gap_bytes);
    number(to, "of_unknown_size", s->tally.gaps_unknown);
    json_print_begin(to, "reasons", '{');
    for (int i = 0; i < GAP_REASON_COUNT; i++)
        if (s->gaps[i])
            number(to, gap_reason_word((enum gap_reason)i), s->gaps[i]);
    json_print_end(to, '}');
    json_print_end(to, '}');
}

static void put_requests(const struct request_counts *q, struct buf *to)
{
    json_print_begin(to, "requests", '{');
    number(to, "sent", q->sent);
    number(to, "resent", q->resent);
    number(to, "in_flight", q->in_flight);
    number(to, "containers_aside", q->aside);
    json_print_end(to, '}');
    json_print_begin(to, "dead_letters", '{');
    number(to, "lines", q->letters);
    number(to, "bytes", q->letter_bytes);
    number(to, "redeemed", q->redeemed);
    json_print_end(to, '}');
}

static void put_backlog(const struct route_backlog *b, int64_t now_ns, struct buf *to)
{
    json_print_begin(to, "backlog", '{');
    json_print_number_or_null(to, "bytes", b->known ? (int64_t)b->bytes : -1, -1);
    json_print_number_or_null(to, "seconds",
                              b->known ? backlog_age_ns(b, now_ns) / NS_PER_SECOND : -1, -1);
    time_or_null(to, "oldest", b->oldest_ns);
    json_print_end(to, '}');
}

static void put_events(const struct route_status *is, struct buf *to)
{
    json_print_begin(to, "sink_events", '{');
    for (size_t i = 0; is->events && is->events[i].word; i++)
        number(to, is->events[i].word, is->event_counts[i]);
    json_print_end(to, '}');
}

/* -1: none is waited for. */
static int64_t seconds_to_try(const struct route_status *is, int64_t now_ns)
{
    if (is->next_try_ns == 0)
        return -1;
    return is->next_try_ns > now_ns ? (is->next_try_ns - now_ns) / NS_PER_SECOND : 0;
}

static void put_routes(const struct status_report *r, struct buf *to)
{
    json_print_begin(to, "routes", '[');
    for (size_t i = 0; i < r->route_count; i++) {
        const struct route_status *is = &r->routes[i].is;
        json_print_begin(to, NULL, '{');
        json_print_text(to, "name", r->routes[i].name);
        json_print_text(to, "sink", r->routes[i].sink);
        json_print_text(to, "state", is->failing_since_ns ? "waiting" : "delivering");
        time_or_null(to, "since", is->failing_since_ns);
        json_print_text(to, "reason", is->reason);
        json_print_number_or_null(to, "next_try_seconds", seconds_to_try(is, r->asked_ns), -1);
        put_lines(&is->sums.tally, to);
        put_gaps(&is->sums, to);
        put_backlog(&is->backlog, r->now_ns, to);
        number(to, "pinned_bytes", r->monitor.pins.held_bytes[i]);
        put_requests(&is->requests, to);
        put_events(is, to);
        number(to, "commits", is->sums.commits);
        number(to, "failures", is->sums.failures);
        json_print_end(to, '}');
    }
    json_print_end(to, ']');
}

static void put_containers(const struct monitor_status *m, struct buf *to)
{
    json_print_begin(to, "containers", '{');
    number(to, "known", m->containers);
    number(to, "sources", m->sources);
    number(to, "unreadable", m->unreadable);
    json_print_begin(to, "kinds", '{');
    for (int i = 0; i < LOG_KIND_COUNT; i++)
        number(to, log_kind_word((enum log_kind)i), m->kinds[i]);
    json_print_end(to, '}');
    number(to, "pinned_bytes", m->pins.bytes);
    number(to, "pins_max_bytes", m->pins.max_bytes);
    json_print_end(to, '}');
}

static void put_engine(const struct monitor_status *m, struct buf *to)
{
    char version[32] = "";
    if (m->engine_version.major)
        snprintf(version, sizeof(version), "%u.%u", m->engine_version.major,
                 m->engine_version.minor);
    json_print_begin(to, "engine", '{');
    json_print_truth(to, "up", m->engine_up);
    json_print_text(to, "api_version", version);
    json_print_end(to, '}');
    json_print_begin(to, "streams", '{');
    number(to, "wanted", m->streams.wanted);
    number(to, "receiving", m->streams.receiving);
    number(to, "waiting", m->streams.waiting);
    number(to, "unreadable", m->streams.unreadable);
    number(to, "opened", m->streams.opened);
    number(to, "closed", m->streams.closed);
    number(to, "bytes", m->streams.bytes);
    number(to, "dropped_files", m->streams.dropped_files);
    json_print_end(to, '}');
}

static void put_descriptors(const struct status_report *r, struct buf *to)
{
    const struct census_balance *b = &r->balance;
    json_print_begin(to, "descriptors", '{');
    number(to, "limit", r->descriptors_max);
    json_print_begin(to, "counted", '{');
    number(to, "inherited", b->inherited);
    for (int i = 0; i < RESOURCE_COUNT; i++)
        number(to, resource_word((enum resource)i), b->counted[i]);
    number(to, "library", b->libraries);
    json_print_end(to, '}');
    json_print_begin(to, "census", '{');
    for (int i = 0; i < CENSUS_CLASS_COUNT; i++)
        number(to, census_class_word((enum census_class)i), b->census.descriptors[i]);
    json_print_end(to, '}');
    number(to, "open", b->census.descriptor_count);
    integer(to, "difference", b->descriptors);
    json_print_end(to, '}');
}

static void put_threads(const struct census_balance *b, struct buf *to)
{
    json_print_begin(to, "threads", '{');
    json_print_begin(to, "census", '{');
    for (int i = 0; i < CENSUS_THREAD_COUNT; i++)
        number(to, census_thread_word((enum census_thread)i), b->census.threads[i]);
    json_print_end(to, '}');
    number(to, "running", b->census.thread_count);
    integer(to, "difference", b->threads);
    json_print_end(to, '}');
}

static void put_resources(const struct status_report *r, struct buf *to)
{
    json_print_begin(to, "resources", '{');
    number(to, "difference", census_balance_distance(&r->balance));
    put_descriptors(r, to);
    put_threads(&r->balance, to);
    json_print_begin(to, "memory_bytes", '{');
    for (int i = 0; i < MEMORY_COUNT; i++)
        number(to, census_memory_word((enum census_memory)i), r->memory[i]);
    json_print_end(to, '}');
    json_print_end(to, '}');
}

void status_print(const struct status_report *report, struct buf *to)
{
    const struct status_report *r = report;
    json_print_begin(to, NULL, '{');
    json_print_text(to, "version", r->version);
    json_print_text(to, "commit", r->commit);
    json_print_time(to, "started", r->started_ns);
    integer(to, "uptime_seconds", (r->now_ns - r->started_ns) / NS_PER_SECOND);
    json_print_truth(to, "healthy", !r->stuck[0]);
    json_print_text(to, "stuck", r->stuck);
    json_print_truth(to, "ready", r->ready);
    put_degraded(r, to);
    put_routes(r, to);
    put_containers(&r->monitor, to);
    put_engine(&r->monitor, to);
    number(to, "wakeups", r->monitor.wakeups);
    put_resources(r, to);
    json_print_end(to, '}');
}
