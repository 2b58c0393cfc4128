// SPDX-License-Identifier: Apache-2.0
#include "docker/json_prune.h"

#include "base/limits.h"
#include "sample.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct json_kept inner[] = {{"x", NULL}, {0}};
static const struct json_kept kept[] = {
    {"a", NULL},
    {"o", inner},
    {"each", (const struct json_kept[]){{"*", inner}, {0}}},
    {0},
};

static void assert_left(const char *text, const char *left)
{
    CLEANUP(buf_deinit) struct buf room = BUF_INIT(1024);
    struct span got = json_prune(span_of(text), kept, &room);
    if (!span_equal(got, span_of(left)))
        fail_msg("of %s is left %.*s", text, (int)got.size, got.data);
}

/* What the table names is left, byte for byte, and nothing else. */
static void what_is_named_is_left(void **state)
{
    assert_left("{}", "{}");
    assert_left(" {\n} ", "{}");
    assert_left("{\"b\":1}", "{}");
    assert_left("{\"a\":1,\"b\":2}", "{\"a\":1}");
    assert_left("{\"b\":1,\"a\":2}", "{\"a\":2}");
    assert_left("{ \"b\" : 1 , \"a\" : [ 2 , {} ] }", "{\"a\":[ 2 , {} ]}");
    assert_left("{\"a\":\"\",\"a\":null,\"aa\":1,\"\":2}", "{\"a\":\"\",\"a\":null}");
    assert_left("{\"o\":{\"y\":{\"x\":1},\"x\":{\"y\":2}},\"x\":3}", "{\"o\":{\"x\":{\"y\":2}}}");
    assert_left("{\"each\":{\"k\":{\"x\":1,\"y\":2},\"l\":{\"y\":3}}}",
                "{\"each\":{\"k\":{\"x\":1},\"l\":{}}}");
}

/* Where the table goes deeper than the text, the value is left for its reader to complain of. */
static void other_types_are_left_whole(void **state)
{
    assert_left("{\"o\":[{\"y\":1}]}", "{\"o\":[{\"y\":1}]}");
    assert_left("{\"o\":\"{\",\"each\":{\"k\":7}}", "{\"o\":\"{\",\"each\":{\"k\":7}}");
}

/* Brackets and quotes within strings end nothing; a key that is escaped may be one of the table's.
 */
static void strings_are_not_looked_into(void **state)
{
    assert_left("{\"b\":\"}\\\"{\",\"a\":\"\\\\\"}", "{\"a\":\"\\\\\"}");
    assert_left("{\"b\":[\"]\",{\"c\":\"\\\\\\\"}\"}],\"a\":0}", "{\"a\":0}");
    assert_left("{\"\\u0061\":1,\"b\":2}", "{\"\\u0061\":1}");
}

/* What cannot be followed is handed back as it is, for a parser's words. */
static void what_is_wrong_is_handed_back(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "1",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\"1}",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":}",
        "{a:1}",
        "{\"b\":[1}",
        "{\"b\":\"",
        "{\"b\":\"\\\"}",
        "{} {}",
        "{\"b\":1 \"a\":2}",
        "{\"o\":{\"x\":1}",
        "{}\n]",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        assert_left(texts[i], texts[i]);
}

/* A file torn anywhere is seen to be torn. */
static void every_cut_is_handed_back(void **state)
{
    CLEANUP(buf_deinit) struct buf text = sample_read("inspect/running-config.v2.json");
    static const struct json_kept all[] = {{"*", NULL}, {0}}, none[] = {{0}};
    struct span whole = buf_span(&text);

    while (whole.size && whole.data[whole.size - 1] == '\n')
        whole.size--;
    for (size_t size = 0; size <= whole.size; size++) {
        CLEANUP(buf_deinit) struct buf room = BUF_INIT(CONTAINER_JSON_MAX);
        struct span cut = {whole.data, size};
        assert_int_equal(json_prune(cut, none, &room).data == cut.data, size < whole.size);
        buf_clear(&room);
        assert_int_equal(json_prune(cut, all, &room).data == cut.data, size < whole.size);
    }
}

/* Of a genuine file, with all members kept, a parser makes the same. */
static void all_of_it_is_the_same(void **state)
{
    static const struct json_kept each[] = {{"*", NULL}, {0}}, all[] = {{"*", each}, {0}};
    CLEANUP(buf_deinit) struct buf text = sample_read("inspect/running-config.v2.json");
    CLEANUP(buf_deinit) struct buf room = BUF_INIT(CONTAINER_JSON_MAX);
    struct span left = json_prune(buf_span(&text), all, &room);

    assert_ptr_equal(left.data, room.data);
    json_t *before = json_loadb(text.data, text.size, 0, NULL);
    json_t *after = json_loadb(left.data, left.size, 0, NULL);
    assert_non_null(before);
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_named_is_left),
        cmocka_unit_test(other_types_are_left_whole),
        cmocka_unit_test(strings_are_not_looked_into),
        cmocka_unit_test(what_is_wrong_is_handed_back),
        cmocka_unit_test(every_cut_is_handed_back),
        cmocka_unit_test(all_of_it_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
