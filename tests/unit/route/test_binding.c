// SPDX-License-Identifier: Apache-2.0
/* What requests have of a container outlives its source, and its labels are there as long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "route/route_private.h"

#define ID "4749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"

struct sink_target {
    int unused;
};

static unsigned targets;

static int bind(struct sink *s, const struct container *c, struct sink_target **ret,
                struct error *error)
{
    *ret = calloc(1, sizeof(**ret));
    assert_non_null(*ret);
    targets++;
    return 0;
}

static struct sink_target *unbind(struct sink *s, struct sink_target *target)
{
    free(target);
    targets--;
    return NULL;
}

static const struct sink_ops ops = {.bind = bind, .unbind = unbind};

/* A route of so many containers that each keeps its labels only while they are used. */
static struct binding *begin(struct route *r)
{
    static const struct container_fields fields = {.id = ID, .name = "web"};
    struct container *c = NULL;
    struct binding *b = NULL;
    struct error error;
    *r = (struct route){.ops = &ops, .unfolded = 1000};
    assert_int_equal(container_new(&c, &fields), 0);
    assert_int_equal(binding_new(r, c, &b, &error), 0);
    container_unref(c);
    return b;
}

static void labels_are_there_while_a_part_has_them(void **state)
{
    struct route r;
    struct binding *b = begin(&r);
    binding_hold(b);
    binding_used(&r, b);
    binding_fold(&r, b);
    assert_non_null(b->container);
    binding_release(&r, b);
    assert_null(b->container);
    binding_let_go(&r, b);
    assert_int_equal(targets, 0);
}

/* It was renamed, or removed, while its lines are under way. */
static void labels_are_there_without_the_source(void **state)
{
    struct route r;
    struct binding *b = begin(&r);
    binding_hold(b);
    binding_let_go(&r, b);
    assert_non_null(b->container);
    binding_hold(b); /* its request is copied into another */
    binding_release(&r, b);
    assert_non_null(b->container);
    assert_string_equal(container_rendered(b->container, "container_name"), "web");
    assert_int_equal(targets, 1);
    binding_release(&r, b);
    assert_int_equal(targets, 0);
    assert_int_equal(r.unfolded, 1000);
}

/* A sink that can make targets anew has none of a source that is quiet. */
static void at_rest_there_is_none_where_it_can_be_made_anew(void **state)
{
    static const struct sink_ops forgetful = {.bind = bind, .unbind = unbind, .rest = unbind};
    struct route r;
    struct binding *b = begin(&r);
    assert_ptr_equal(binding_rest(&r, b), b);
    assert_null(b->container);
    assert_int_equal(targets, 1);
    r.ops = &forgetful;
    assert_null(binding_rest(&r, b));
    assert_int_equal(targets, 0);

    b = begin(&r);
    r.ops = &forgetful;
    binding_hold(b);
    assert_null(binding_rest(&r, b)); /* its lines are under way */
    assert_string_equal(container_rendered(b->container, "container_name"), "web");
    binding_release(&r, b);
    assert_int_equal(targets, 0);
    assert_int_equal(r.unfolded, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_there_while_a_part_has_them),
        cmocka_unit_test(labels_are_there_without_the_source),
        cmocka_unit_test(at_rest_there_is_none_where_it_can_be_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
