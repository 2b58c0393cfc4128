// SPDX-License-Identifier: Apache-2.0
#include "loki_rig.h"

#include "sink/loki/name.h"

#include <errno.h>
#include <string.h>

static int init(struct option_texts stream, struct option_texts metadata, struct error *error)
{
    struct loki_labels l;
    return loki_labels_init(&l, LOKI_PROTOBUF, stream, metadata, "box", error);
}

/* D48: Loki takes 15 labels at most. */
static void test_at_most_fifteen(void **state)
{
    static char names[LOKI_STREAM_LABELS_MAX + 1][32];
    const char *items[LOKI_STREAM_LABELS_MAX + 1];
    struct error error = {0};
    for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
        snprintf(names[i], sizeof(names[i]), "container_label_%zu", i);
        items[i] = names[i];
    }
    assert_int_equal(init((struct option_texts){items, 15}, (struct option_texts){0}, &error), 0);
    assert_int_equal(init((struct option_texts){items, 16}, (struct option_texts){0}, &error),
                     -EINVAL);
    assert_string_equal(error.text, "labels: 16 names; Loki takes at most 15");
}

/* R13: a misspelt name is an error at the start. */
static void test_names_are_checked(void **state)
{
    static const char *const misspelt[] = {"container_nam"};
    static const char *const twice[] = {"host", "stream", "host"};
    static const char *const unknown[] = {"image", "partiall"};
    struct error error = {0};
    assert_int_equal(init((struct option_texts){misspelt, 1}, (struct option_texts){0}, &error),
                     -EINVAL);
    assert_string_equal(error.text, "labels: no container has a label \"container_nam\" (did you "
                                    "mean \"container_name\"?)");
    assert_int_equal(init((struct option_texts){twice, 3}, (struct option_texts){0}, &error),
                     -EINVAL);
    assert_string_equal(error.text, "labels: \"host\" stands there twice");
    assert_int_equal(init((struct option_texts){0}, (struct option_texts){unknown, 2}, &error),
                     -EINVAL);
    assert_string_equal(error.text, "structured_metadata: no line has a label \"partiall\" "
                                    "(did you mean \"partial\"?)");
}

static struct container *container_named(const char *name, const char *tier)
{
    struct pair label = {"tier", tier};
    struct container *c = NULL;
    struct container_fields fields = {
        .id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .name = name,
        .labels = {&label, 1},
    };
    assert_int_equal(container_new(&c, &fields), 0);
    return c;
}

static void expect_name(const char *value, const char *name)
{
    static const char *const names[] = {"stream", "container_label_tier"};
    struct loki_labels l;
    struct loki_texts texts;
    struct container *c = container_named("web", value);
    assert_int_equal(loki_labels_init(&l, LOKI_JSON, (struct option_texts){names, 2},
                                      (struct option_texts){0}, "box", NULL),
                     0);
    assert_int_equal(loki_labels_render(&l, c, &texts), 0);
    struct span was = texts.name[STREAM_STDERR];
    if (!span_equal(was, span_of(name)))
        fail_msg("%.*s\nis not\n%s", (int)was.size, was.data, name);
    loki_texts_deinit(&texts);
    container_unref(c);
}

/* As Go's strconv.Quote has it; sorted by name, empty values left out. */
static void test_quoting(void **state)
{
#define NAMED(value) "{container_label_tier=\"" value "\", stream=\"stderr\"}"
    expect_name("front", NAMED("front"));
    expect_name("a \"b\" \\c", NAMED("a \\\"b\\\" \\\\c"));
    expect_name("\a\b\t\n\v\f\r\x01\x7f", NAMED("\\a\\b\\t\\n\\v\\f\\r\\x01\\x7f"));
    expect_name("é 🐳 \xff", NAMED("é 🐳 \ufffd"));
    expect_name("", "{stream=\"stderr\"}");
#undef NAMED
}

/* Loki takes no stream without a label. */
static void test_a_stream_has_a_label(void **state)
{
    static const char *const names[] = {"compose_project"};
    struct loki_labels l;
    struct loki_texts texts;
    struct container *c = container_named("web", "x");
    assert_int_equal(loki_labels_init(&l, LOKI_JSON, (struct option_texts){names, 1},
                                      (struct option_texts){0}, "box", NULL),
                     0);
    assert_int_equal(loki_labels_render(&l, c, &texts), 0);
    assert_true(span_equal(texts.name[0], SPAN("{source_type=\"docker\"}")));
    assert_true(span_equal(texts.labels[1], SPAN("{\"source_type\":\"docker\"}")));
    assert_null(memmem(texts.metadata[0].data, texts.metadata[0].size, "source_type", 11));
    loki_texts_deinit(&texts);
    container_unref(c);
}

/* Loki adds labels of its own to a stream, and tells of the whole. */
static void test_names_in_answers(void **state)
{
    const struct span ours = SPAN("{container_name=\"w, \\\"}\", stream=\"stdout\"}");
    static const struct {
        struct span written;
        bool same;
    } rows[] = {
        {SPAN("{container_name=\"w, \\\"}\", stream=\"stdout\"}' totaling"), true},
        {SPAN("{__stream_shard__=\"3\", container_name=\"w, \\\"}\", service_name=\"w\", "
              "stream=\"stdout\"}"),
         true},
        {SPAN("{container_name=\"w, \\\"}\", stream=\"stderr\"}"), false},
        {SPAN("{container_name=\"w, \\\"}\"}"), false},
        {SPAN("{a=\"b\", container_name=\"w, \\\"}\", stream=\"stdout\"}"), false},
        {SPAN("{container_name=\"w, \\\"}\", stream=\"stdout\", z=\"\"}"), false},
        {SPAN("{container_name=\"w, \\\"}\", stream=\"std"), false}, /* cut */
        {SPAN("{container_name=\"w, \\\"}\", stream=\"stdout\""), false},
        {SPAN("{container_name"), false},
        {SPAN("{"), false},
        {SPAN(""), false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (loki_name_means(rows[i].written, ours) != rows[i].same)
            fail_msg("%s", rows[i].written.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_most_fifteen),  cmocka_unit_test(test_names_are_checked),
        cmocka_unit_test(test_quoting),          cmocka_unit_test(test_a_stream_has_a_label),
        cmocka_unit_test(test_names_in_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
