// SPDX-License-Identifier: Apache-2.0
#include "agent/metric_table.h"

#define GAUGE(name_, help_)   .metric = {.name = (name_), .type = METRIC_GAUGE, .help = (help_)}
#define COUNTER(name_, help_) .metric = {.name = (name_), .type = METRIC_COUNTER, .help = (help_)}
#define BY(...)               .metric.labels = {__VA_ARGS__}

/* The metrics that are one number. */
#define ONE(function, value)                                                                       \
    static void function(struct metric_writer *w, const struct status_report *r)                   \
    {                                                                                              \
        metric_count(w, (int64_t)(value), NULL, NULL);                                             \
    }

ONE(write_ready, r->ready)
ONE(write_healthy, !r->stuck[0])
ONE(write_containers, r->monitor.containers)
ONE(write_sources, r->monitor.sources)
ONE(write_unreadable, r->monitor.unreadable)
ONE(write_pinned, r->monitor.pins.bytes)
ONE(write_pins_max, r->monitor.pins.max_bytes)
ONE(write_engine_up, r->monitor.engine_up)
ONE(write_wakeups, r->monitor.wakeups)
ONE(write_streams_opened, r->monitor.streams.opened)
ONE(write_streams_closed, r->monitor.streams.closed)
ONE(write_streams_bytes, r->monitor.streams.bytes)
ONE(write_streams_dropped, r->monitor.streams.dropped_files)
ONE(write_difference, census_balance_distance(&r->balance))
ONE(write_resident, r->memory[MEMORY_ANONYMOUS] + r->memory[MEMORY_FILE] + r->memory[MEMORY_SHARED])
ONE(write_virtual, r->virtual_bytes)
ONE(write_open, r->balance.census.descriptor_count)
ONE(write_open_max, r->descriptors_max)

/* The metrics of each route that are one number. */
#define EACH_ROUTE(function, value)                                                                \
    static void function(struct metric_writer *w, const struct status_report *r)                   \
    {                                                                                              \
        for (size_t i = 0; i < r->route_count; i++) {                                              \
            const struct route_status *is = &r->routes[i].is;                                      \
            metric_count(w, (int64_t)(value), r->routes[i].name, NULL);                            \
        }                                                                                          \
    }

EACH_ROUTE(write_route_up, is->failing_since_ns == 0)
EACH_ROUTE(write_route_read, is->sums.tally.lines_read)
EACH_ROUTE(write_route_records, is->sums.tally.records_read)
EACH_ROUTE(write_route_bytes, is->sums.tally.bytes_read)
EACH_ROUTE(write_route_commits, is->sums.commits)
EACH_ROUTE(write_route_failures, is->sums.failures)
EACH_ROUTE(write_route_sent, is->requests.sent)
EACH_ROUTE(write_route_resent, is->requests.resent)
EACH_ROUTE(write_route_in_flight, is->requests.in_flight)
EACH_ROUTE(write_route_aside, is->requests.aside)
EACH_ROUTE(write_route_voided, is->requests.voided != 0)
EACH_ROUTE(write_route_letters, is->requests.letters)
EACH_ROUTE(write_route_letter_bytes, is->requests.letter_bytes)
EACH_ROUTE(write_route_redeemed, is->requests.redeemed)

static void write_route_lines(struct metric_writer *w, const struct status_report *r)
{
    for (size_t i = 0; i < r->route_count; i++) {
        const char *name = r->routes[i].name;
        const struct tally *t = &r->routes[i].is.sums.tally;
        metric_count(w, (int64_t)t->lines_delivered, name, "delivered");
        metric_count(w, (int64_t)t->lines_filtered, name, "filtered");
        metric_count(w, (int64_t)t->lines_refused, name, "refused");
        metric_count(w, (int64_t)t->lines_lost, name, "lost");
    }
}

static void write_route_gaps(struct metric_writer *w, const struct status_report *r)
{
    for (size_t i = 0; i < r->route_count; i++)
        for (int j = 0; j < GAP_REASON_COUNT; j++)
            metric_count(w, (int64_t)r->routes[i].is.sums.gaps[j], r->routes[i].name,
                         gap_reason_word((enum gap_reason)j));
}

static void write_route_gap_bytes(struct metric_writer *w, const struct status_report *r)
{
    for (size_t i = 0; i < r->route_count; i++)
        for (int j = 0; j < GAP_REASON_COUNT; j++)
            metric_count(w, (int64_t)r->routes[i].is.sums.gap_bytes[j], r->routes[i].name,
                         gap_reason_word((enum gap_reason)j));
}

/* None of a route that has not counted yet. */
static void write_route_backlog(struct metric_writer *w, const struct status_report *r)
{
    for (size_t i = 0; i < r->route_count; i++)
        if (r->routes[i].is.backlog.known)
            metric_count(w, (int64_t)r->routes[i].is.backlog.bytes, r->routes[i].name, NULL);
}

static void write_route_age(struct metric_writer *w, const struct status_report *r)
{
    for (size_t i = 0; i < r->route_count; i++)
        if (r->routes[i].is.backlog.known)
            metric_seconds(w, backlog_age_ns(&r->routes[i].is.backlog, r->now_ns),
                           r->routes[i].name, NULL);
}

static void write_route_pinned(struct metric_writer *w, const struct status_report *r)
{
    for (size_t i = 0; i < r->route_count; i++)
        metric_count(w, (int64_t)r->monitor.pins.held_bytes[i], r->routes[i].name, NULL);
}

static void write_filtered(struct metric_writer *w, const struct status_report *r)
{
    for (size_t i = 0; i < r->route_count; i++)
        metric_count(w, (int64_t)r->routes[i].is.sums.lines_too_old, r->routes[i].name, "max_age");
}

static void write_route_requests(struct metric_writer *w, const struct status_report *r)
{
    static const char *const words[] = {[VERDICT_DELIVERED] = "delivered",
                                        [VERDICT_RETRY] = "retry",
                                        [VERDICT_TOO_LARGE] = "too_large",
                                        [VERDICT_REFUSED] = "refused"};
    for (size_t i = 0; i < r->route_count; i++)
        for (size_t j = 0; j < ARRAY_SIZE(words); j++)
            metric_count(w, (int64_t)r->routes[i].is.requests.answered[j], r->routes[i].name,
                         words[j]);
}

static void write_route_events(struct metric_writer *w, const struct status_report *r)
{
    for (size_t i = 0; i < r->route_count; i++) {
        const struct route_status *is = &r->routes[i].is;
        for (size_t j = 0; is->events && is->events[j].word; j++)
            metric_count(w, (int64_t)is->event_counts[j], r->routes[i].name, is->events[j].word);
    }
}

static void write_build(struct metric_writer *w, const struct status_report *r)
{
    metric_count(w, 1, r->version, r->commit);
}

/* The codes are as few as the troubles that the program knows. Each is told once, with how many
 * subjects it has now. */
static void write_degraded(struct metric_writer *w, const struct status_report *r)
{
    for (size_t i = 0; i < r->degraded_count; i++) {
        int64_t count = 0;
        bool told = false;
        for (size_t j = 0; j < r->degraded_count; j++) {
            bool same = strcmp(r->degraded[i].code, r->degraded[j].code) == 0;
            count += same;
            told |= same && j < i;
        }
        if (!told)
            metric_count(w, count, r->degraded[i].code, NULL);
    }
}

static void write_kinds(struct metric_writer *w, const struct status_report *r)
{
    for (int i = 0; i < LOG_KIND_COUNT; i++)
        metric_count(w, (int64_t)r->monitor.kinds[i], log_kind_word((enum log_kind)i), NULL);
}

static void write_streams(struct metric_writer *w, const struct status_report *r)
{
    const struct streams_status *s = &r->monitor.streams;
    metric_count(w, (int64_t)s->receiving, "receiving", NULL);
    metric_count(w, (int64_t)s->waiting, "waiting", NULL);
    metric_count(w, (int64_t)s->unreadable, "unreadable", NULL);
}

static void write_descriptors(struct metric_writer *w, const struct status_report *r)
{
    metric_count(w, (int64_t)r->balance.inherited, "inherited", NULL);
    for (int i = 0; i < RESOURCE_COUNT; i++)
        metric_count(w, (int64_t)r->balance.counted[i], resource_word((enum resource)i), NULL);
    metric_count(w, (int64_t)r->balance.libraries, "library", NULL);
}

static void write_opened(struct metric_writer *w, const struct status_report *r)
{
    for (int i = 0; i < RESOURCE_COUNT; i++)
        metric_count(w, (int64_t)r->balance.opened[i], resource_word((enum resource)i), NULL);
}

static void write_closed(struct metric_writer *w, const struct status_report *r)
{
    for (int i = 0; i < RESOURCE_COUNT; i++)
        metric_count(w, (int64_t)(r->balance.opened[i] - r->balance.counted[i]),
                     resource_word((enum resource)i), NULL);
}

static void write_census(struct metric_writer *w, const struct status_report *r)
{
    for (int i = 0; i < CENSUS_CLASS_COUNT; i++)
        metric_count(w, (int64_t)r->balance.census.descriptors[i],
                     census_class_word((enum census_class)i), NULL);
}

static void write_threads(struct metric_writer *w, const struct status_report *r)
{
    for (int i = 0; i < CENSUS_THREAD_COUNT; i++)
        metric_count(w, (int64_t)r->balance.census.threads[i],
                     census_thread_word((enum census_thread)i), NULL);
}

static void write_memory(struct metric_writer *w, const struct status_report *r)
{
    for (int i = 0; i < MEMORY_COUNT; i++)
        metric_count(w, (int64_t)r->memory[i], census_memory_word((enum census_memory)i), NULL);
}

static void write_answers(struct metric_writer *w, const struct status_report *r)
{
    for (int i = 0; i < STATUS_ANSWER_COUNT; i++) {
        char code[8];
        snprintf(code, sizeof(code), "%d", status_answer_code((enum status_answer)i));
        metric_count(w, (int64_t)r->answers[i], code, NULL);
    }
}

static void write_cpu(struct metric_writer *w, const struct status_report *r)
{
    metric_seconds(w, r->cpu_ns, NULL, NULL);
}

static void write_started(struct metric_writer *w, const struct status_report *r)
{
    metric_seconds(w, r->started_ns, NULL, NULL);
}

const struct metric_row metric_rows[] = {
    {GAUGE("tallyman_build_info", "Always 1: which program this is."), BY("version", "commit"),
     .write = write_build},
    {GAUGE("tallyman_healthy", "1 while every thread turns, as /-/healthy answers."),
     .write = write_healthy},
    {GAUGE("tallyman_ready", "1 once every container has been looked for and all routes run, as "
                             "/-/ready answers."),
     .write = write_ready},
    {GAUGE("tallyman_degraded", "What is wrong now, by its code: how many subjects it concerns; "
                                "none where all is well."),
     BY("code"), .write = write_degraded},

    {GAUGE("tallyman_containers", "Containers that are known."), .write = write_containers},
    {GAUGE("tallyman_containers_by_kind", "The same by where their lines are read; none: nobody "
                                          "can read them."),
     BY("kind"), .write = write_kinds},
    {GAUGE("tallyman_containers_unreadable", "Containers whose files may not be read."),
     .write = write_unreadable},
    {GAUGE("tallyman_sources", "Logs that are followed."), .write = write_sources},
    {GAUGE("tallyman_pinned_bytes", "Bytes of log files that only pins and descriptors keep "
                                    "alive, since some route has not read them."),
     .write = write_pinned},
    {GAUGE("tallyman_pins_max_bytes", "What they may come to, `pins_max`: past it the oldest are "
                                      "lost."),
     .write = write_pins_max},
    {GAUGE("tallyman_engine_up", "1 while the Docker Engine answers and sends its events."),
     .write = write_engine_up},
    {COUNTER("tallyman_monitor_wakeups_total", "Turns of the monitor's loop."),
     .write = write_wakeups},

    {GAUGE("tallyman_route_up", "1 while the route delivers, 0 while it waits for its sink."),
     BY("route"), .write = write_route_up},
    {GAUGE("tallyman_route_backlog_bytes",
           "Bytes of log files that are not delivered yet. A compressed rotation counts as it lies "
           "there, until it is read; what journald has is not counted."),
     BY("route"), .write = write_route_backlog},
    {GAUGE("tallyman_route_backlog_seconds", "Age of the oldest line that is not delivered; 0: all "
                                             "is."),
     BY("route"), .write = write_route_age},
    {GAUGE("tallyman_route_pinned_bytes", "What of tallyman_pinned_bytes the route still needs."),
     BY("route"), .write = write_route_pinned},
    {COUNTER("tallyman_route_read_lines_total", "Lines read, as far as they are committed."),
     BY("route"), .write = write_route_read},
    {COUNTER("tallyman_route_lines_total", "What became of the lines: the sum of all outcomes is "
                                           "what was read."),
     BY("route", "outcome"), .write = write_route_lines},
    {COUNTER("tallyman_route_read_records_total", "Records read: a long line has several."),
     BY("route"), .write = write_route_records},
    {COUNTER("tallyman_route_read_bytes_total", "Bytes of log files passed."), BY("route"),
     .write = write_route_bytes},
    {COUNTER("tallyman_route_gaps_total", "Places where something could not be read."),
     BY("route", "reason"), .write = write_route_gaps},
    {COUNTER("tallyman_route_gap_bytes_total", "Bytes of the gaps, where anybody can know."),
     BY("route", "reason"), .write = write_route_gap_bytes},
    {COUNTER("tallyman_route_commits_total", "Deliveries made durable with their cursors."),
     BY("route"), .write = write_route_commits},
    {COUNTER("tallyman_route_failures_total", "Deliveries that failed and are tried again."),
     BY("route"), .write = write_route_failures},
    {COUNTER("tallyman_lines_filtered_total", "Lines that were read and not sent: max_age, they "
                                              "are older than the sink's."),
     BY("route", "reason"), .write = write_filtered},
    {COUNTER("tallyman_route_requests_sent_total", "Requests that were sent, and what was sent of "
                                                   "them in pieces."),
     BY("route"), .write = write_route_sent},
    {COUNTER("tallyman_route_requests_resent_total", "Of them, what had been sent before."),
     BY("route"), .write = write_route_resent},
    {COUNTER("tallyman_route_requests_total", "Requests that were answered: retry, they are sent "
                                              "again; too_large and refused, in halves, down to "
                                              "the culprit."),
     BY("route", "outcome"), .write = write_route_requests},
    {COUNTER("tallyman_route_sink_events_total", "What the route's sink counts of its own."),
     BY("route", "event"), .write = write_route_events},
    {GAUGE("tallyman_route_requests_in_flight", "Requests that wait for their answer."),
     BY("route"), .write = write_route_in_flight},
    {GAUGE("tallyman_route_containers_aside", "Containers whose lines alone the sink does not "
                                              "take for now."),
     BY("route"), .write = write_route_aside},
    {GAUGE(
         "tallyman_route_refuses_everything",
         "1 while the sink has refused whatever it was sent since the start: nothing of it counts, "
         "and the route tries again."),
     BY("route"), .write = write_route_voided},
    {GAUGE("tallyman_route_dead_letters", "Lines that the sink refused for good, kept in the "
                                          "ledger."),
     BY("route"), .write = write_route_letters},
    {GAUGE("tallyman_route_dead_letter_bytes", "What they count towards `dead_letters_max`."),
     BY("route"), .write = write_route_letter_bytes},
    {COUNTER("tallyman_route_dead_letters_redeemed_total",
             "Dead letters that a replay has delivered. They were counted as refused, and stay so "
             "in tallyman_route_lines_total; the ledger's tally counts them as delivered."),
     BY("route"), .write = write_route_redeemed},

    {GAUGE("tallyman_streams", "Logs that the Engine streams to us, by state."), BY("state"),
     .write = write_streams},
    {COUNTER("tallyman_streams_opened_total", "Connections for streams that were opened."),
     .write = write_streams_opened},
    {COUNTER("tallyman_streams_closed_total", "Connections for streams that were closed."),
     .write = write_streams_closed},
    {COUNTER("tallyman_streams_received_bytes_total", "Bytes that came by streams."),
     .write = write_streams_bytes},
    {COUNTER("tallyman_streams_dropped_files_total", "Files of streams that were given up for want "
                                                     "of room."),
     .write = write_streams_dropped},

    {GAUGE("tallyman_descriptors", "Descriptors that are open, by what they are for."), BY("kind"),
     .write = write_descriptors},
    {COUNTER("tallyman_descriptors_opened_total", "Descriptors that were opened."), BY("kind"),
     .write = write_opened},
    {COUNTER("tallyman_descriptors_closed_total", "Descriptors that were closed."), BY("kind"),
     .write = write_closed},
    {GAUGE("tallyman_descriptors_census", "Descriptors that are open by the kernel's word, by what "
                                          "they lead to."),
     BY("class"), .write = write_census},
    {GAUGE("tallyman_threads", "Threads that run by the kernel's word."), BY("kind"),
     .write = write_threads},
    {GAUGE("tallyman_resources_difference", "How far descriptors and threads by the kernel's word "
                                            "are from our own count: 0, or something leaks."),
     .write = write_difference},
    {GAUGE("tallyman_memory_bytes", "Memory in use."), BY("kind"), .write = write_memory},
    {COUNTER("tallyman_admin_answers_total", "Answers of the admin server, by HTTP status."),
     BY("status"), .write = write_answers},

    {COUNTER("process_cpu_seconds_total", "Processor time used."), .write = write_cpu},
    {GAUGE("process_start_time_seconds", "When it was started, since 1970."),
     .write = write_started},
    {GAUGE("process_resident_memory_bytes", "Memory that is resident."), .write = write_resident},
    {GAUGE("process_virtual_memory_bytes", "Address space in use."), .write = write_virtual},
    {GAUGE("process_open_fds", "Descriptors that are open."), .write = write_open},
    {GAUGE("process_max_fds", "Descriptors that may be open."), .write = write_open_max},
};

const size_t metric_row_count = ARRAY_SIZE(metric_rows);

void metric_table_write(const struct status_report *report, struct buf *to)
{
    struct metric_writer writer = {.to = to};
    for (size_t i = 0; i < metric_row_count; i++) {
        metric_begin(&writer, &metric_rows[i].metric);
        metric_rows[i].write(&writer, report);
    }
}
