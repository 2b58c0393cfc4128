// SPDX-License-Identifier: Apache-2.0
/* Label texts: kept for the targets used last, rendered again for the others, always those of their
 * own container. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "sink/rendered.h"

enum { TARGETS = TEXTS_KEPT_MAX + 8 };

struct many {
    struct encoder encoder;
    struct rendered_list list;
    struct rendered targets[TARGETS];
    struct container *containers[TARGETS];
};

static void many_init(struct many *m)
{
    struct line_options options = {.format = SINK_NDJSON};
    *m = (struct many){0};
    assert_int_equal(encoder_init(&m->encoder, &options, NULL), 0);
    for (int i = 0; i < TARGETS; i++) {
        char id[CONTAINER_ID_SIZE + 1], name[16];
        snprintf(id, sizeof(id), "%064x", i);
        snprintf(name, sizeof(name), "name-%d-", i);
        struct container_fields fields = {.id = id, .name = name};
        assert_int_equal(container_new(&m->containers[i], &fields), 0);
    }
}

static void many_deinit(struct many *m)
{
    for (int i = 0; i < TARGETS; i++) {
        rendered_drop(&m->list, &m->targets[i]);
        container_unref(m->containers[i]);
    }
    assert_int_equal(m->list.count, 0);
    assert_null(m->list.newest);
    assert_null(m->list.oldest);
}

static void use(struct many *m, int i)
{
    char name[24];
    assert_int_equal(rendered_use(&m->list, &m->targets[i], &m->encoder, m->containers[i], NULL),
                     0);
    snprintf(name, sizeof(name), "name-%d-", i);
    struct span text = m->targets[i].texts.of[STREAM_STDERR];
    assert_non_null(memmem(text.data, text.size, name, strlen(name)));
}

static void texts_of_quiet_targets_are_given_back(void **state)
{
    struct many m;
    many_init(&m);
    for (int i = 0; i < TARGETS; i++) {
        use(&m, i);
        use(&m, 0); /* stays among the last */
    }
    assert_int_equal(m.list.count, TEXTS_KEPT_MAX);
    assert_true(m.targets[0].there);
    assert_false(m.targets[1].there);
    assert_true(m.targets[TARGETS - 1].there);
    many_deinit(&m);
}

static void texts_given_back_are_rendered_again(void **state)
{
    struct many m;
    many_init(&m);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < TARGETS; i++)
            use(&m, i);
    rendered_drop(&m.list, &m.targets[TARGETS - 1]);
    rendered_drop(&m.list, &m.targets[TARGETS - 1]);
    rendered_drop(&m.list, &m.targets[TARGETS - 3]); /* from the middle */
    assert_int_equal(m.list.count, TEXTS_KEPT_MAX - 2);
    use(&m, TARGETS - 1);
    many_deinit(&m);
}

/* For as long as a container does not change: what is written into its text is still there. */
static void texts_that_are_there_are_not_rendered_again(void **state)
{
    static struct many m;
    many_init(&m);
    for (int i = 0; i < TEXTS_KEPT_MAX; i++)
        use(&m, i);
    char *text = (char *)m.targets[7].texts.of[STREAM_STDERR].data;
    text[0] = '?';
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < TEXTS_KEPT_MAX; i++)
            use(&m, i);
    assert_ptr_equal(m.targets[7].texts.of[STREAM_STDERR].data, text);
    assert_int_equal(text[0], '?');
    rendered_drop(&m.list, &m.targets[7]); /* it has changed */
    use(&m, 7);
    assert_int_not_equal(m.targets[7].texts.of[STREAM_STDERR].data[0], '?');
    many_deinit(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_quiet_targets_are_given_back),
        cmocka_unit_test(texts_given_back_are_rendered_again),
        cmocka_unit_test(texts_that_are_there_are_not_rendered_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
