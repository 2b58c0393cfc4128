// SPDX-License-Identifier: Apache-2.0
/* base/metric.h: the text that Prometheus reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/metric.h"

static const struct metric plain = {"t_up", METRIC_GAUGE, "Is it?", {NULL}};
static const struct metric labelled = {"t_lines_total", METRIC_COUNTER, "Lines.", {"a", "b"}};

static void assert_text(struct buf *text, const char *expected)
{
    assert_string_equal(buf_string(text), expected);
    buf_deinit(text);
}

static void family_has_its_help_and_its_type(void **state)
{
    struct buf text = BUF_INIT(4096);
    struct metric_writer w = {.to = &text};
    metric_begin(&w, &plain);
    metric_count(&w, -1, NULL, NULL);
    assert_text(&text, "# HELP t_up Is it?\n# TYPE t_up gauge\nt_up -1\n");
}

static void labels_stand_in_braces(void **state)
{
    struct buf text = BUF_INIT(4096);
    struct metric_writer w = {.to = &text};
    metric_begin(&w, &labelled);
    metric_count(&w, INT64_MAX, "x", "");
    assert_text(&text, "# HELP t_lines_total Lines.\n# TYPE t_lines_total counter\n"
                       "t_lines_total{a=\"x\",b=\"\"} 9223372036854775807\n");
}

static void values_of_labels_are_escaped(void **state)
{
    struct buf text = BUF_INIT(4096);
    struct metric_writer w = {.to = &text, .metric = &labelled};
    metric_count(&w, 1, "a\"b\\c", "d\ne");
    assert_text(&text, "t_lines_total{a=\"a\\\"b\\\\c\",b=\"d\\ne\"} 1\n");
}

static void times_are_told_in_seconds(void **state)
{
    struct buf text = BUF_INIT(4096);
    struct metric_writer w = {.to = &text, .metric = &plain};
    metric_seconds(&w, INT64_C(1000000001), NULL, NULL);
    metric_seconds(&w, 0, NULL, NULL);
    assert_text(&text, "t_up 1.000000001\nt_up 0.000000000\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(family_has_its_help_and_its_type),
        cmocka_unit_test(labels_stand_in_braces),
        cmocka_unit_test(values_of_labels_are_escaped),
        cmocka_unit_test(times_are_told_in_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
