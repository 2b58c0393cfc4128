// SPDX-License-Identifier: Apache-2.0
/* R3: every key of the table is read into its place, and has an effect there. */
#include "load.h"

#include "agent/config_table.h"
#include "sink/catalog.h"
#include "sink/file_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define SECOND       INT64_C(1000000000)
#define ROUTE(keys)  "routes: [{name: r, sink: {type: stdout}, " keys "}]"
#define WIRE(keys)   "routes: [{name: r, sink: {type: wire, url: \"http://x\"}, " keys "}]"
#define SINK(keys)   "routes: [{name: r, sink: {" keys "}}]"
#define FIRST(c)     (&(c)->routes[0])
#define FILES(c)     ((const struct file_options *)FIRST(c)->sink.options)
#define LINES(c)     ((const struct line_options *)FIRST(c)->sink.options)
#define INCLUDE(key) (FIRST(c)->match.include.key)
#define EXCLUDE(key) (FIRST(c)->match.exclude.key)

static const char base[] = SINK("type: stdout");

static bool is(const char *text, const char *expected)
{
    return text && strcmp(text, expected) == 0;
}

static bool are(struct globs globs, const char *first, const char *second)
{
    size_t count = second ? 2 : 1;
    return globs.count == count && is(globs.items[0], first) &&
           (!second || is(globs.items[1], second));
}

static bool labels_are(const struct match_keys *keys)
{
    return keys->label_count == 2 && is(keys->labels[0].key, "team") &&
           are(keys->labels[0].values, "a*", "b") && is(keys->labels[1].key, "x.y/z") &&
           are(keys->labels[1].values, "", NULL);
}

/* Key, a file that sets it, what then holds of `c`, and does not without it. */
#define KEY_CASES(X)                                                                               \
    X(docker_root, "docker.root", "docker: {root: /d}", is(c->docker_root, "/d"))                  \
    X(docker_root_none, "docker.root", "docker: {root: none}", is(c->docker_root, "none"))         \
    X(journal_directory, "journald.directory", "journald: {directory: /j}",                        \
      is(c->journal_directory, "/j"))                                                              \
    X(docker_host, "docker.host", "docker: {host: none}", is(c->docker_host, "none"))              \
    X(docker_reconcile, "docker.reconcile", "docker: {reconcile: 5m}",                             \
      c->reconcile_ns == 300 * SECOND)                                                             \
    X(state, "state", "state: /s", is(c->state, "/s"))                                             \
    X(pins, "pins", "pins: /p", is(c->pins, "/p"))                                                 \
    X(pins_max, "pins_max", "pins_max: 10MB", c->pins_max_bytes == 10000000)                       \
    X(record_max, "record_max", "record_max: 512KiB", c->record_max_bytes == 524288)               \
    X(ledger_keep, "ledger.keep", "ledger: {keep: 2d}", c->ledger_keep_ns == 172800 * SECOND)      \
    X(labels_source, "labels.source", "labels: {source: 12}", is(c->label_source, "12"))           \
    X(labels_service, "labels.service", "labels: {service: \"\"}", is(c->label_service, ""))       \
    X(admin_listen, "admin.listen", "admin: {listen: \"[::1]:9777\"}",                             \
      is(c->admin_listen, "[::1]:9777"))                                                           \
    X(log_level, "log.level", "log: {level: warn}", c->log_level == LOG_WARN)                      \
    X(routes, "routes",                                                                            \
      "routes: [{name: a, sink: {type: \"null\"}}, {name: b, sink: {type: "                        \
      "\"null\"}}]",                                                                               \
      c->route_count == 2 && is(c->routes[1].name, "b"))                                           \
    X(name, "name", "routes: [{name: A-z_9, sink: {type: stdout}}]", is(FIRST(c)->name, "A-z_9"))  \
    X(match_name, "match.container_name", ROUTE("match: {container_name: \"web-*\"}"),             \
      are(INCLUDE(container_name), "web-*", NULL))                                                 \
    X(match_image, "match.image", ROUTE("match: {image: [a, b]}"), are(INCLUDE(image), "a", "b"))  \
    X(match_id, "match.id", ROUTE("match: {id: 12}"), are(INCLUDE(id), "12", NULL))                \
    X(match_project, "match.compose_project", ROUTE("match: {compose_project: p}"),                \
      are(INCLUDE(compose_project), "p", NULL))                                                    \
    X(match_label, "match.label", ROUTE("match: {label: {team: [a*, b], x.y/z: \"\"}}"),           \
      labels_are(&FIRST(c)->match.include))                                                        \
    X(exclude_name, "exclude.container_name", ROUTE("exclude: {container_name: \"web-*\"}"),       \
      are(EXCLUDE(container_name), "web-*", NULL))                                                 \
    X(exclude_image, "exclude.image", ROUTE("exclude: {image: [a, b]}"),                           \
      are(EXCLUDE(image), "a", "b"))                                                               \
    X(exclude_id, "exclude.id", ROUTE("exclude: {id: 12}"), are(EXCLUDE(id), "12", NULL))          \
    X(exclude_project, "exclude.compose_project", ROUTE("exclude: {compose_project: p}"),          \
      are(EXCLUDE(compose_project), "p", NULL))                                                    \
    X(exclude_label, "exclude.label", ROUTE("exclude: {label: {team: [a*, b], x.y/z: \"\"}}"),     \
      labels_are(&FIRST(c)->match.exclude))                                                        \
    X(start, "start", ROUTE("start: since 2h"),                                                    \
      FIRST(c)->start == START_SINCE && FIRST(c)->start_since_ns == 7200 * SECOND)                 \
    X(batch_age, "batch.age", ROUTE("batch: {age: 0}"), FIRST(c)->batch_age_ns == 0)               \
    X(sink, "sink", SINK("type: \"null\""), FIRST(c)->sink.ops == &null_sink)                      \
    X(sink_option, "sink", SINK("type: stdout, format: raw"), LINES(c)->format == SINK_RAW)        \
    X(batch_bytes, "batch.bytes", WIRE("batch: {bytes: 64KiB}"),                                   \
      FIRST(c)->batch_bytes_max == 65536)                                                          \
    X(batch_lines, "batch.lines", WIRE("batch: {lines: 1}"), FIRST(c)->batch_lines_max == 1)       \
    X(dead_letters, "dead_letters_max", WIRE("dead_letters_max: 2GiB"),                            \
      FIRST(c)->dead_letters_bytes_max == INT64_C(2) << 30)

#define X(name, path, yaml, condition)                                                             \
    static bool name##_holds(const struct config *c)                                               \
    {                                                                                              \
        return condition;                                                                          \
    }
KEY_CASES(X)
#undef X

static const struct key_case {
    const char *path, *yaml;
    bool (*holds)(const struct config *c);
} cases[] = {
#define X(name, path, yaml, condition) {path, yaml, name##_holds},
    KEY_CASES(X)
#undef X
};

static void each_key_has_its_effect_R3(void **state)
{
    struct config *without = load(base);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct config *with = load(cases[i].yaml);
        if (!cases[i].holds(with))
            fail_msg("%s is not read from %s", cases[i].path, cases[i].yaml);
        if (cases[i].holds(without))
            fail_msg("the case of %s proves nothing", cases[i].path);
        config_free(with);
    }
    config_free(without);
}

static void each_key_of_the_table_has_a_case_R3(void **state)
{
    for (size_t i = 0; i < config_key_count; i++) {
        bool found = false;
        for (size_t j = 0; j < ARRAY_SIZE(cases); j++)
            found = found || strcmp(cases[j].path, config_keys[i].path) == 0;
        if (!found)
            fail_msg("no case for the key %s", config_keys[i].path);
    }
    assert_true(ARRAY_SIZE(cases) >= config_key_count);
}

static void each_start_word_is_read_D76(void **state)
{
    struct config *c =
        load("routes: [{name: a, start: end, sink: {type: stdout}}, {name: b, start: "
             "beginning, sink: {type: \"null\"}}, {name: c, sink: {type: \"null\"}}]");
    assert_int_equal(c->routes[0].start, START_END);
    assert_int_equal(c->routes[1].start, START_BEGINNING);
    assert_int_equal(c->routes[2].start, START_BEGINNING);
    config_free(c);
}

static void assert_defaults(const struct config *c)
{
    assert_null(c->docker_root);
    assert_null(c->docker_host);
    assert_true(c->reconcile_ns == 60 * SECOND);
    assert_int_equal(c->pins_max_bytes, 1 << 30);
    assert_int_equal(c->record_max_bytes, 1 << 20);
    assert_true(c->ledger_keep_ns == 30 * 86400 * SECOND);
    assert_string_equal(c->label_source, "docker");            /* S42 */
    assert_string_equal(c->label_service, "ssw-log-capturer"); /* S42 */
    assert_int_equal(c->log_level, LOG_INFO);
}

/* The one route of a configuration that names none. */
static void assert_built_in_route(const struct config *c, const char *path)
{
    const struct route_config *route = &c->routes[0];

    assert_int_equal(c->route_count, 1);
    assert_string_equal(route->name, "files");
    assert_memory_equal(&route->match, &(struct match){0}, sizeof(struct match));
    assert_int_equal(route->start, START_BEGINNING);
    assert_true(route->batch_age_ns == SECOND);
    assert_ptr_equal(route->sink.ops, &file_sink);
    assert_string_equal(FILES(c)->path, path);
    assert_int_equal(FILES(c)->lines.format, SINK_NDJSON);
    assert_null(FILES(c)->lines.fields.items);
}

static void nothing_written_is_the_built_in_configuration(void **state)
{
    static const char *const silent[] = {"", "\n\n", "# nothing\n", "---\n", "--- {}\n...\n"};

    for (size_t i = 0; i < ARRAY_SIZE(silent); i++) {
        struct config *c = load(silent[i]);
        assert_defaults(c);
        config_free(c);
    }
    struct config *c = NULL;
    assert_int_equal(config_load(&c, NULL, NULL), 0);
    assert_defaults(c);
    assert_int_equal(c->route_count, 1);
    config_free(c);
}

static void what_depends_on_the_state_directory_follows_it(void **state)
{
    struct config *c = load("state: /s");
    assert_string_equal(c->pins, "/s/pins");
    assert_built_in_route(c, "/s/logs/{container_name}.ndjson");
    config_free(c);
}

static void a_path_is_tidied(void **state)
{
    static const struct {
        const char *yaml, *state, *pins, *path;
    } paths[] = {
        {"state: /s/", "/s", "/s/pins", "/s/logs/{container_name}.ndjson"},
        {"state: //s/.//t/./", "/s/t", "/s/t/pins", "/s/t/logs/{container_name}.ndjson"},
        {"state: /.s/..t", "/.s/..t", "/.s/..t/pins", "/.s/..t/logs/{container_name}.ndjson"},
        {"state: //", "/", "/pins", "/logs/{container_name}.ndjson"},
        {"state: /a{b}", "/a{b}", "/a{b}/pins", "/a{{b}}/logs/{container_name}.ndjson"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct config *c = load(paths[i].yaml);
        assert_string_equal(c->state, paths[i].state);
        assert_string_equal(c->pins, paths[i].pins);
        assert_built_in_route(c, paths[i].path);
        config_free(c);
    }
}

static void assert_state(const char *expected)
{
    struct config *c = load("");
    assert_string_equal(c->state, expected);
    config_free(c);
}

/* Becomes nobody for a while; tests may run as root or not. */
static void the_state_directory_is_the_user_s_without_root(void **state)
{
    bool root = geteuid() == 0;

    setenv("HOME", "/h", 1);
    setenv("XDG_STATE_HOME", "/x", 1);
    if (root) {
        assert_state("/var/lib/tallyman");
        assert_int_equal(chmod(".", 0777), 0);
        unlink(FILE_NAME);
        assert_int_equal(seteuid(65534), 0);
    }
    assert_state("/x/tallyman");
    unsetenv("XDG_STATE_HOME");
    assert_state("/h/.local/state/tallyman");
    unsetenv("HOME");
    assert_state("/var/lib/tallyman");
    if (root)
        assert_int_equal(seteuid(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_has_its_effect_R3),
        cmocka_unit_test(each_key_of_the_table_has_a_case_R3),
        cmocka_unit_test(each_start_word_is_read_D76),
        cmocka_unit_test(nothing_written_is_the_built_in_configuration),
        cmocka_unit_test(what_depends_on_the_state_directory_follows_it),
        cmocka_unit_test(a_path_is_tidied),
        cmocka_unit_test(the_state_directory_is_the_user_s_without_root),
    };
    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
