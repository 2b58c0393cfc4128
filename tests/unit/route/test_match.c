// SPDX-License-Identifier: Apache-2.0
/* Which containers a route takes. */
#include "route/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define GLOBS(...)                                                                                 \
    (struct globs)                                                                                 \
    {                                                                                              \
        (const char *const[]){__VA_ARGS__},                                                        \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)                            \
    }
#define INCLUDE(...) ((struct match){.include = {__VA_ARGS__}})
#define EXCLUDE(...) ((struct match){.exclude = {__VA_ARGS__}})
#define LABEL(k, ...)                                                                              \
    .labels = &(struct label_globs){.key = (k), .values = GLOBS(__VA_ARGS__)}, .label_count = 1

static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/* web-1 of the image registry/shop/web:2, with labels. */
static struct container *web(struct pair *labels, size_t label_count)
{
    struct container *c = NULL;
    const struct container_fields fields = {
        .id = id,
        .name = "web-1",
        .image = "registry/shop/web:2",
        .labels = {labels, label_count},
        .constants = CONTAINER_CONSTANTS_DEFAULT,
    };
    assert_int_equal(container_new(&c, &fields), 0);
    return c;
}

static bool takes(const struct match *m)
{
    struct pair labels[] = {
        {"com.docker.compose.project", "shop"}, {"empty", ""}, {"team", "blue"}};
    CLEANUP(container_unref) struct container *c = web(labels, ARRAY_SIZE(labels));
    return match_container(m, c);
}

static void no_key_takes_every_container(void **state)
{
    assert_true(takes(&(struct match){0}));
}

static void globs_are_matched_whole(void **state)
{
    assert_true(takes(&INCLUDE(.container_name = GLOBS("web-1"))));
    assert_true(takes(&INCLUDE(.container_name = GLOBS("w?b-*"))));
    assert_true(takes(&INCLUDE(.container_name = GLOBS("web-[0-9]"))));
    assert_true(takes(&INCLUDE(.container_name = GLOBS("web\\-1"))));
    assert_false(takes(&INCLUDE(.container_name = GLOBS("web"))));
    assert_false(takes(&INCLUDE(.container_name = GLOBS("eb-1"))));
    assert_false(takes(&INCLUDE(.container_name = GLOBS("WEB-1"))));
    assert_false(takes(&INCLUDE(.container_name = GLOBS("web-[!1]"))));
    assert_false(takes(&INCLUDE(.container_name = GLOBS("web\\?1"))));
}

static void a_slash_is_a_character_like_others(void **state)
{
    assert_true(takes(&INCLUDE(.image = GLOBS("*/web:*"))));
    assert_true(takes(&INCLUDE(.image = GLOBS("registry*2"))));
    assert_true(takes(&INCLUDE(.image = GLOBS("registry?shop?web:2"))));
}

static void one_glob_of_a_list_is_enough(void **state)
{
    assert_true(takes(&INCLUDE(.container_name = GLOBS("db-*", "web-*"))));
    assert_false(takes(&INCLUDE(.container_name = GLOBS("db-*", "cache"))));
}

static void every_key_must_match(void **state)
{
    assert_true(takes(&INCLUDE(.container_name = GLOBS("web-*"), .image = GLOBS("*web*"))));
    assert_false(takes(&INCLUDE(.container_name = GLOBS("web-*"), .image = GLOBS("*db*"))));
    assert_false(takes(&INCLUDE(.container_name = GLOBS("db-*"), .image = GLOBS("*web*"))));
}

static void an_id_matches_by_12_digits_or_more(void **state)
{
    assert_true(takes(&INCLUDE(.id = GLOBS(id))));
    assert_true(takes(&INCLUDE(.id = GLOBS("0123456789ab"))));
    assert_true(takes(&INCLUDE(.id = GLOBS("0123456789abc"))));
    assert_true(takes(&INCLUDE(.id = GLOBS("0123*"))));
    assert_false(takes(&INCLUDE(.id = GLOBS("0123456789a"))));
    assert_false(takes(&INCLUDE(.id = GLOBS("123456789abc"))));
    assert_false(takes(&INCLUDE(.id = GLOBS("0123456789ac"))));
    assert_false(takes(&INCLUDE(.id = GLOBS("0123456789?b"))));
}

static void a_compose_project_is_matched(void **state)
{
    assert_true(takes(&INCLUDE(.compose_project = GLOBS("sh*"))));
    assert_false(takes(&INCLUDE(.compose_project = GLOBS("other"))));
}

static void labels_are_matched(void **state)
{
    assert_true(takes(&INCLUDE(LABEL("team", "green", "bl*"))));
    assert_true(takes(&INCLUDE(LABEL("empty", ""))));
    assert_false(takes(&INCLUDE(LABEL("team", "green"))));
    assert_false(takes(&INCLUDE(LABEL("team", ""))));

    struct label_globs both[] = {{"team", GLOBS("blue")}, {"empty", GLOBS("x")}};
    assert_false(takes(&INCLUDE(.labels = both, .label_count = 2)));
    both[1].values = GLOBS("*");
    assert_true(takes(&INCLUDE(.labels = both, .label_count = 2)));
}

/* So `*` asks whether it is there. */
static void what_is_not_there_matches_no_glob(void **state)
{
    assert_true(takes(&INCLUDE(LABEL("team", "*"))));
    assert_false(takes(&INCLUDE(LABEL("absent", "*"))));
    assert_true(takes(&EXCLUDE(LABEL("absent", "*"))));

    CLEANUP(container_unref) struct container *plain = web(NULL, 0);
    assert_false(match_container(&INCLUDE(.compose_project = GLOBS("*")), plain));
    assert_true(match_container(&EXCLUDE(.compose_project = GLOBS("*")), plain));
}

static void any_key_of_exclude_leaves_it_out(void **state)
{
    assert_false(takes(&EXCLUDE(.container_name = GLOBS("web-*"))));
    assert_false(takes(&EXCLUDE(.image = GLOBS("*:2"))));
    assert_false(takes(&EXCLUDE(.id = GLOBS("0123456789ab"))));
    assert_false(takes(&EXCLUDE(.compose_project = GLOBS("shop"))));
    assert_false(takes(&EXCLUDE(LABEL("team", "blue"))));
    assert_false(takes(&EXCLUDE(.container_name = GLOBS("db"), .image = GLOBS("*:2"))));
    assert_true(takes(&EXCLUDE(.container_name = GLOBS("db"), .image = GLOBS("*:3"))));

    struct match both = INCLUDE(.container_name = GLOBS("web-*"));
    both.exclude.image = GLOBS("*:2");
    assert_false(takes(&both));
}

static void a_container_can_opt_out_of_every_route(void **state)
{
    static const struct {
        const char *value;
        bool taken;
    } cases[] = {{"false", false}, {"true", true}, {"", true}, {"FALSE", true}, {"false ", true}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct pair label = {"tallyman.enable", cases[i].value};
        CLEANUP(container_unref) struct container *c = web(&label, 1);
        assert_int_equal(match_container(&(struct match){0}, c), cases[i].taken);
        assert_int_equal(match_container(&INCLUDE(.id = GLOBS(id)), c), cases[i].taken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_takes_every_container),
        cmocka_unit_test(globs_are_matched_whole),
        cmocka_unit_test(a_slash_is_a_character_like_others),
        cmocka_unit_test(one_glob_of_a_list_is_enough),
        cmocka_unit_test(every_key_must_match),
        cmocka_unit_test(an_id_matches_by_12_digits_or_more),
        cmocka_unit_test(a_compose_project_is_matched),
        cmocka_unit_test(labels_are_matched),
        cmocka_unit_test(what_is_not_there_matches_no_glob),
        cmocka_unit_test(any_key_of_exclude_leaves_it_out),
        cmocka_unit_test(a_container_can_opt_out_of_every_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
