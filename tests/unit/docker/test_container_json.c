// SPDX-License-Identifier: Apache-2.0
#include "docker/container_json.h"

#include "base/limits.h"
#include "base/rfc3339.h"
#include "docker/container_record.h"
#include "sample.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ID "4749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"

static const struct container_constants constants = {"docker", "ssw-log-capturer"};

static struct container *inspected(const char *text)
{
    struct container *c = NULL;
    struct error error = {""};
    if (container_from_inspect(&c, span_of(text), &constants, &error) != 0)
        fail_msg("%s", error.text);
    return c;
}

static struct container *inspected_sample(const char *name)
{
    CLEANUP(buf_deinit) struct buf text = sample_read(name);
    return inspected(buf_string(&text));
}

static struct container *on_disk(const char *config, const char *hostconfig)
{
    struct container *c = NULL;
    struct error error = {""};
    if (container_from_disk(&c, span_of(config), span_of(hostconfig), &constants, &error) != 0)
        fail_msg("%s", error.text);
    return c;
}

static void assert_pairs_equal(const struct pairs *a, const struct pairs *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_string_equal(a->items[i].key, b->items[i].key);
        assert_string_equal(a->items[i].value, b->items[i].value);
    }
}

static void assert_same(const struct container *a, const struct container *b)
{
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->image, b->image);
    assert_true(a->created_ns == b->created_ns);
    assert_true(a->started_ns == b->started_ns);
    assert_string_equal(a->state, b->state);
    assert_string_equal(a->status, b->status);
    assert_string_equal(a->platform, b->platform);
    assert_string_equal(a->hostname, b->hostname);
    assert_string_equal(a->command, b->command);
    assert_pairs_equal(&a->labels, &b->labels);
    assert_pairs_equal(&a->networks, &b->networks);
    assert_string_equal(a->network_mode, b->network_mode);
    assert_string_equal(a->log_driver, b->log_driver);
    assert_string_equal(a->log_path, b->log_path);
    assert_int_equal(a->rotation_bytes, b->rotation_bytes);
    assert_int_equal(a->tty, b->tty);
    assert_pairs_equal(&a->rendered, &b->rendered);
}

/* S12: every part of the metadata, from a genuine answer. */
static void s12_metadata_of_a_running_container(void **state)
{
    CLEANUP(container_unref) struct container *c = inspected_sample("inspect/running.json");
    int64_t created, started;

    assert_int_equal(rfc3339_parse(SPAN("2026-11-23T16:34:57.946044307Z"), &created), 0);
    assert_int_equal(rfc3339_parse(SPAN("2026-11-23T16:34:58.20419471Z"), &started), 0);
    assert_string_equal(c->id, ID);
    assert_string_equal(c->name, "df-in");
    assert_string_equal(c->image, "bb");
    assert_true(c->created_ns == created);
    assert_true(c->started_ns == started);
    assert_string_equal(c->state, "running");
    assert_string_equal(c->status, "running");
    assert_string_equal(c->platform, "linux");
    assert_string_equal(c->hostname, "hh");
    assert_string_equal(c->command, "sleep");
    assert_int_equal(c->labels.count, 3);
    assert_string_equal(container_label(c, "a.b"), "c");
    assert_int_equal(c->networks.count, 1);
    assert_string_equal(pairs_get(&c->networks, "bridge"), "172.17.0.6");
    assert_string_equal(c->network_mode, "default");
    assert_string_equal(c->log_driver, "json-file");
    assert_string_equal(c->log_path, "/var/lib/docker/containers/" ID "/" ID "-json.log");
    assert_false(c->tty);
    assert_string_equal(container_rendered(c, "network"), "bridge");
    assert_string_equal(container_rendered(c, "network_bridge"), "172.17.0.6");
}

/* D18: the disk alone gives the same record, running or exited. */
static void d18_disk_and_engine_give_the_same(void **state)
{
    const char *const names[] = {"running", "exited"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char name[64];
        snprintf(name, sizeof(name), "inspect/%s.json", names[i]);
        CLEANUP(container_unref) struct container *engine = inspected_sample(name);
        snprintf(name, sizeof(name), "inspect/%s-config.v2.json", names[i]);
        CLEANUP(buf_deinit) struct buf config = sample_read(name);
        snprintf(name, sizeof(name), "inspect/%s-hostconfig.json", names[i]);
        CLEANUP(buf_deinit) struct buf hostconfig = sample_read(name);
        CLEANUP(container_unref)
        struct container *disk = on_disk(buf_string(&config), buf_string(&hostconfig));
        assert_same(engine, disk);
        assert_int_equal(disk->rotation_bytes, 10000); /* R1: max-size=10k */
    }
}

/* S5 and the TTY flag, from genuine answers. */
static void s5_drivers_of_genuine_answers(void **state)
{
    const struct {
        const char *sample, *driver;
        bool tty;
    } cases[] = {{"inspect/local-driver.json", "local", false},
                 {"inspect/syslog-driver.json", "syslog", false},
                 {"inspect/tty.json", "json-file", true}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(container_unref) struct container *c = inspected_sample(cases[i].sample);
        assert_string_equal(c->log_driver, cases[i].driver);
        assert_int_equal(c->tty, cases[i].tty);
        assert_int_equal(c->log_path[0] == '\0', !cases[i].tty);
    }
}

/* S5: unset in any way means json-file. */
static void s5_unset_means_json_file(void **state)
{
    const char *const parts[] = {"",
                                 ",\"HostConfig\":null",
                                 ",\"HostConfig\":{}",
                                 ",\"HostConfig\":{\"LogConfig\":null}",
                                 ",\"HostConfig\":{\"LogConfig\":{\"Type\":\"\"}}",
                                 ",\"HostConfig\":{\"LogConfig\":{\"Type\":null,\"Config\":null}}"};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        char text[256];
        snprintf(text, sizeof(text), "{\"Id\":\"" ID "\"%s}", parts[i]);
        CLEANUP(container_unref) struct container *c = inspected(text);
        assert_string_equal(c->log_driver, "json-file");
    }
}

static void s13_one_leading_slash(void **state)
{
    const struct {
        const char *name, *expected;
    } cases[] = {{"/web", "web"}, {"web", "web"}, {"", ""}, {"/", ""}, {"//web", "/web"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[256];
        snprintf(text, sizeof(text), "{\"Id\":\"" ID "\",\"Name\":\"%s\"}", cases[i].name);
        CLEANUP(container_unref) struct container *c = inspected(text);
        assert_string_equal(c->name, cases[i].expected);
    }
}

/* S15: the first word of Cmd, else Path. */
static void s15_command(void **state)
{
    const struct {
        const char *cmd, *expected;
    } cases[] = {{"[\"sh\",\"-c\",\"echo a\"]", "sh"},
                 {"null", "tini"},
                 {"[]", "tini"},
                 {"[\"\"]", "tini"},
                 {"[null]", "tini"},
                 {"\"bash\"", "bash"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[256];
        snprintf(text, sizeof(text),
                 "{\"Id\":\"" ID "\",\"Path\":\"tini\",\"Config\":{\"Cmd\":%s}}", cases[i].cmd);
        CLEANUP(container_unref) struct container *c = inspected(text);
        assert_string_equal(c->command, cases[i].expected);
    }
}

/* S15: absent or null state, networks, addresses; only non-empty addresses count. */
static void s15_absent_parts_are_safe(void **state)
{
    CLEANUP(container_unref) struct container *bare = inspected("{\"Id\":\"" ID "\"}");
    assert_string_equal(bare->state, "");
    assert_string_equal(bare->status, "");
    assert_int_equal(bare->networks.count, 0);
    assert_true(bare->created_ns == RFC3339_ZERO_NS);
    assert_true(bare->started_ns == RFC3339_ZERO_NS);
    assert_int_equal(bare->rendered.count, 3);

    CLEANUP(container_unref)
    struct container *c = inspected(
        "{\"Id\":\"" ID "\",\"State\":null,\"Config\":{\"Labels\":{\"a\":null},\"Cmd\":null},"
        "\"Created\":\"yesterday\",\"NetworkSettings\":{\"Networks\":{"
        "\"n4\":{\"IPAddress\":\"10.0.0.1\",\"GlobalIPv6Address\":\"fd00::1\"},"
        "\"n6\":{\"IPAddress\":\"\",\"GlobalIPv6Address\":\"fd00::2\"},"
        "\"none\":{\"IPAddress\":null,\"GlobalIPv6Address\":\"\"},\"null\":null,\"bare\":{}}}}");
    assert_int_equal(c->networks.count, 5);
    assert_string_equal(pairs_get(&c->networks, "n4"), "10.0.0.1");
    assert_string_equal(pairs_get(&c->networks, "n6"), "fd00::2");
    assert_string_equal(pairs_get(&c->networks, "none"), "");
    assert_string_equal(pairs_get(&c->networks, "null"), "");
    assert_null(container_rendered(c, "network_none"));
    assert_string_equal(container_label(c, "a"), "");
    assert_true(c->created_ns == RFC3339_ZERO_NS);

    CLEANUP(container_unref)
    struct container *disk =
        on_disk("{\"ID\":\"" ID "\",\"ImagePlatform\":{\"os\":\"linux\"}}", "{}");
    assert_string_equal(disk->state, "");
    assert_string_equal(disk->platform, "linux");
}

/* D18: the order in which the state is derived. */
static void d18_state_from_disk(void **state)
{
    const struct {
        const char *members, *expected;
    } cases[] = {
        {"\"Dead\":true,\"RemovalInProgress\":true,\"Running\":true", "dead"},
        {"\"RemovalInProgress\":true,\"Restarting\":true", "removing"},
        {"\"Restarting\":true,\"Paused\":true,\"Running\":true", "restarting"},
        {"\"Paused\":true,\"Running\":true", "paused"},
        {"\"Running\":true", "running"},
        {"\"StartedAt\":\"0001-01-01T00:00:00Z\"", "created"},
        {"\"StartedAt\":null", "created"},
        {"\"StartedAt\":\"2026-11-23T16:06:16Z\",\"Running\":false", "exited"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[512];
        snprintf(text, sizeof(text), "{\"ID\":\"" ID "\",\"State\":{%s}}", cases[i].members);
        CLEANUP(container_unref) struct container *c = on_disk(text, "{}");
        assert_string_equal(c->state, cases[i].expected);
        assert_string_equal(c->status, cases[i].expected);
    }
}

/* S12: the status is the health word where there is a healthcheck. */
static void s12_status_is_the_health_word(void **state)
{
    const struct {
        const char *health, *expected;
    } cases[] = {{"{\"Status\":\"healthy\"}", "healthy"},
                 {"{\"Status\":\"starting\"}", "starting"},
                 {"{\"Status\":\"none\"}", "running"},
                 {"{\"Status\":\"\"}", "running"},
                 {"{}", "running"},
                 {"null", "running"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[512];
        snprintf(text, sizeof(text),
                 "{\"Id\":\"" ID "\",\"State\":{\"Status\":\"running\",\"Health\":%s}}",
                 cases[i].health);
        CLEANUP(container_unref) struct container *engine = inspected(text);
        assert_string_equal(engine->status, cases[i].expected);
        snprintf(text, sizeof(text),
                 "{\"ID\":\"" ID "\",\"State\":{\"Running\":true,\"Health\":%s}}", cases[i].health);
        CLEANUP(container_unref) struct container *disk = on_disk(text, "{}");
        assert_string_equal(disk->status, cases[i].expected);
    }
}

/* A label may hold a NUL; the container is not lost for it. */
static void a_nul_ends_a_value(void **state)
{
    CLEANUP(container_unref)
    struct container *c =
        inspected("{\"Id\":\"" ID "\",\"Config\":{\"Labels\":{\"a\":\"b\\u0000c\"}}}");
    assert_string_equal(container_label(c, "a"), "b");
}

/* R13: bad input gives words that say where, and no record. */
static void r13_wrong_answers_say_where(void **state)
{
    const struct {
        const char *text, *words;
    } cases[] = {
        {"nonsense", "inspect answer:1:"},
        {"[]", "inspect answer: expected an object, found an array"},
        {"{}", "inspect answer: no container id"},
        {"{\"Id\":\"abc\"}", "inspect answer: no container id"},
        {"{\"Id\":5}", "inspect answer: Id: expected a string, found a number"},
        {"{\"Name\":{}}", "inspect answer: Name: expected a string, found an object"},
        {"{\"State\":[]}", "State.StartedAt: expected objects on the way, found an array"},
        {"{\"Config\":{\"Tty\":\"yes\"}}", "Config.Tty: expected a boolean, found a string"},
        {"{\"Config\":{\"Cmd\":[1.5]}}", "Config.Cmd: expected strings, found a number"},
        {"{\"Config\":{\"Labels\":[]}}", "Config.Labels: expected an object, found an array"},
        {"{\"Config\":{\"Labels\":{\"a.b\":true}}}",
         "Config.Labels.a.b: expected a string, found a boolean"},
        {"{\"NetworkSettings\":{\"Networks\":{\"n\":1}}}",
         "NetworkSettings.Networks.n: expected an object, found a number"},
        {"{\"NetworkSettings\":{\"Networks\":{\"n\":{\"IPAddress\":1}}}}",
         "NetworkSettings.Networks.n: expected a string, found a number"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct container *c = (void *)1;
        struct error error = {""};
        assert_int_equal(container_from_inspect(&c, span_of(cases[i].text), &constants, &error),
                         -EBADMSG);
        if (!strstr(error.text, cases[i].words))
            fail_msg("\"%s\" does not say \"%s\"", error.text, cases[i].words);
        assert_ptr_equal(c, (void *)1);
        assert_int_equal(container_from_inspect(&c, span_of(cases[i].text), &constants, NULL),
                         -EBADMSG);
    }

    struct container *c = NULL;
    struct error error = {""};
    assert_int_equal(container_from_disk(&c, SPAN("{\"ID\":\"" ID "\"}"),
                                         SPAN("{\"LogConfig\":{\"Type\":7}}"), &constants, &error),
                     -EBADMSG);
    assert_non_null(strstr(error.text, "hostconfig.json: LogConfig.Type: expected a string"));
}

/* What is cut is told apart from what is wrong, for either file. */
static void half_a_text_is_cut(void **state)
{
    CLEANUP(buf_deinit) struct buf config = sample_read("inspect/running-config.v2.json");
    struct container *c = NULL;

    assert_int_equal(container_from_disk(&c, (struct span){config.data, config.size / 2},
                                         SPAN("{}"), &constants, NULL),
                     CONTAINER_JSON_E_CUT);
    assert_int_equal(container_from_disk(&c, buf_span(&config), SPAN(""), &constants, NULL),
                     CONTAINER_JSON_E_CUT);
    assert_int_equal(container_from_inspect(&c, (struct span){NULL, 0}, &constants, NULL),
                     CONTAINER_JSON_E_CUT);
}

/* R13: what is wrong is named by its place in the file, whatever of that is of no interest. */
static void r13_damage_has_its_place(void **state)
{
    struct container *c = NULL;
    struct error error = {""};

    assert_int_equal(container_from_disk(&c, SPAN("{\"Env\":[1,2],\n\"ID\":nil}"), SPAN("{}"),
                                         &constants, &error),
                     -EBADMSG);
    if (!strstr(error.text, "config.v2.json:2:8:"))
        fail_msg("\"%s\" names no place", error.text);
}

/* Every prefix of a genuine file is refused in words, none crashes. */
static void every_cut_is_survived(void **state)
{
    CLEANUP(buf_deinit) struct buf text = sample_read("inspect/running-config.v2.json");
    struct container *c = NULL;

    for (size_t size = 0; size < text.size - 1; size++) {
        struct error error = {""};
        int r =
            container_from_disk(&c, (struct span){text.data, size}, SPAN("{}"), &constants, &error);
        assert_true(r == CONTAINER_JSON_E_CUT || r == -EBADMSG);
        assert_true(error.text[0] != '\0');
    }
}

static void too_large_is_refused(void **state)
{
    CLEANUP_FREE char *text = calloc(1, CONTAINER_JSON_MAX + 2);
    struct container *c = NULL;
    struct error error = {""};

    assert_non_null(text);
    memset(text, ' ', CONTAINER_JSON_MAX + 1);
    assert_int_equal(container_from_inspect(&c, span_of(text), &constants, &error), -EFBIG);
    assert_non_null(strstr(error.text, "inspect answer: 4194305 bytes"));
}

/* The ledger's form gives the record back, whatever is in it. */
static void record_is_lossless(void **state)
{
    const char *const samples[] = {"inspect/running.json", "inspect/exited.json",
                                   "inspect/local-driver.json", "inspect/syslog-driver.json",
                                   "inspect/tty.json"};
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
        CLEANUP(container_unref) struct container *c = inspected_sample(samples[i]);
        CLEANUP(container_unref) struct container *d = NULL;
        CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONTAINER_JSON_MAX);
        container_record_print(c, &text);
        assert_int_equal(text.failed, 0);
        assert_int_equal(container_record_parse(&d, buf_span(&text), &constants, NULL), 0);
        assert_same(c, d);
    }

    struct pair labels[] = {{"\"\\\n\x01", "h\xc3\xa9"}, {"", ""}};
    struct pair networks[] = {{"n", ""}};
    struct container_fields f = {.id = ID,
                                 .name = "//x",
                                 .created_ns = -1,
                                 .started_ns = RFC3339_ZERO_NS,
                                 .tty = true,
                                 .status = "healthy",
                                 .labels = {labels, 2},
                                 .networks = {networks, 1},
                                 .log_driver = "my/plugin:1",
                                 .rotation_bytes = CONTAINER_ROTATES_NEVER,
                                 .constants = constants};
    CLEANUP(container_unref) struct container *c = NULL;
    CLEANUP(container_unref) struct container *d = NULL;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONTAINER_JSON_MAX);
    assert_int_equal(container_new(&c, &f), 0);
    container_record_print(c, &text);
    assert_int_equal(container_record_parse(&d, buf_span(&text), &constants, NULL), 0);
    assert_same(c, d);
    assert_null(memchr(text.data, '\n', text.size)); /* one line */
}

static void damaged_records_say_where(void **state)
{
    const struct {
        const char *text, *words;
    } cases[] = {
        {"", "container record:"},
        {"{\"id\":\"x\"}", "no container id"},
        {"{\"id\":\"" ID "\",\"created\":\"soon\"}", "created: expected an RFC 3339 time"},
        {"{\"id\":\"" ID "\",\"labels\":3}", "labels: expected an object"},
        {"{\"id\":\"" ID "\",\"networks\":{\"a\":3}}", "networks.a: expected a string"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct container *c = NULL;
        struct error error = {""};
        assert_true(container_record_parse(&c, span_of(cases[i].text), &constants, &error) < 0);
        if (!strstr(error.text, cases[i].words))
            fail_msg("\"%s\" does not say \"%s\"", error.text, cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s12_metadata_of_a_running_container),
        cmocka_unit_test(d18_disk_and_engine_give_the_same),
        cmocka_unit_test(s5_drivers_of_genuine_answers),
        cmocka_unit_test(s5_unset_means_json_file),
        cmocka_unit_test(s13_one_leading_slash),
        cmocka_unit_test(s15_command),
        cmocka_unit_test(s15_absent_parts_are_safe),
        cmocka_unit_test(d18_state_from_disk),
        cmocka_unit_test(s12_status_is_the_health_word),
        cmocka_unit_test(a_nul_ends_a_value),
        cmocka_unit_test(r13_wrong_answers_say_where),
        cmocka_unit_test(half_a_text_is_cut),
        cmocka_unit_test(r13_damage_has_its_place),
        cmocka_unit_test(every_cut_is_survived),
        cmocka_unit_test(too_large_is_refused),
        cmocka_unit_test(record_is_lossless),
        cmocka_unit_test(damaged_records_say_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
