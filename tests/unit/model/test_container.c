// SPDX-License-Identifier: Apache-2.0
#include "model/container.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ID "4749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"
#define PAIRS(...)                                                                                 \
    ((struct pairs){.items = (struct pair[]){__VA_ARGS__},                                         \
                    .count = sizeof((struct pair[]){__VA_ARGS__}) / sizeof(struct pair)})

static struct container_fields full_fields(void)
{
    return (struct container_fields){
        .id = ID,
        .name = "web",
        .image = "nginx:1.25",
        .created_ns = 1,
        .started_ns = 2,
        .state = "running",
        .status = "healthy",
        .platform = "linux",
        .hostname = "hh",
        .command = "nginx",
        .network_mode = "front",
        .log_path = "/x/y",
        .constants = CONTAINER_CONSTANTS_DEFAULT,
    };
}

static struct container *made(const struct container_fields *fields)
{
    struct container *c = NULL;
    assert_int_equal(container_new(&c, fields), 0);
    assert_non_null(c);
    return c;
}

static void assert_rendered(const struct container *c, const char *const *keys_and_values)
{
    size_t i = 0;
    for (; keys_and_values[2 * i]; i++) {
        assert_true(i < c->rendered.count);
        assert_string_equal(c->rendered.items[i].key, keys_and_values[2 * i]);
        assert_string_equal(c->rendered.items[i].value, keys_and_values[2 * i + 1]);
    }
    assert_int_equal(c->rendered.count, i);
}

/* S32-S34 S36-S40 S41 S42 S43 D44: all of them, in the documented order. */
static void s32_to_s43_every_label_in_order(void **state)
{
    struct container_fields fields = full_fields();
    fields.networks = PAIRS({"front", "10.0.0.2"}, {"back-end", "fd00::2"});
    fields.labels =
        PAIRS({"tier", "edge"}, {"com.docker.compose.project", "shop"},
              {"com.docker.compose.service", "web"}, {"com.docker.stack.namespace", "prod"},
              {"com.docker.swarm.service.name", "prod_web"}, {"a.b", "c"});
    CLEANUP(container_unref) struct container *c = made(&fields);

    assert_rendered(c, (const char *[]){"container_id",
                                        "4749f2110d79",
                                        "container_name",
                                        "web",
                                        "image",
                                        "nginx:1.25",
                                        "state",
                                        "running",
                                        "hostname",
                                        "hh",
                                        "command",
                                        "nginx",
                                        "platform",
                                        "linux",
                                        "network",
                                        "front",
                                        "network_back_end",
                                        "fd00::2",
                                        "network_front",
                                        "10.0.0.2",
                                        "compose_project",
                                        "shop",
                                        "compose_service",
                                        "web",
                                        "swarm_stack",
                                        "prod",
                                        "swarm_service",
                                        "prod_web",
                                        "container_label_a_b",
                                        "c",
                                        "container_label_com_docker_stack_namespace",
                                        "prod",
                                        "container_label_com_docker_swarm_service_name",
                                        "prod_web",
                                        "container_label_tier",
                                        "edge",
                                        "source",
                                        "docker",
                                        "service",
                                        "ssw-log-capturer",
                                        NULL});
    assert_string_equal(container_rendered(c, "image"), "nginx:1.25");
    assert_null(container_rendered(c, "stream"));
    assert_string_equal(container_label(c, "com.docker.compose.project"), "shop");
    assert_null(container_label(c, "absent"));
}

/* S42 S43: what is empty is left out; the id alone is enough. S15: nothing of it may be missing. */
static void s43_empty_values_are_left_out(void **state)
{
    CLEANUP(container_unref) struct container *c = made(&(struct container_fields){.id = ID});

    assert_rendered(c, (const char *[]){"container_id", "4749f2110d79", NULL});
    assert_string_equal(c->name, "");
    assert_string_equal(c->log_driver, "json-file"); /* S5 */
    assert_string_equal(c->log_path, "");
    assert_int_equal(c->networks.count, 0);
    assert_null(container_label(c, "any"));
}

static void s32_an_id_is_64_hex_digits(void **state)
{
    struct container *c = (void *)1;
    const char *wrong[] = {NULL, "", "4749f2110d79", ID "0",
                           "4749F2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(container_new(&c, &(struct container_fields){.id = wrong[i]}), -EINVAL);
    assert_ptr_equal(c, (void *)1); /* untouched on failure */
}

static void s42_constants_are_the_callers(void **state)
{
    struct container_fields fields = {.id = ID, .constants = {.source = "edge", .service = ""}};
    CLEANUP(container_unref) struct container *c = made(&fields);

    assert_string_equal(container_rendered(c, "source"), "edge");
    assert_null(container_rendered(c, "service"));
}

/* S44 S45 S46 S47: by exact prefix; a near miss is kept. */
static void s44_to_s47_dropped_prefixes(void **state)
{
    struct container_fields fields = {.id = ID};
    fields.labels = PAIRS({"com.docker.compose.config-hash", "x"}, {"com.docker.composeX", "kept"},
                          {"com.docker.compose", "kept"}, {"org.opencontainers.image.title", "x"},
                          {"org.opencontainersX", "kept"}, {"desktop.docker.io/binds/0", "x"},
                          {"desktop.docker.io", "kept"}, {"desktop.docker.iox", "kept"},
                          {"x.com.docker.compose.y", "kept"});
    CLEANUP(container_unref) struct container *c = made(&fields);

    assert_rendered(c, (const char *[]){"container_id", "4749f2110d79",
                                        "container_label_com_docker_compose", "kept",
                                        "container_label_com_docker_composeX", "kept",
                                        "container_label_desktop_docker_io", "kept",
                                        "container_label_desktop_docker_iox", "kept",
                                        "container_label_org_opencontainersX", "kept",
                                        "container_label_x_com_docker_compose_y", "kept", NULL});
    assert_int_equal(c->labels.count, 9); /* the record itself has them all */
}

/* D47: one name each, by Docker's own order, whatever order they came in. */
static void d47_collisions_get_numbers(void **state)
{
    struct pair one[] = {{"a.b", "dot"},   {"a-b", "dash"},   {"a_b", "plain"}, {"a_b_2", "two"},
                         {"a/b", "slash"}, {"\xc3\xa9", "e"}, {"", "none"}};
    struct pair other[] = {one[6], one[3], one[0], one[5], one[4], one[2], one[1]};
    const char *expected[] = {"container_id",
                              "4749f2110d79",
                              "container_label_",
                              "none",
                              "container_label_a_b",
                              "dash",
                              "container_label_a_b_3",
                              "dot",
                              "container_label_a_b_4",
                              "slash",
                              "container_label_a_b_5",
                              "plain",
                              "container_label_a_b_2",
                              "two",
                              "container_label___",
                              "e",
                              NULL};
    struct container_fields fields = {.id = ID, .labels = {one, ARRAY_SIZE(one)}};
    CLEANUP(container_unref) struct container *a = made(&fields);
    fields.labels.items = other;
    CLEANUP(container_unref) struct container *b = made(&fields);

    assert_rendered(a, expected);
    assert_rendered(b, expected);
}

/* D47: ten thousand keys that all collide neither hang nor repeat. */
static void d47_many_collisions(void **state)
{
    enum { COUNT = 10000 };
    static char keys[COUNT][16];
    static struct pair items[COUNT];
    for (int i = 0; i < COUNT; i++) {
        for (int bit = 0; bit < 14; bit++)
            keys[i][bit] = (i >> bit) & 1 ? '.' : '-';
        items[i] = (struct pair){keys[i], "v"};
    }
    struct container_fields fields = {.id = ID, .labels = {items, COUNT}};
    CLEANUP(container_unref) struct container *c = made(&fields);

    assert_int_equal(c->rendered.count, COUNT + 1);
    assert_string_equal(c->rendered.items[1].key, "container_label_______________");
    assert_string_equal(c->rendered.items[COUNT].key, "container_label________________10000");
}

/* D40: HostConfig.NetworkMode if attached, "default" being Docker's bridge, else first by name. */
static void d40_primary_network(void **state)
{
    const struct {
        const char *mode, *expected;
    } cases[] = {{"front", "front"}, {"default", "bridge"}, {"gone", "app"}, {"", "app"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct container_fields fields = {.id = ID, .network_mode = cases[i].mode};
        fields.networks = PAIRS({"front", ""}, {"bridge", ""}, {"app", ""});
        CLEANUP(container_unref) struct container *c = made(&fields);
        assert_string_equal(container_rendered(c, "network"), cases[i].expected);
        assert_null(container_rendered(c, "network_app")); /* S41: without an address, none */
    }

    struct container_fields fields = {.id = ID, .network_mode = "container:abc"};
    CLEANUP(container_unref) struct container *c = made(&fields);
    assert_null(container_rendered(c, "network"));
}

/* What begins an era: anything that labels, matching, paths or TTY depend on, and nothing else. */
static void renders_same(void **state)
{
    struct container_fields fields = full_fields();
    fields.networks = PAIRS({"front", "10.0.0.2"});
    fields.labels = PAIRS({"a", "1"}, {"com.docker.compose.number", "1"});
    CLEANUP(container_unref) struct container *c = made(&fields);

    struct container_fields same = fields;
    same.status = "unhealthy";
    same.started_ns = 99;
    same.log_path = "/elsewhere";
    CLEANUP(container_unref) struct container *d = made(&same);
    assert_true(container_renders_same(c, d));
    assert_true(container_renders_same(c, c));

    struct container_fields changed[10];
    for (size_t i = 0; i < ARRAY_SIZE(changed); i++)
        changed[i] = fields;
    changed[0].name = "web2";
    changed[1].image = "nginx";
    changed[2].state = "exited";
    changed[3].tty = true;
    changed[4].networks = PAIRS({"front", "10.0.0.3"});
    changed[5].labels = PAIRS({"a", "1"}, {"com.docker.compose.number", "2"});
    changed[6].labels = PAIRS({"a", "1"});
    changed[7].hostname = "hx";
    changed[8].id = "5749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754";
    changed[9].constants.service = "other";
    for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
        CLEANUP(container_unref) struct container *e = made(&changed[i]);
        assert_false(container_renders_same(c, e));
    }
}

static void *ref_and_unref(void *c)
{
    for (int i = 0; i < 10000; i++)
        container_unref(container_ref(c));
    container_unref(c);
    return NULL;
}

/* S14: shared by count, given back by whoever is last. The sanitizers see a miscount. */
static void s14_references_from_many_threads(void **state)
{
    struct container_fields fields = full_fields();
    struct container *c = made(&fields);
    pthread_t threads[4];

    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, container_ref(c)), 0);
    assert_null(container_unref(c));
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        pthread_join(threads[i], NULL);
    assert_null(container_unref(NULL));
}

/* S14: a record borrows nothing from what it was made of. */
static void s14_copied_from_its_fields(void **state)
{
    char name[] = "web", key[] = "k.1", value[] = "v";
    struct pair label = {key, value};
    struct container_fields fields = {.id = ID, .name = name, .labels = {&label, 1}};
    CLEANUP(container_unref) struct container *c = made(&fields);

    memset(name, 'x', 3);
    memset(key, 'x', 3);
    memset(value, 'x', 1);
    label = (struct pair){NULL, NULL};
    assert_string_equal(c->name, "web");
    assert_string_equal(container_rendered(c, "container_label_k_1"), "v");
}

/* R13: a letter is sent again with the labels that its line had. */
static void r13_restored_of_what_was_rendered(void **state)
{
    struct container_fields fields = full_fields();
    fields.labels = PAIRS({"z", "1"}, {"a", ""}, {"k", "v"});
    CLEANUP(container_unref) struct container *c = made(&fields);
    CLEANUP(container_unref) struct container *again = NULL;
    assert_int_equal(container_restore(&again, c->id, c->name, &c->rendered, true), 0);
    CLEANUP(container_unref) struct container *bare = NULL;
    assert_int_equal(container_restore(&bare, ID, "", &(struct pairs){0}, false), 0);

    assert_string_equal(again->id, c->id);
    assert_string_equal(again->name, c->name);
    assert_true(again->tty);
    assert_int_equal(again->rendered.count, c->rendered.count);
    for (size_t i = 0; i < c->rendered.count; i++) {
        assert_string_equal(again->rendered.items[i].key, c->rendered.items[i].key);
        assert_string_equal(again->rendered.items[i].value, c->rendered.items[i].value);
        assert_ptr_not_equal(again->rendered.items[i].value, c->rendered.items[i].value);
    }
    assert_string_equal(container_rendered(again, "image"), "nginx:1.25");
    assert_string_equal(again->image, "");
    assert_null(container_label(again, "z"));
    assert_int_equal(bare->rendered.count, 0);
    assert_int_equal(container_restore(&again, "short", "", &(struct pairs){0}, false), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s32_to_s43_every_label_in_order),
        cmocka_unit_test(s43_empty_values_are_left_out),
        cmocka_unit_test(s32_an_id_is_64_hex_digits),
        cmocka_unit_test(s42_constants_are_the_callers),
        cmocka_unit_test(s44_to_s47_dropped_prefixes),
        cmocka_unit_test(d47_collisions_get_numbers),
        cmocka_unit_test(d47_many_collisions),
        cmocka_unit_test(d40_primary_network),
        cmocka_unit_test(renders_same),
        cmocka_unit_test(s14_references_from_many_threads),
        cmocka_unit_test(s14_copied_from_its_fields),
        cmocka_unit_test(r13_restored_of_what_was_rendered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
