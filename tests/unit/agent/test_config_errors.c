// SPDX-License-Identifier: Apache-2.0
/* R13: whatever is wrong with a configuration, one sentence says where and what would be right. */
#include "load.h"

#include "agent/config_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The place and the sentence, without the file's name. */
static void refuses(const char *yaml, const char *sentence)
{
    char whole[ERROR_TEXT_MAX];
    snprintf(whole, sizeof(whole), FILE_NAME ":%s", sentence);
    assert_refused(yaml, whole);
}

/* "file, stdout or null": what the catalog has. */
static const char *types(void)
{
    static char words[128];
    size_t count, size = 0;
    const struct sink_ops *const *sinks = sink_all(&count);

    for (size_t i = 0; i < count; i++) {
        const char *before = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        size +=
            (size_t)snprintf(words + size, sizeof(words) - size, "%s%s", before, sinks[i]->type);
    }
    return words;
}

#define SINK "sink: {type: stdout}"

static void an_unknown_key_R3(void **state)
{
    refuses("stat: /x", "1:1: unknown key \"stat\" (did you mean \"state\"?)");
    refuses("state: /x\nrecord_mx: 1MiB\n",
            "2:1: unknown key \"record_mx\" (did you mean \"record_max\"?)");
    refuses("dokcer: {}", "1:1: unknown key \"dokcer\" (did you mean \"docker\"?)");
    refuses("docker: {rot: /x}", "1:10: unknown key \"docker.rot\" (did you mean \"root\"?)");
    refuses("routes:\n  - naem: a\n", "2:5: unknown key \"naem\" (did you mean \"name\"?)");
    refuses("routes:\n  - name: a\n    sink:\n      type: file\n      pth: /x\n",
            "5:7: unknown key \"sink.pth\" (did you mean \"path\"?)");
    refuses("completely: other", "1:1: unknown key \"completely\"");
    refuses("\"\": x", "1:1: unknown key \"\"");
}

static void a_key_in_the_wrong_place(void **state)
{
    refuses("docker.root: /x", "1:1: \"docker.root\" is written as a map, \"docker: {root: …}\"");
    refuses("level: info", "1:1: unknown key \"level\" (did you mean \"log.level\"?)");
    refuses("routes: [{name: a, path: /x, " SINK "}]",
            "1:20: unknown key \"path\" (did you mean \"sink.path\"?)");
    refuses("routes: [{name: a, match: {path: /x}, " SINK "}]",
            "1:28: unknown key \"match.path\" (did you mean \"sink.path\"?)");
    refuses("docker: {state: /x}", "1:10: unknown key \"docker.state\" (did you mean \"state\"?)");
}

static void a_duplicate_key(void **state)
{
    refuses("state: /a\npins: /b\nstate: /c\n",
            "3:1: duplicate key \"state\": it is in line 1 already");
    refuses("docker: {root: /a, root: /b}",
            "1:20: duplicate key \"root\": it is in line 1 already");
    refuses("docker: {root: /a}\ndocker: {host: none}\n",
            "2:1: duplicate key \"docker\": it is in line 1 already");
}

static void a_missing_key(void **state)
{
    refuses("routes:\n  - " SINK "\n", "2:5: \"name\" is missing; it must be a name of 1 to 64 "
                                       "letters, digits, \"-\" and \"_\"");
    refuses("routes: [{name: a}]",
            "1:10: \"sink\" is missing; it must be a map of its type and its options");
    char missing[256];
    snprintf(missing, sizeof(missing), "1:26: \"sink.type\" is missing; it must be %s", types());
    refuses("routes: [{name: a, sink: {format: raw}}]", missing);
    refuses("routes: [{name: a, sink: {type: file}}]",
            "1:26: \"sink.path\" is missing; it must be an absolute path");
}

static void a_wrong_kind(void **state)
{
    refuses("- state", "1:1: the configuration must be a map of keys");
    refuses("state", "1:1: the configuration must be a map of keys");
    refuses("docker: /x", "1:9: \"docker\" must be a map of keys");
    refuses("docker:\nstate: /x", "1:8: \"docker\" must be a map of keys");
    refuses("state: {a: b}", "1:8: \"state\" must be an absolute path without \"..\", not a map");
    refuses("state: [/x]", "1:8: \"state\" must be an absolute path without \"..\", not a list");
    refuses("state:\n", "1:7: \"state\" has no value; it must be an absolute path without \"..\"");
    refuses("routes: a", "1:9: \"routes\" must be a list of one route or more");
    refuses("routes: []", "1:9: \"routes\" must be a list of one route or more");
    refuses("routes: [a]", "1:10: a route must be a map of keys");
    refuses("routes: [{name: a, match: {image: {b: c}}, " SINK "}]",
            "1:35: \"match.image\" must be a glob or a list of globs, not a map");
    refuses("routes: [{name: a, match: {image: [[b]]}, " SINK "}]",
            "1:36: \"match.image\" must be a glob or a list of globs, not a list");
    refuses("routes: [{name: a, match: {label: [b]}, " SINK "}]",
            "1:35: \"match.label\" must be a map of labels, each with a glob or a list of globs");
    refuses("routes: [{name: a, sink: {type: stdout, fields: time}}]",
            "1:49: \"sink.fields\" must be a list of texts");
}

/* They would look like a restriction and be none. */
static void an_empty_list(void **state)
{
    refuses("routes: [{name: a, match: {image: []}, " SINK "}]",
            "1:35: \"match.image\" is an empty list; leave the key out, or fill it");
    refuses("routes: [{name: a, match: {label: {}}, " SINK "}]",
            "1:35: \"match.label\" must be a map of labels, each with a glob or a list of globs");
    refuses("routes: [{name: a, match: {label: {b: []}}, " SINK "}]",
            "1:39: \"match.label\" is an empty list; leave the key out, or fill it");
    refuses("routes: [{name: a, match: {image: \"\"}, " SINK "}]",
            "1:35: \"match.image\" must be a glob or a list of globs, not \"\"");
    refuses("routes: [{name: a, sink: {type: stdout, fields: []}}]",
            "1:49: \"sink.fields\" is an empty list; leave the key out, or fill it");
}

static void a_wrong_value(void **state)
{
    refuses("state: 12", "1:8: \"state\" must be an absolute path without \"..\", not \"12\"");
    refuses("state: /x/../y",
            "1:8: \"state\" must be an absolute path without \"..\", not \"/x/../y\"");
    refuses("docker: {host: \"ftp://x\"}", "1:16: \"docker.host\": \"ftp://x\": expected "
                                           "unix:///PATH, tcp://HOST:PORT or none");
    refuses("docker: {host: \"unix://x\"}",
            "1:16: \"docker.host\": unix://x: the path of a socket begins with /");
    refuses("admin: {listen: \"localhost:9777\"}",
            "1:17: \"admin.listen\" must be an address (127.0.0.1:9777, [::1]:9777), unix:/path or "
            "none, not \"localhost:9777\"");
    refuses("log: {level: wran}", "1:14: \"log.level\" must be debug, info, warn or error, not "
                                  "\"wran\" (did you mean \"warn\"?)");
    refuses("routes: [{name: \"a b\", " SINK "}]",
            "1:17: \"name\" must be a name of 1 to 64 letters, "
            "digits, \"-\" and \"_\", not \"a b\"");
    refuses("routes: [{name: a, start: noon, " SINK "}]",
            "1:27: \"start\" must be beginning, end or since and a duration (since 2h), not "
            "\"noon\"");
    refuses("routes: [{name: a, start: since 2, " SINK "}]",
            "1:27: \"start\" must be beginning, end or since and a duration (since 2h), not "
            "\"since 2\"");
    char wrong[256];
    snprintf(wrong, sizeof(wrong),
             "1:33: \"sink.type\" must be %s, not \"flie\" (did you mean \"file\"?)", types());
    refuses("routes: [{name: a, sink: {type: flie}}]", wrong);
}

#define SIZE     "a size (512KiB, 1MiB, 10MB) from 256KiB to 1MiB"
#define DURATION "a duration (250ms, 1s, 5m, 2h, 30d) from 1s to 1h"

static void a_value_out_of_bounds(void **state)
{
    refuses("record_max: 262143B", "1:13: \"record_max\" must be " SIZE ", not \"262143B\"");
    refuses("record_max: 17MiB", "1:13: \"record_max\" must be " SIZE ", not \"17MiB\"");
    refuses("record_max: 1", "1:13: \"record_max\" must be " SIZE ", not \"1\"");
    refuses("record_max: 0", "1:13: \"record_max\" must be " SIZE ", not \"0\"");
    refuses("record_max: -1MiB", "1:13: \"record_max\" must be " SIZE ", not \"-1MiB\"");
    refuses("record_max: 1.5MiB", "1:13: \"record_max\" must be " SIZE ", not \"1.5MiB\"");
    refuses("record_max: 9223372036854775808B",
            "1:13: \"record_max\" must be " SIZE ", not \"9223372036854775808B\"");
    refuses("docker: {reconcile: 999ms}",
            "1:21: \"docker.reconcile\" must be " DURATION ", not \"999ms\"");
    refuses("docker: {reconcile: 61m}",
            "1:21: \"docker.reconcile\" must be " DURATION ", not \"61m\"");
    refuses("docker: {reconcile: 5 m}",
            "1:21: \"docker.reconcile\" must be " DURATION ", not \"5 m\"");
    config_free(load("record_max: 256KiB\ndocker: {reconcile: 1s}"));
    config_free(load("record_max: 1MiB\ndocker: {reconcile: 1h}"));
}

static void an_option_of_another_sink(void **state)
{
    refuses("routes: [{name: a, sink: {type: stdout, path: /x}}]",
            "1:41: \"sink.path\" is no option of a stdout sink");
    refuses("routes: [{name: a, sink: {type: \"null\", fields: [time]}}]",
            "1:41: \"sink.fields\" is no option of a null sink");
    refuses("routes: [{name: a, sink: {type: stdout, format: raw, fields: [time]}}]",
            "1:62: fields: only format ndjson has members to choose from");
}

static void what_the_sink_refuses(void **state)
{
    refuses("routes: [{name: a, sink: {type: file, path: \"/x/{imgae}\"}}]",
            "1:45: path: column 4: {imgae} is the name of no label (did you mean \"image\"?)");
    refuses("routes: [{name: a, sink: {type: stdout, fields: [time, mesage]}}]",
            "1:56: fields: \"mesage\" is no member of the schema (did you mean \"message\"?)");
    refuses("routes: [{name: a, sink: {type: stdout, fields: [time, time]}}]",
            "1:56: \"sink.fields\" has \"time\" twice");
    refuses("routes: [{name: a, sink: {type: file, path: x}}]",
            "1:45: \"sink.path\" must be an absolute path, not \"x\"");
}

static void two_routes_in_each_other_s_way(void **state)
{
    refuses("routes:\n  - {name: a, sink: {type: stdout}}\n  - {name: a, sink: {type: \"null\"}}\n",
            "3:12: duplicate route name \"a\": it is in line 2 already");
    refuses("routes:\n  - {name: a, sink: {type: file, path: /x}}\n"
            "  - {name: b, sink: {type: file, path: /x}}\n",
            "3:40: the route \"a\" writes there already; an output has one route");
    refuses("routes:\n  - {name: a, sink: {type: stdout}}\n  - {name: b, sink: {type: stdout}}\n",
            "3:21: the route \"a\" writes there already; an output has one route");
}

static void too_many_routes(void **state)
{
    char yaml[4096] = "routes:\n";
    for (int i = 0; i < 33; i++)
        snprintf(yaml + strlen(yaml), sizeof(yaml) - strlen(yaml),
                 "  - {name: r%d, sink: {type: \"null\"}}\n", i);
    refuses(yaml, "2:3: more than 32 routes");
}

static void yaml_that_is_none(void **state)
{
    refuses("state: \"/x\n", "2:1: not valid YAML: found unexpected end of stream while scanning a "
                             "quoted scalar");
    refuses("state: /x\n  pins: /y\n",
            "2:7: not valid YAML: mapping values are not allowed in this "
            "context");
    refuses("a: [b\nc: d\n", "2:2: not valid YAML: did not find expected ',' or ']' while parsing "
                             "a flow sequence");
    refuses("\tstate: /x\n", "1:1: not valid YAML: found character that cannot start any token "
                             "while scanning for the next token");
    refuses("state: /x\n\x01\n", "2:1: control characters are not allowed");
}

static void yaml_that_has_no_use_here(void **state)
{
    refuses("state: &a /x\npins: /y\n",
            "1:8: YAML anchors are not supported: write the value out (in quotes, if an \"&\" "
            "begins it)");
    refuses("routes: [{name: a, match: {image: *b}, " SINK "}]",
            "1:35: YAML aliases are not supported: write the value out (in quotes, if a \"*\" "
            "begins it)");
    refuses("state: !!str /x\n",
            "1:8: YAML tags are not supported: write the value without its tag "
            "(in quotes, if a \"!\" begins it)");
    refuses("docker: !x {root: /x}\n", "1:9: YAML tags are not supported: write the value without "
                                       "its tag (in quotes, if a \"!\" begins it)");
    refuses("state: /x\n---\nstate: /y\n",
            "2:1: a second YAML document begins here; the configuration is one");
    refuses("? [a]\n: b\n", "1:3: a key is a text, not a list or a map");
    refuses("state: |\n  /x\n", "1:8: a value is one line of text without control characters");
    refuses("state: \"/x\\0y\"\n", "1:8: a value is one line of text without control characters");
    refuses("state: \"/x\\u2028y\"\n",
            "1:8: a value is one line of text without control characters");
    refuses("[[[[[[[[[[[[[[[[[[", "1:18: maps and lists are nested too deeply");
}

static void bytes_that_are_no_utf8(void **state)
{
    refuses("state: /\xff\n", "1:9: not UTF-8; save the file as UTF-8");
    /* Columns are characters, not bytes. */
    refuses("# ok\n# \xc3\xa4 \xc3\n", "2:5: not UTF-8; save the file as UTF-8");
    static const char utf16[] = "\xff\xfes\0t\0a\0";
    assert_refused_bytes(utf16, sizeof(utf16) - 1,
                         FILE_NAME ":1:1: not UTF-8; save the file as UTF-8");
}

static void a_file_past_its_limits(void **state)
{
    static char large[CONFIG_FILE_MAX + 2];
    memset(large, '#', sizeof(large) - 1);
    assert_refused(large, "the configuration " FILE_NAME " is larger than 1048576 bytes");
    large[CONFIG_FILE_MAX] = '\0';
    config_free(load(large));

    char path[1200] = "state: /";
    memset(path + strlen(path), 'x', 1024);
    refuses(path, "1:8: \"state\" is longer than 1024 bytes");

    char key[CONFIG_KEY_SIZE_MAX + 8];
    memset(key, 'k', sizeof(key));
    snprintf(key + CONFIG_KEY_SIZE_MAX + 1, 4, ": x");
    refuses(key, "1:1: a key of more than 256 bytes");

    static char map[16 * CONFIG_KEYS_MAX];
    for (int i = 0; i <= CONFIG_KEYS_MAX; i++)
        snprintf(map + strlen(map), sizeof(map) - strlen(map), "k%d: x\n", i);
    refuses(map, "1025:1: more than 1024 keys in one map");
}

static void a_file_that_cannot_be_read(void **state)
{
    struct config *c = NULL;
    struct error error;

    assert_true(config_load(&c, "absent.yaml", &error) < 0);
    assert_string_equal(error.text,
                        "cannot read the configuration absent.yaml: No such file or directory");
    assert_true(config_load(&c, ".", &error) < 0);
    assert_string_equal(error.text, "cannot read the configuration .: Is a directory");
    assert_null(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_key_R3),
        cmocka_unit_test(a_key_in_the_wrong_place),
        cmocka_unit_test(a_duplicate_key),
        cmocka_unit_test(a_missing_key),
        cmocka_unit_test(a_wrong_kind),
        cmocka_unit_test(an_empty_list),
        cmocka_unit_test(a_wrong_value),
        cmocka_unit_test(a_value_out_of_bounds),
        cmocka_unit_test(an_option_of_another_sink),
        cmocka_unit_test(what_the_sink_refuses),
        cmocka_unit_test(two_routes_in_each_other_s_way),
        cmocka_unit_test(too_many_routes),
        cmocka_unit_test(yaml_that_is_none),
        cmocka_unit_test(yaml_that_has_no_use_here),
        cmocka_unit_test(bytes_that_are_no_utf8),
        cmocka_unit_test(a_file_past_its_limits),
        cmocka_unit_test(a_file_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
