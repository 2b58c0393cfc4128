// SPDX-License-Identifier: Apache-2.0
#include "agent/metric_table.h"

static const char introduction[] =
    "# Metrics\n"
    "\n"
    "<!-- Made by `tallyman check --document=metrics` from src/agent/metric_table.c. -->\n"
    "\n"
    "`GET /metrics` of the admin server (`admin.listen` in [configuration.md](configuration.md))\n"
    "answers in Prometheus' text form. Counters count since the start. Those of a route move with\n"
    "its commits, by what is durable: what a failure voids, and is done again, counts once.\n"
    "No label bears a container, so their number does not grow with those.\n"
    "\n"
    "| metric | type | labels | meaning |\n"
    "|---|---|---|---|\n";

static void put_labels(FILE *to, const struct metric *m)
{
    for (size_t i = 0; i < METRIC_LABELS_MAX && m->labels[i]; i++)
        fprintf(to, "%s`%s`", i ? ", " : "", m->labels[i]);
    if (!m->labels[0])
        fputs("–", to);
}

static void put_heading(FILE *to, const char *of)
{
    fprintf(to, "\n## Values of %s\n\n| value | meaning |\n|---|---|\n", of);
}

static void put_value(FILE *to, const char *word, const char *help)
{
    fprintf(to, "| `%s` | %s |\n", word, help);
}

static void put_gap_reasons(FILE *to)
{
    static const char *const helps[] = {
#define X(name, word, help) [name] = (help),
        GAP_REASONS(X)
#undef X
    };
    put_heading(to, "`reason` of `tallyman_route_gaps_total`");
    for (int i = 0; i < GAP_REASON_COUNT; i++)
        put_value(to, gap_reason_word((enum gap_reason)i), helps[i]);
}

static void put_sink_events(FILE *to)
{
    size_t count;
    const struct sink_ops *const *sinks = sink_all(&count);

    put_heading(to, "`event` of `tallyman_route_sink_events_total`");
    for (size_t i = 0; i < count; i++)
        for (const struct sink_event *e = sinks[i]->events; e && e->word; e++)
            fprintf(to, "| `%s` | %s: %s |\n", e->word, sinks[i]->type, e->help);
}

static void put_descriptor_kinds(FILE *to)
{
    put_heading(to, "`kind` of `tallyman_descriptors`");
    put_value(to, "inherited", "open when the program was started");
    for (int i = 0; i < RESOURCE_COUNT; i++)
        put_value(to, resource_word((enum resource)i), resource_help((enum resource)i));
    put_value(to, "library", "what libraries hold for themselves");
}

void metric_table_document(FILE *to)
{
    fputs(introduction, to);
    for (size_t i = 0; i < metric_row_count; i++) {
        const struct metric *m = &metric_rows[i].metric;
        fprintf(to, "| `%s` | %s | ", m->name, metric_type_word(m->type));
        put_labels(to, m);
        fprintf(to, " | %s |\n", m->help);
    }
    put_gap_reasons(to);
    put_sink_events(to);
    put_descriptor_kinds(to);
    put_heading(to, "`class` of `tallyman_descriptors_census`");
    for (int i = 0; i < CENSUS_CLASS_COUNT; i++)
        put_value(to, census_class_word((enum census_class)i),
                  census_class_help((enum census_class)i));
    put_heading(to, "`kind` of `tallyman_threads`");
    for (int i = 0; i < CENSUS_THREAD_COUNT; i++)
        put_value(to, census_thread_word((enum census_thread)i),
                  census_thread_help((enum census_thread)i));
    put_heading(to, "`kind` of `tallyman_memory_bytes`");
    for (int i = 0; i < MEMORY_COUNT; i++)
        put_value(to, census_memory_word((enum census_memory)i),
                  census_memory_help((enum census_memory)i));
}
