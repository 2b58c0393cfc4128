// SPDX-License-Identifier: Apache-2.0
/* R10: the table of metrics keeps to Prometheus' conventions, and every number has its own place;
 * the status says the same as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>

#include "agent/metric_table.h"

/* Of the second route's sink. */
static const struct sink_event events[] = {{"jumped", "lines that jumped"}, {0}};

static struct status_report *new_report(void)
{
    struct status_report *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    r->version = "1";
    r->commit = "c";
    r->route_count = 2;
    r->routes[0].name = "a";
    r->routes[1].name = "b";
    r->routes[0].sink = r->routes[1].sink = "null";
    r->routes[1].is.events = events;
    r->routes[1].is.event_counts[0] = 7;
    r->now_ns = 100 * NS_PER_SECOND;
    r->routes[1].is.backlog = (struct route_backlog){true, 1234, 58 * NS_PER_SECOND};
    r->monitor.pins = (struct monitor_pins){.bytes = 900, .max_bytes = 1000, .held_bytes[1] = 800};
    r->degraded_count = 3;
    for (size_t i = 0; i < r->degraded_count; i++) {
        snprintf(r->degraded[i].code, HEALTH_CODE_MAX, "%s", i == 1 ? "x" : "route.waiting");
        snprintf(r->degraded[i].subject, HEALTH_SUBJECT_MAX, "%zu \"\xff", i);
    }
    return r;
}

static bool ends_with(const char *text, const char *end)
{
    return span_ends_with(span_of(text), span_of(end));
}

static void names_follow_the_conventions_R10(void **state)
{
    for (size_t i = 0; i < metric_row_count; i++) {
        const struct metric *m = &metric_rows[i].metric;
        bool counter = m->type == METRIC_COUNTER;
        if (strncmp(m->name, "tallyman_", 9) != 0 && strncmp(m->name, "process_", 8) != 0)
            fail_msg("%s has no prefix", m->name);
        if (counter != ends_with(m->name, "_total"))
            fail_msg("%s: _total is for counters", m->name);
        if (!ends_with(m->help, ".") || strpbrk(m->help, "\n\\|"))
            fail_msg("%s: the help is no sentence in one line", m->name);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(metric_rows[j].metric.name, m->name);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines that are samples, cut before their values. */
static size_t take_series(char *text, char **series, size_t max)
{
    size_t count = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        char *value = strrchr(line, ' ');
        if (line[0] == '#')
            continue;
        assert_non_null(value);
        assert_in_range(count, 0, max - 1);
        *value = '\0';
        series[count++] = line;
    }
    return count;
}

static void no_series_is_written_twice_R10(void **state)
{
    enum { SERIES_MAX = 1000 };
    char *series[SERIES_MAX];
    struct status_report *r = new_report();
    struct buf text = BUF_INIT(1024 * 1024);
    metric_table_write(r, &text);
    assert_int_equal(text.failed, 0);
    size_t count = take_series((char *)buf_string(&text), series, SERIES_MAX);
    qsort(series, count, sizeof(*series), by_text);
    for (size_t i = 1; i < count; i++)
        assert_string_not_equal(series[i - 1], series[i]);
    buf_deinit(&text);
    free(r);
}

static void a_row_writes_its_own_family(void **state)
{
    struct status_report *r = new_report();
    for (size_t i = 0; i < metric_row_count; i++) {
        const char *name = metric_rows[i].metric.name;
        struct buf text = BUF_INIT(1024 * 1024);
        struct metric_writer w = {.to = &text, .metric = &metric_rows[i].metric};
        metric_rows[i].write(&w, r);
        assert_int_equal(strncmp(buf_string(&text), name, strlen(name)), 0);
        buf_deinit(&text);
    }
    free(r);
}

static void troubles_of_one_code_are_one_number(void **state)
{
    struct status_report *r = new_report();
    struct buf text = BUF_INIT(1024 * 1024);
    metric_table_write(r, &text);
    assert_non_null(strstr(buf_string(&text), "\ntallyman_degraded{code=\"route.waiting\"} 2\n"
                                              "tallyman_degraded{code=\"x\"} 1\n"));
    buf_deinit(&text);
    free(r);
}

static void a_sink_counts_what_is_its_own_R10(void **state)
{
    struct status_report *r = new_report();
    struct buf text = BUF_INIT(1024 * 1024);
    metric_table_write(r, &text);
    assert_non_null(strstr(buf_string(&text),
                           "\ntallyman_route_sink_events_total{route=\"b\",event=\"jumped\"} 7\n"));
    assert_null(strstr(buf_string(&text), "tallyman_route_sink_events_total{route=\"a\""));
    buf_clear(&text);
    status_print(r, &text);
    json_t *status = json_loads(buf_string(&text), JSON_REJECT_DUPLICATES, NULL);
    json_t *route = json_array_get(json_object_get(status, "routes"), 1);
    json_t *counts = json_object_get(route, "sink_events");
    assert_int_equal(json_integer_value(json_object_get(counts, "jumped")), 7);
    json_decref(status);
    buf_deinit(&text);
    free(r);
}

static json_t *status_of(const struct status_report *r, struct buf *text)
{
    buf_clear(text);
    status_print(r, text);
    json_t *status = json_loads(buf_string(text), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(status);
    return status;
}

static int64_t number_in(json_t *of, const char *part, const char *key)
{
    json_t *number = json_object_get(part ? json_object_get(of, part) : of, key);
    assert_true(json_is_integer(number));
    return json_integer_value(number);
}

/* A route that has not counted yet says nothing rather than 0. */
static void the_backlog_is_told_where_it_is_known_R10(void **state)
{
    struct status_report *r = new_report();
    struct buf text = BUF_INIT(1024 * 1024);
    metric_table_write(r, &text);
    const char *metrics = buf_string(&text);
    assert_non_null(strstr(metrics, "\ntallyman_route_backlog_bytes{route=\"b\"} 1234\n"));
    assert_non_null(strstr(metrics, "\ntallyman_route_backlog_seconds{route=\"b\"} 42"));
    assert_null(strstr(metrics, "tallyman_route_backlog_bytes{route=\"a\""));
    assert_null(strstr(metrics, "tallyman_route_backlog_seconds{route=\"a\""));
    json_t *status = status_of(r, &text);
    json_t *route = json_array_get(json_object_get(status, "routes"), 1);
    assert_int_equal(number_in(route, "backlog", "bytes"), 1234);
    assert_int_equal(number_in(route, "backlog", "seconds"), 42);
    json_t *other = json_array_get(json_object_get(status, "routes"), 0);
    assert_true(json_is_null(json_object_get(json_object_get(other, "backlog"), "bytes")));
    json_decref(status);
    buf_deinit(&text);
    free(r);
}

static void an_age_is_not_below_zero(void **state)
{
    struct route_backlog b = {.known = true, .bytes = 1, .oldest_ns = 5 * NS_PER_SECOND};
    assert_int_equal(backlog_age_ns(&b, 7 * NS_PER_SECOND), 2 * NS_PER_SECOND);
    assert_int_equal(backlog_age_ns(&b, 4 * NS_PER_SECOND), 0); /* its writer's clock is ahead */
    b.oldest_ns = 0;
    assert_int_equal(backlog_age_ns(&b, 7 * NS_PER_SECOND), 0);
}

static void bytes_at_risk_stand_beside_their_maximum_R10(void **state)
{
    struct status_report *r = new_report();
    struct buf text = BUF_INIT(1024 * 1024);
    metric_table_write(r, &text);
    const char *metrics = buf_string(&text);
    assert_non_null(strstr(metrics, "\ntallyman_pinned_bytes 900\n"));
    assert_non_null(strstr(metrics, "\ntallyman_pins_max_bytes 1000\n"));
    assert_non_null(strstr(metrics, "\ntallyman_route_pinned_bytes{route=\"a\"} 0\n"
                                    "tallyman_route_pinned_bytes{route=\"b\"} 800\n"));
    json_t *status = status_of(r, &text);
    assert_int_equal(number_in(status, "containers", "pinned_bytes"), 900);
    assert_int_equal(number_in(status, "containers", "pins_max_bytes"), 1000);
    json_t *route = json_array_get(json_object_get(status, "routes"), 1);
    assert_int_equal(number_in(route, NULL, "pinned_bytes"), 800);
    json_decref(status);
    buf_deinit(&text);
    free(r);
}

static void the_status_is_json_whatever_stands_in_it(void **state)
{
    struct status_report *r = new_report();
    struct buf text = BUF_INIT(1024 * 1024);
    r->balance.descriptors = -2;
    status_print(r, &text);
    json_t *status = json_loads(buf_string(&text), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(status);
    json_t *troubles = json_object_get(status, "degraded");
    assert_int_equal(json_array_size(troubles), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(troubles, 2), "subject")),
                        "2 \"\xef\xbf\xbd");
    json_t *resources = json_object_get(status, "resources");
    assert_int_equal(json_integer_value(json_object_get(resources, "difference")), 2);
    json_decref(status);
    buf_deinit(&text);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_the_conventions_R10),
        cmocka_unit_test(no_series_is_written_twice_R10),
        cmocka_unit_test(a_row_writes_its_own_family),
        cmocka_unit_test(a_sink_counts_what_is_its_own_R10),
        cmocka_unit_test(the_backlog_is_told_where_it_is_known_R10),
        cmocka_unit_test(an_age_is_not_below_zero),
        cmocka_unit_test(bytes_at_risk_stand_beside_their_maximum_R10),
        cmocka_unit_test(troubles_of_one_code_are_one_number),
        cmocka_unit_test(the_status_is_json_whatever_stands_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
