// SPDX-License-Identifier: Apache-2.0
/* The environment in values, and the configuration as text again. */
#include "load.h"

#include "agent/config_units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_source(const char *yaml_value, const char *expected)
{
    char yaml[512];
    snprintf(yaml, sizeof(yaml), "labels: {source: %s}", yaml_value);
    struct config *c = load(yaml);
    assert_string_equal(c->label_source, expected);
    config_free(c);
}

static void a_variable_is_put_in(void **state)
{
    setenv("T_SET", "value", 1);
    setenv("T_EMPTY", "", 1);
    unsetenv("T_UNSET");
    assert_source("\"${T_SET}\"", "value");
    assert_source("\"a${T_SET}b${T_SET}c\"", "avaluebvaluec");
    assert_source("\"${T_EMPTY}\"", "");
    assert_source("\"${T_SET:-x}\"", "value");
    assert_source("\"${T_EMPTY:-x}\"", "x");
    assert_source("\"${T_UNSET:-x y:-z}\"", "x y:-z");
    assert_source("\"${T_UNSET:-}\"", "");
    assert_source("\"a$$b$${T_SET}\"", "a$b${T_SET}");
}

/* What a variable holds is a text, whatever it looks like. */
static void a_value_is_never_read_as_yaml_or_again(void **state)
{
    setenv("T_SET", "[a, b]: {c}", 1);
    assert_source("\"${T_SET}\"", "[a, b]: {c}");
    setenv("T_SET", "${T_OTHER} $ $$ \"'#", 1);
    assert_source("\"${T_SET}\"", "${T_OTHER} $ $$ \"'#");
}

static void a_variable_is_judged_by_its_key(void **state)
{
    setenv("T_SET", "300KiB", 1);
    struct config *c = load("record_max: \"${T_SET}\"");
    assert_int_equal(c->record_max_bytes, 300 << 10);
    config_free(c);
    setenv("T_SET", "2", 1);
    assert_refused("record_max: \"${T_SET}\"", FILE_NAME
                   ":1:13: \"record_max\" must be a size (512KiB, 1MiB, 10MB) from 256KiB "
                   "to 1MiB, not \"2\"");
}

static void a_wrong_variable_is_an_error_with_its_place_R13(void **state)
{
    unsetenv("T_UNSET");
    assert_refused("state: /x\npins: \"/${T_UNSET}\"",
                   FILE_NAME ":2:7: the environment variable T_UNSET is not set: set it, or write "
                             "${T_UNSET:-…} with a default");
    assert_refused("state: /$x", FILE_NAME ":1:8: a lone \"$\": write \"$$\" for a dollar sign, "
                                           "\"${NAME}\" for a variable of the environment");
    assert_refused("state: /x$", FILE_NAME ":1:8: a lone \"$\": write \"$$\" for a dollar sign, "
                                           "\"${NAME}\" for a variable of the environment");
    assert_refused("state: \"/${x\"", FILE_NAME ":1:8: a \"${\" without its \"}\"");
    assert_refused("state: \"/${1x}\"", FILE_NAME ":1:8: \"${1x}\" names no variable: write "
                                                  "${NAME} or ${NAME:-default}");
    assert_refused("state: \"/${}\"", FILE_NAME ":1:8: \"${}\" names no variable: write ${NAME} "
                                                "or ${NAME:-default}");
    setenv("T_SET", "a\nb", 1);
    assert_refused("state: \"/${T_SET}\"", FILE_NAME ":1:8: the environment variable T_SET holds "
                                                     "more than one line of plain text");
    setenv("T_SET", "\xff", 1);
    assert_refused("state: \"/${T_SET}\"", FILE_NAME ":1:8: the environment variable T_SET holds "
                                                     "more than one line of plain text");
}

static void a_variable_has_a_maximum(void **state)
{
    static char large[33 * 1024];
    memset(large, 'x', sizeof(large) - 1);
    setenv("T_SET", large, 1);
    assert_refused("labels: {source: \"${T_SET}\"}",
                   FILE_NAME ":1:18: \"labels.source\" is longer than 32768 bytes");
    unsetenv("T_SET");
}

static void assert_prints(const char *yaml, const char *expected)
{
    struct config *c = load(yaml);
    char *text = config_printed(c);
    struct config *again = load(text);
    char *text_again = config_printed(again);

    assert_string_equal(text, expected);
    assert_string_equal(text_again, text);
    free(text_again);
    free(text);
    config_free(again);
    config_free(c);
}

static void the_defaults_are_printed_and_read_back(void **state)
{
    assert_prints("state: /s", "docker:\n"
                               "  reconcile: 1m\n"
                               "state: \"/s\"\n"
                               "pins: \"/s/pins\"\n"
                               "pins_max: 1GiB\n"
                               "record_max: 1MiB\n"
                               "ledger:\n"
                               "  keep: 30d\n"
                               "labels:\n"
                               "  source: \"docker\"\n"
                               "  service: \"ssw-log-capturer\"\n"
                               "log:\n"
                               "  level: info\n"
                               "admin:\n"
                               "  listen: \"127.0.0.1:9777\"\n"
                               "routes:\n"
                               "  - name: \"files\"\n"
                               "    start: beginning\n"
                               "    batch:\n"
                               "      age: 1s\n"
                               "    sink:\n"
                               "      type: \"file\"\n"
                               "      path: \"/s/logs/{container_name}.ndjson\"\n"
                               "      max_files: 5\n"
                               "      compression: none\n"
                               "      format: ndjson\n");
}

static void every_key_is_printed_and_read_back(void **state)
{
    assert_prints(
        "docker: {root: /d, host: none, reconcile: 90s}\n"
        "state: /s\npins: /p\npins_max: 0\nrecord_max: 300kB\nledger: {keep: 25h}\n"
        "labels: {source: \"\", service: \"a$$b\\\"\\\\c \\u00e4\"}\nlog: {level: error}\n"
        "admin: {listen: \"unix:/run/t.sock\"}\n"
        "routes:\n"
        "  - name: a\n"
        "    match: {container_name: x*, image: [a, \"#b\"], id: 12, compose_project: p,\n"
        "            label: {\"a \\\" $b\": [c, \"\"], d: e}}\n"
        "    exclude: {image: z}\n"
        "    start: since 90m\n"
        "    batch: {age: 250ms}\n"
        "    sink: {type: stdout, fields: [time, message]}\n"
        "  - {name: b, start: end, sink: {type: \"null\"}}\n",
        "docker:\n"
        "  root: \"/d\"\n"
        "  host: \"none\"\n"
        "  reconcile: 90s\n"
        "state: \"/s\"\n"
        "pins: \"/p\"\n"
        "pins_max: 0\n"
        "record_max: 300kB\n"
        "ledger:\n"
        "  keep: 25h\n"
        "labels:\n"
        "  source: \"\"\n"
        "  service: \"a$$b\\\"\\\\c \xc3\xa4\"\n"
        "log:\n"
        "  level: error\n"
        "admin:\n"
        "  listen: \"unix:/run/t.sock\"\n"
        "routes:\n"
        "  - name: \"a\"\n"
        "    match:\n"
        "      container_name: [\"x*\"]\n"
        "      image: [\"a\", \"#b\"]\n"
        "      id: [\"12\"]\n"
        "      compose_project: [\"p\"]\n"
        "      label:\n"
        "        \"a \\\" $b\": [\"c\", \"\"]\n"
        "        \"d\": [\"e\"]\n"
        "    exclude:\n"
        "      image: [\"z\"]\n"
        "    start: since 90m\n"
        "    batch:\n"
        "      age: 250ms\n"
        "    sink:\n"
        "      type: \"stdout\"\n"
        "      format: ndjson\n"
        "      fields: [\"time\", \"message\"]\n"
        "  - name: \"b\"\n"
        "    start: end\n"
        "    batch:\n"
        "      age: 1s\n"
        "    sink:\n"
        "      type: \"null\"\n"
        "      format: ndjson\n");
}

static void each_unit_is_read_and_written(void **state)
{
    static const struct {
        const char *text;
        const struct config_units *units;
        int64_t value;
        const char *written;
    } cases[] = {
        {"1B", &config_size_units, 1, "1B"},
        {"1kB", &config_size_units, 1000, "1kB"},
        {"1KB", &config_size_units, 1000, "1kB"},
        {"1MB", &config_size_units, 1000000, "1MB"},
        {"1GB", &config_size_units, 1000000000, "1GB"},
        {"1TB", &config_size_units, INT64_C(1000000000000), "1TB"},
        {"1KiB", &config_size_units, 1 << 10, "1KiB"},
        {"1MiB", &config_size_units, 1 << 20, "1MiB"},
        {"1GiB", &config_size_units, 1 << 30, "1GiB"},
        {"1TiB", &config_size_units, INT64_C(1) << 40, "1TiB"},
        {"2048KiB", &config_size_units, 2 << 20, "2MiB"},
        {"0B", &config_size_units, 0, "0"},
        {"250ms", &config_duration_units, 250000000, "250ms"},
        {"1s", &config_duration_units, 1000000000, "1s"},
        {"5m", &config_duration_units, INT64_C(300000000000), "5m"},
        {"120m", &config_duration_units, INT64_C(7200000000000), "2h"},
        {"30d", &config_duration_units, INT64_C(2592000000000000), "30d"},
        {"0", &config_duration_units, 0, "0"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t value = -1;
        char written[CONFIG_UNITS_SIZE];
        assert_int_equal(config_units_parse(cases[i].units, cases[i].text, &value), 0);
        assert_true(value == cases[i].value);
        config_units_format(written, cases[i].units, value);
        assert_string_equal(written, cases[i].written);
    }
}

static void what_is_no_amount_is_refused(void **state)
{
    static const char *const none[] = {"",    "1",   "s",  "-1s",  "+1s",
                                       " 1s", "1 s", "1S", "1.5s", "1s "};
    int64_t value = 7;

    for (size_t i = 0; i < ARRAY_SIZE(none); i++)
        assert_int_equal(config_units_parse(&config_duration_units, none[i], &value), -EINVAL);
    assert_int_equal(config_units_parse(&config_duration_units, "9223372036855ms", &value),
                     -ERANGE);
    assert_int_equal(config_units_parse(&config_duration_units, "92233720368547758070s", &value),
                     -ERANGE);
    assert_true(value == 7);
}

/* R3: the document is made from the table, and the one that is committed is that one. */
static void the_document_is_the_one_made_from_the_table_R3(void **state)
{
    char *made = config_printed(NULL);
    size_t size = strlen(made);
    FILE *file = fopen(CONFIGURATION_DOCUMENT, "r");
    assert_non_null(file);
    char *kept = calloc(1, size + 2);
    assert_int_equal(fread(kept, 1, size + 1, file), size);
    fclose(file);
    assert_string_equal(kept, made);
    free(kept);
    free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_is_put_in),
        cmocka_unit_test(a_value_is_never_read_as_yaml_or_again),
        cmocka_unit_test(a_variable_is_judged_by_its_key),
        cmocka_unit_test(a_wrong_variable_is_an_error_with_its_place_R13),
        cmocka_unit_test(a_variable_has_a_maximum),
        cmocka_unit_test(the_defaults_are_printed_and_read_back),
        cmocka_unit_test(every_key_is_printed_and_read_back),
        cmocka_unit_test(each_unit_is_read_and_written),
        cmocka_unit_test(what_is_no_amount_is_refused),
        cmocka_unit_test(the_document_is_the_one_made_from_the_table_R3),
    };
    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
