// SPDX-License-Identifier: Apache-2.0
/* A folded record is the same record, smaller (the resource equation: at most 1 KiB a source). */
#include "model/container_fold.h"

#include "base/word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ID    "4749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"
#define USUAL "/var/lib/docker/containers/" ID "/" ID "-json.log"
#define PAIRS(...)                                                                                 \
    ((struct pairs){.items = (struct pair[]){__VA_ARGS__},                                         \
                    .count = sizeof((struct pair[]){__VA_ARGS__}) / sizeof(struct pair)})

static struct container *made(const char *log_path, const char *address)
{
    struct container *c = NULL;
    struct container_fields fields = {
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
        .labels = PAIRS({"z", "1"}, {"a.b", "c"}),
        .networks = PAIRS({"bridge", address}, {"empty", ""}),
        .network_mode = "default",
        .log_driver = "local",
        .log_path = log_path,
        .rotation_bytes = 10000000,
        .cache_disabled = true,
        .tty = true,
        .constants = CONTAINER_CONSTANTS_DEFAULT,
    };
    assert_int_equal(container_new(&c, &fields), 0);
    return c;
}

static void assert_same_pairs(const struct pairs *a, const struct pairs *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_string_equal(a->items[i].key, b->items[i].key);
        assert_string_equal(a->items[i].value, b->items[i].value);
    }
}

/* All but `rendered` and `log_path`. */
static void assert_same(const struct container *a, const struct container *b)
{
    const char *texts[][2] = {
        {a->id, b->id},
        {a->name, b->name},
        {a->image, b->image},
        {a->state, b->state},
        {a->status, b->status},
        {a->platform, b->platform},
        {a->hostname, b->hostname},
        {a->command, b->command},
        {a->network_mode, b->network_mode},
        {a->log_driver, b->log_driver},
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_string_equal(texts[i][0], texts[i][1]);
    assert_same_pairs(&a->labels, &b->labels);
    assert_same_pairs(&a->networks, &b->networks);
    assert_int_equal(a->created_ns, b->created_ns);
    assert_int_equal(a->started_ns, b->started_ns);
    assert_int_equal(a->rotation_bytes, 10000000);
    assert_int_equal(b->rotation_bytes, 10000000);
    assert_true(a->cache_disabled && b->cache_disabled && a->tty && b->tty);
}

static void folded_and_unfolded_it_says_the_same(void **state)
{
    const char *log_paths[] = {USUAL, "", "/elsewhere/" ID "-json.log", "/" ID "/" ID "-json.log"};
    for (size_t i = 0; i < ARRAY_SIZE(log_paths); i++) {
        CLEANUP(container_unref) struct container *c = made(log_paths[i], "172.17.0.2");
        CLEANUP(container_unref) struct container *folded = NULL;
        CLEANUP(container_unref) struct container *again = NULL;
        char room[CONTAINER_LOG_PATH_MAX];
        assert_int_equal(container_fold(&folded, c), 0);
        assert_int_equal(container_unfold(&again, folded), 0);

        assert_same(folded, c);
        assert_string_equal(container_log_path(folded, room), log_paths[i]);
        assert_string_equal(container_label(folded, "a.b"), "c");
        assert_int_equal(folded->rendered.count, 0);
        assert_same(again, c);
        assert_string_equal(again->log_path, log_paths[i]);
        assert_same_pairs(&again->rendered, &c->rendered);
    }
    assert_int_equal(word_count(), 0);
}

static void alike_records_share_their_words(void **state)
{
    CLEANUP(container_unref) struct container *c = made(USUAL, "172.17.0.2");
    CLEANUP(container_unref) struct container *a = NULL;
    CLEANUP(container_unref) struct container *b = NULL;
    CLEANUP(container_unref) struct container *same = NULL;
    assert_int_equal(container_fold(&a, c), 0);
    size_t words = word_count();
    assert_int_equal(container_fold(&b, c), 0);
    assert_int_equal(word_count(), words);
    assert_ptr_equal(a->image, b->image);
    assert_ptr_equal(a->log_path, b->log_path);

    assert_int_equal(container_fold(&same, a), 0); /* folded already */
    assert_ptr_equal(same, a);
}

static void folding_changes_nothing_of_what_renders_same(void **state)
{
    CLEANUP(container_unref) struct container *c = made(USUAL, "172.17.0.2");
    CLEANUP(container_unref) struct container *moved = made("/other", "172.17.0.2");
    CLEANUP(container_unref) struct container *other = made(USUAL, "172.17.0.3");
    CLEANUP(container_unref) struct container *folded = NULL;
    CLEANUP(container_unref) struct container *folded_other = NULL;
    assert_int_equal(container_fold(&folded, c), 0);
    assert_int_equal(container_fold(&folded_other, other), 0);

    assert_true(container_renders_same(folded, c));
    assert_true(container_renders_same(moved, folded));
    assert_false(container_renders_same(folded, other));
    assert_false(container_renders_same(folded, folded_other));
}

/* A network that has no address is not rendered: with or without it, it is the same. */
static void what_is_not_rendered_does_not_count(void **state)
{
    struct container_fields fields = {.id = ID, .networks = PAIRS({"a", "1"}, {"b", ""})};
    CLEANUP(container_unref) struct container *with = NULL;
    CLEANUP(container_unref) struct container *without = NULL;
    CLEANUP(container_unref) struct container *folded = NULL;
    assert_int_equal(container_new(&with, &fields), 0);
    fields.networks = PAIRS({"a", "1"});
    assert_int_equal(container_new(&without, &fields), 0);
    assert_int_equal(container_fold(&folded, with), 0);

    assert_true(container_renders_same(with, without));
    assert_true(container_renders_same(folded, without));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folded_and_unfolded_it_says_the_same),
        cmocka_unit_test(alike_records_share_their_words),
        cmocka_unit_test(folding_changes_nothing_of_what_renders_same),
        cmocka_unit_test(what_is_not_rendered_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
