// SPDX-License-Identifier: Apache-2.0
/* The options of sinks: whatever stands in a sink's table is read into its place, printed, and
 * refused where it is wrong (R3, R13). Beside the catalog's sinks there is one of the tests, with
 * an option of each kind. */
#include "load.h"
#include "wire.h"

#include "agent/config_read.h"
#include "agent/config_secret.h"
#include "agent/config_sink.h"
#include "agent/config_units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS      INT64_C(1000000)
#define WIRE    "routes: [{name: a, sink: {type: wire, url: \"http://x\""
#define SINK(c) ((const struct wire_options *)(c)->routes[0].sink.options)

/* A sink and its options, read without opening it. */
struct reading {
    struct config_storage *storage;
    struct sink_config sink;
    struct error error;
};

static void read_sink(struct reading *r, const char *yaml)
{
    const struct config_key key = {.path = "sink", .type = &config_type_sink};
    struct config_node *root = NULL;

    *r = (struct reading){0};
    assert_int_equal(config_storage_new(&r->storage), 0);
    struct config_reader reader = {{"t", &r->error}, r->storage};
    if (config_node_parse(&root, &reader.file, span_of(yaml), r->storage) < 0 ||
        key.type->set(&reader, &key, root, &r->sink) < 0)
        fail_msg("%s\n%s", r->error.text, yaml);
}

static void end_reading(struct reading *r)
{
    r->storage = config_storage_free(r->storage);
}

static const struct config_units *units_of(const struct config_key *key)
{
    return key->type == &config_type_duration ? &config_duration_units
           : key->type == &config_type_size   ? &config_size_units
                                              : &config_count_units;
}

static bool is_amount(const struct config_key *key)
{
    return key->type == &config_type_duration || key->type == &config_type_size ||
           key->type == &config_type_count;
}

/* A value that the option takes, as YAML; none is the default. */
static void choose_value(char to[64], const struct config_key *key)
{
    const char *fallback = key->fallback ? key->fallback : "";
    const char *value = "x";

    if (is_amount(key)) {
        int64_t amount = key->maximum ? key->maximum : 7 * MS;
        config_units_format(to, units_of(key), amount);
        if (strcmp(to, fallback) == 0)
            config_units_format(to, units_of(key), key->minimum);
        return;
    }
    if (key->type == &config_type_choice)
        value = strcmp(key->words[0], fallback) == 0 ? key->words[1] : key->words[0];
    else if (key->type == &config_type_bool)
        value = strcmp(fallback, "true") == 0 ? "false" : "true";
    else if (key->type == &config_type_path || key->type == &config_type_template)
        value = "/x";
    else if (key->type == &config_type_texts)
        value = "[x]";
    else if (key->type == &config_type_pairs || key->type == &config_type_headers)
        value = "{x: x}";
    snprintf(to, 64, "%s", value);
    if (key->type == &config_type_url)
        snprintf(to, 64, "\"%s://x:1/x\"", key->words[0]);
}

/* Does the field hold what choose_value has written? */
static bool holds(const struct config_key *key, const void *field, const char *value)
{
    const struct option_texts *texts = field;
    const struct option_pairs *pairs = field;
    int64_t amount = -1;

    if (is_amount(key))
        return config_units_parse(units_of(key), value, &amount) == 0 &&
               *(const int64_t *)field == amount;
    if (key->type == &config_type_choice)
        return strcmp(key->words[*(const unsigned *)field], value) == 0;
    if (key->type == &config_type_bool)
        return *(const bool *)field == (strcmp(value, "true") == 0);
    if (key->type == &config_type_texts)
        return texts->count == 1 && strcmp(texts->items[0], "x") == 0;
    if (key->type == &config_type_pairs || key->type == &config_type_headers)
        return pairs->count == 1 && strcmp(pairs->items[0].key, "x") == 0 &&
               strcmp(pairs->items[0].value, "x") == 0;
    const char *text = *(const char *const *)field;
    if (key->type == &config_type_url)
        return text && strncmp(text, value + 1, strlen(text)) == 0;
    return text && strcmp(text, value) == 0;
}

/* The sink with its required options, and `key` among them. */
static void write_sink(char to[512], const struct sink_ops *ops, const struct config_key *key)
{
    struct config_sink_key option;
    char value[64];
    int size = snprintf(to, 512, "{type: \"%s\"", ops->type);

    for (size_t i = 0; config_sink_key_at(&option, ops, i); i++) {
        if (!option.key.required && strcmp(option.key.name, key->name) != 0)
            continue;
        choose_value(value, &option.key);
        size += snprintf(to + size, 512 - (size_t)size, ", %s: %s", option.key.name, value);
    }
    snprintf(to + size, 512 - (size_t)size, "}");
}

static char *printed(const struct sink_config *sink)
{
    const struct config_key key = {.path = "sink", .type = &config_type_sink};
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    assert_non_null(to);
    key.type->print(to, &key, sink, 0);
    assert_int_equal(fclose(to), 0);
    return text;
}

static void try_option(const struct sink_ops *ops, const struct config_key *key)
{
    char yaml[512], value[64];
    struct reading with, again;
    struct config_storage *storage = NULL;
    struct error error = {0};
    void *defaults = NULL;

    choose_value(value, key);
    write_sink(yaml, ops, key);
    read_sink(&with, yaml);
    assert_int_equal(config_storage_new(&storage), 0);
    struct config_reader reader = {{"t", &error}, storage};
    assert_int_equal(config_sink_defaults(&reader, ops, &defaults), 0);
    if (!holds(key, (const char *)with.sink.options + key->offset, value))
        fail_msg("%s of a %s sink is not read from %s", key->path, ops->type, yaml);
    if (holds(key, (char *)defaults + key->offset, value))
        fail_msg("%s of a %s sink holds without being set", key->path, ops->type);

    char *text = printed(&with.sink);
    if (key->type != &config_type_secret) {
        read_sink(&again, text);
        assert_true(again.sink.ops == ops);
        if (!holds(key, (const char *)again.sink.options + key->offset, value))
            fail_msg("%s of a %s sink is not read back from %s", key->path, ops->type, text);
        end_reading(&again);
    }
    free(text);
    config_storage_free(storage);
    end_reading(&with);
}

static void each_option_is_read_into_its_place_and_printed_R3(void **state)
{
    struct config_sink_key option;
    size_t count, tried = 0;
    const struct sink_ops *const *sinks = sink_all(&count);

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; config_sink_key_at(&option, sinks[i], j); j++, tried++)
            try_option(sinks[i], &option.key);
    assert_true(tried >= 22);
}

/* No two options of a sink have one name, and each says what it is. */
static void each_option_is_there_once_R3(void **state)
{
    struct config_sink_key a, b;
    size_t count;
    const struct sink_ops *const *sinks = sink_all(&count);

    for (size_t i = 0; i < count; i++) {
        assert_true(sinks[i]->help[0]);
        for (size_t j = 0; config_sink_key_at(&a, sinks[i], j); j++) {
            assert_true(a.key.help[0] && strcmp(a.key.name, "type") != 0);
            for (size_t k = 0; k < j && config_sink_key_at(&b, sinks[i], k); k++)
                assert_string_not_equal(a.key.name, b.key.name);
        }
    }
}

static void each_sink_and_each_option_is_documented_R3(void **state)
{
    struct config_sink_key option;
    size_t count;
    const struct sink_ops *const *sinks = sink_all(&count);
    char *made = config_printed(NULL), words[128];

    for (size_t i = 0; i < count; i++) {
        snprintf(words, sizeof(words), "\n### Sink `%s`\n\n%s\n", sinks[i]->type, sinks[i]->help);
        assert_non_null(strstr(made, words));
        for (size_t j = 0; config_sink_key_at(&option, sinks[i], j); j++) {
            snprintf(words, sizeof(words), "\n| `%s` |", option.key.path);
            assert_non_null(strstr(made, words));
        }
    }
    const char *shared = strstr(made, "\n### Keys of requests\n");
    assert_non_null(shared);
    assert_null(strstr(shared + 1, "\n### Keys of requests\n"));
    assert_non_null(strstr(made, "the [keys of requests](#keys-of-requests)"));
    free(made);
}

static void refuses(const char *options, const char *sentence)
{
    char yaml[512], whole[ERROR_TEXT_MAX];
    snprintf(yaml, sizeof(yaml), WIRE "%s}}]", options);
    snprintf(whole, sizeof(whole), FILE_NAME ":1:%s", sentence);
    assert_refused(yaml, whole);
}

static void a_wrong_value_R13(void **state)
{
    refuses(", verify: yes", "64: \"sink.verify\" must be true or false, not \"yes\"");
    refuses(", tries: 0", "63: \"sink.tries\" must be a whole number from 1 to 10, not \"0\"");
    refuses(", tries: 11", "63: \"sink.tries\" must be a whole number from 1 to 10, not \"11\"");
    refuses(", tries: 1k", "63: \"sink.tries\" must be a whole number from 1 to 10, not \"1k\"");
    refuses(", order: stric", "63: \"sink.order\" must be loose or strict, not \"stric\" (did you "
                              "mean \"strict\"?)");
    refuses(", brokers: a", "65: \"sink.brokers\" must be a list of texts");
    refuses(", brokers: [a, b, a]", "72: \"sink.brokers\" has \"a\" twice");
    refuses(", labels: [a]", "64: \"sink.labels\" must be a map of names, each with a text");
    refuses(", labels: {}", "64: \"sink.labels\" must be a map of names, each with a text");
    refuses(", labels: {a: [b]}",
            "68: \"sink.labels\" must be a map of names, each with a text, not a list");
    refuses(", headers: {\"a b\": c}",
            "66: \"sink.headers\" has a name that is none of a header's: letters, digits and "
            "\"-\", then a colon and the value");
    refuses(", tls_ca: ca.pem",
            "64: \"sink.tls_ca\" must be an absolute path without \"..\", not \"ca.pem\"");
}

static void an_unknown_option_R3(void **state)
{
    refuses(", usrname: a", "56: unknown key \"sink.usrname\" (did you mean \"username\"?)");
    refuses(", path: /x", "56: \"sink.path\" is no option of a wire sink");
    assert_refused("routes: [{name: a, sink: {type: stdout, url: \"http://x\"}}]",
                   FILE_NAME ":1:41: \"sink.url\" is no option of a stdout sink");
    assert_refused("routes: [{name: a, sink: {type: wire}}]",
                   FILE_NAME ":1:26: \"sink.url\" is missing; it must be a URL with the scheme "
                             "http or https");
    assert_refused("routes: [{name: a, url: x, sink: {type: stdout}}]",
                   FILE_NAME ":1:20: unknown key \"url\" (did you mean \"sink.url\"?)");
    assert_refused("routes: [{name: a, sink.url: x, sink: {type: stdout}}]",
                   FILE_NAME ":1:20: \"sink.url\" is written as a map, \"sink: {url: …}\"");
}

static void what_the_sink_says_has_its_place_R13(void **state)
{
    refuses(", password: x", "66: password: needs a username");
}

static void a_wrong_url_R13(void **state)
{
    static const struct {
        const char *url, *wrong;
    } urls[] = {
        {"loki:3100", "has another scheme"},
        {"ftp://x", "has another scheme"},
        {"http:/x", "has another scheme"},
        {"http://", "has no host"},
        {"http:///x", "has no host"},
        {"http://:80", "has no host"},
        {"http://?a", "has no host"},
        {"http://x:", "has a port that is no number from 1 to 65535"},
        {"http://x:a", "has a port that is no number from 1 to 65535"},
        {"http://x:0/", "has a port that is no number from 1 to 65535"},
        {"http://x:65536", "has a port that is no number from 1 to 65535"},
        {"http://[::1", "has a host with \\\"[\\\" that is no IPv6 address in brackets"},
        {"http://[]/", "has a host with \\\"[\\\" that is no IPv6 address in brackets"},
        {"http://[::1]3100", "has a port that is no number from 1 to 65535"},
        {"http://a b", "has a space in it; in a URL that is %20"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        char yaml[256], sentence[512], *to = sentence;
        snprintf(yaml, sizeof(yaml), "routes: [{name: a, sink: {type: wire, url: \"%s\"}}]",
                 urls[i].url);
        snprintf(sentence, sizeof(sentence),
                 FILE_NAME ":1:44: \"sink.url\" must be a URL with the scheme http or https; this "
                           "one %s",
                 urls[i].wrong);
        for (const char *from = sentence; *from; from++)
            if (*from != '\\')
                *to++ = *from;
        *to = '\0';
        assert_refused(yaml, sentence);
    }
    refuses(", proxy: \"http://x\"",
            "63: \"sink.proxy\" must be a URL with the scheme socks5; this one has another scheme");
}

static void a_right_url(void **state)
{
    static const char *const urls[] = {
        "http://loki",         "https://loki:3100/push?a=b#c", "HTTP://x",
        "http://[::1]:3100/x", "http://127.0.0.1:65535",       "http://x?:"};

    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        char yaml[256];
        snprintf(yaml, sizeof(yaml), "routes: [{name: a, sink: {type: wire, url: \"%s\"}}]",
                 urls[i]);
        struct config *c = load(yaml);
        assert_string_equal(SINK(c)->url, urls[i]);
        config_free(c);
    }
}

static void keys_of_requests_are_of_sinks_that_send_some_R3(void **state)
{
    struct config *c = load(WIRE "}}]");
    assert_int_equal(c->routes[0].batch_bytes_max, 1 << 20);
    assert_int_equal(c->routes[0].batch_lines_max, 20000);
    assert_int_equal(c->routes[0].dead_letters_bytes_max, 64 << 20);
    config_free(c);

    c = load("routes: [{name: a, batch: {age: 0}, sink: {type: stdout}}]");
    assert_int_equal(c->routes[0].batch_bytes_max, 0);
    assert_int_equal(c->routes[0].batch_lines_max, 0);
    assert_int_equal(c->routes[0].dead_letters_bytes_max, 0);
    config_free(c);

    assert_refused("routes: [{name: a, batch: {bytes: 1MiB}, sink: {type: stdout}}]",
                   FILE_NAME ":1:28: \"batch.bytes\" is of sinks that send requests; a stdout sink "
                             "sends none");
    assert_refused("routes: [{name: a, batch: {lines: 5}, sink: {type: file, path: /x}}]",
                   FILE_NAME ":1:28: \"batch.lines\" is of sinks that send requests; a file sink "
                             "sends none");
    assert_refused("routes: [{name: a, dead_letters_max: 5MiB, sink: {type: \"null\"}}]",
                   FILE_NAME ":1:20: \"dead_letters_max\" is of sinks that send requests; a null "
                             "sink sends none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_option_is_read_into_its_place_and_printed_R3),
        cmocka_unit_test(each_option_is_there_once_R3),
        cmocka_unit_test(each_sink_and_each_option_is_documented_R3),
        cmocka_unit_test(a_wrong_value_R13),
        cmocka_unit_test(an_unknown_option_R3),
        cmocka_unit_test(what_the_sink_says_has_its_place_R13),
        cmocka_unit_test(a_wrong_url_R13),
        cmocka_unit_test(a_right_url),
        cmocka_unit_test(keys_of_requests_are_of_sinks_that_send_some_R3),
    };
    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
