// SPDX-License-Identifier: Apache-2.0
/* Headers made of labels: what a container is called is a value, and never a header (R13). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "base/word.h"
#include "sink/http/header_templates.h"

#include <errno.h>
#include <string.h>

static struct container *make(const char *name, const char *tenant)
{
    struct pair labels[] = {{"tenant", tenant}};
    struct container_fields fields = {
        .id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .name = name,
        .labels = {labels, tenant ? 1 : 0},
    };
    struct container *c = NULL;
    assert_int_equal(container_new(&c, &fields), 0);
    return c;
}

static void add(struct header_templates *h, const char *name, const char *text)
{
    struct text_template *t = NULL;
    struct error error = {""};
    if (text_template_parse(&t, text, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(header_templates_add(h, name, t), 0);
}

/* The word for "X-Tenant: <{container_label_tenant}>", to be dropped. */
static const char *render(const char *template, const char *tenant)
{
    struct header_templates h = {0};
    CLEANUP(container_unref) struct container *c = make("web", tenant);
    const char *word = NULL;
    add(&h, "X-Tenant", template);
    assert_int_equal(header_templates_render(&h, c, &word, NULL), 0);
    header_templates_deinit(&h);
    return word;
}

static void expect(const char *template, const char *tenant, const char *lines)
{
    const char *word = render(template, tenant);
    assert_string_equal(word, lines);
    word_drop(word);
}

static void values_are_labels(void **state)
{
    expect("{container_label_tenant}", "shop", "X-Tenant: shop\n");
    expect("{{{container_name}-{container_label_tenant}}}", "a/b", "X-Tenant: {web-a/b}\n");
    expect("{container_label_tenant}", NULL, "X-Tenant: _\n");
    expect("{container_label_tenant}", "", "X-Tenant: _\n");
    expect("{container_label_tenant}", "   ", "X-Tenant: _\n");
    expect("t-{container_label_tenant}", NULL, "X-Tenant: t-_\n");
    expect("{container_label_tenant}", "{image}", "X-Tenant: {image}\n");
}

static void r13_a_label_begins_no_header(void **state)
{
    expect("{container_label_tenant}", "a\r\nX-Admin: 1", "X-Tenant: a__X-Admin: 1\n");
    expect("{container_label_tenant}", "\n\t\x01\x7f", "X-Tenant: ____\n");
}

/* The same text is the same pointer, by which lines are told apart. */
static void equal_headers_are_one_group(void **state)
{
    size_t before = word_count();
    const char *a = render("{container_label_tenant}", "a");
    const char *again = render("{container_label_tenant}", "a");
    const char *b = render("{container_label_tenant}", "b");
    assert_ptr_equal(a, again);
    assert_ptr_not_equal(a, b);
    word_drop(a);
    word_drop(again);
    word_drop(b);
    assert_int_equal(word_count(), before);
}

static void long_values_are_cut_and_stay_distinct(void **state)
{
    char label[3000];
    memset(label, 'x', sizeof(label) - 1);
    label[sizeof(label) - 1] = '\0';
    const char *a = render("{container_label_tenant}", label);
    label[sizeof(label) - 2] = 'y';
    const char *b = render("{container_label_tenant}", label);
    assert_int_equal(strlen(a), strlen("X-Tenant: \n") + HEADER_VALUE_MAX);
    assert_int_equal(strlen(b), strlen(a));
    assert_ptr_not_equal(a, b);
    word_drop(a);
    word_drop(b);
}

static void no_templates_are_no_group(void **state)
{
    struct header_templates h = {0};
    CLEANUP(container_unref) struct container *c = make("web", NULL);
    const char *word = "";
    assert_int_equal(header_templates_render(&h, c, &word, NULL), 0);
    assert_null(word);
}

static void several_stand_in_their_order(void **state)
{
    struct header_templates h = {0};
    CLEANUP(container_unref) struct container *c = make("web", "shop");
    const char *word = NULL;
    add(&h, "X-B", "{container_name}");
    add(&h, "X-A", "{container_label_tenant}");
    assert_int_equal(header_templates_render(&h, c, &word, NULL), 0);
    assert_string_equal(word, "X-B: web\nX-A: shop\n");
    word_drop(word);
    header_templates_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_labels),
        cmocka_unit_test(r13_a_label_begins_no_header),
        cmocka_unit_test(equal_headers_are_one_group),
        cmocka_unit_test(long_values_are_cut_and_stay_distinct),
        cmocka_unit_test(no_templates_are_no_group),
        cmocka_unit_test(several_stand_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
