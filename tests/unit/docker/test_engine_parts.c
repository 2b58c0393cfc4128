// SPDX-License-Identifier: Apache-2.0
#include "docker/docker_host.h"
#include "docker/engine_answer.h"
#include "docker/engine_events.h"
#include "docker/engine_version.h"
#include "sample.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ID "4749f2110d79a2ef531456e1074e9a351d1c89191e0f3567a97bb52baa326754"

static void host_is_found_in_order(void **state)
{
    unsetenv("DOCKER_HOST");
    assert_string_equal(docker_host_find(NULL), "unix:///var/run/docker.sock");
    setenv("DOCKER_HOST", "", 1);
    assert_string_equal(docker_host_find(""), "unix:///var/run/docker.sock");
    setenv("DOCKER_HOST", "tcp://10.0.0.1:2375", 1);
    assert_string_equal(docker_host_find(NULL), "tcp://10.0.0.1:2375");
    assert_string_equal(docker_host_find("none"), "none");
    unsetenv("DOCKER_HOST");
}

static void hosts_are_parsed(void **state)
{
    const struct {
        const char *text;
        enum docker_host_kind kind;
        const char *address, *printed;
    } cases[] = {
        {"unix:///run/d.sock", DOCKER_HOST_UNIX, "/run/d.sock", "unix:///run/d.sock"},
        {"tcp://10.0.0.1", DOCKER_HOST_TCP, "10.0.0.1:2375", "tcp://10.0.0.1:2375"},
        {"tcp://10.0.0.1:99/", DOCKER_HOST_TCP, "10.0.0.1:99", "tcp://10.0.0.1:99"},
        {"tcp://[::1]", DOCKER_HOST_TCP, "[::1]:2375", "tcp://[::1]:2375"},
        {"tcp://[fe80::1%25eth0]:1", DOCKER_HOST_TCP, "[fe80::1%25eth0]:1",
         "tcp://[fe80::1%25eth0]:1"},
        {"none", DOCKER_HOST_NONE, "", "none"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct docker_host host;
        char text[PATH_BYTES_MAX + 8];
        assert_int_equal(docker_host_parse(&host, cases[i].text, NULL), 0);
        assert_int_equal(host.kind, cases[i].kind);
        assert_string_equal(host.address, cases[i].address);
        assert_string_equal(docker_host_print(&host, text, sizeof(text)), cases[i].printed);
    }
}

static void names_are_told_from_addresses(void **state)
{
    const struct {
        const char *text, *name;
    } cases[] = {
        {"tcp://engine.example", "engine.example"},
        {"tcp://h:99", "h"},
        {"tcp://10.0.0.1", NULL},
        {"tcp://10.0.0.1:99", NULL},
        {"tcp://[::1]:1", NULL},
        {"unix:///run/d.sock", NULL},
        {"none", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct docker_host host;
        char name[HOST_NAME_MAX_BYTES];
        assert_int_equal(docker_host_parse(&host, cases[i].text, NULL), 0);
        assert_int_equal(docker_host_name(&host, name), cases[i].name != NULL);
        if (cases[i].name)
            assert_string_equal(name, cases[i].name);
    }
}

/* R13: what is refused is quoted, with the forms that are not. */
static void r13_wrong_hosts_are_refused(void **state)
{
    char longest[200] = "unix:///";
    memset(longest + 8, 'x', sizeof(longest) - 9);
    const struct {
        const char *text;
        int code;
    } cases[] = {{"", -EINVAL},
                 {"/var/run/docker.sock", -EINVAL},
                 {"unix://relative", -EINVAL},
                 {"tcp://", -EINVAL},
                 {"tcp:///", -EINVAL},
                 {"tcp://a b", -EINVAL},
                 {"tcp://u@h", -EINVAL},
                 {"tcp://h/path", -EINVAL},
                 {"ssh://h", -EINVAL},
                 {longest, -ENAMETOOLONG}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct docker_host host = {.kind = DOCKER_HOST_TCP};
        struct error error = {""};
        assert_int_equal(docker_host_parse(&host, cases[i].text, &error), cases[i].code);
        assert_non_null(strstr(error.text, cases[i].text));
        assert_int_equal(host.kind, DOCKER_HOST_TCP);
    }
}

static void versions_are_integers(void **state)
{
    const struct engine_version old = {1, 9}, newer = {1, 10}, two = {2, 0};
    struct engine_version v = {7, 7};

    assert_true(engine_version_parse(&v, "1.41"));
    assert_int_equal(v.major, 1);
    assert_int_equal(v.minor, 41);
    const char *wrong[] = {"", "1", "1.", ".1", "1.4x", "v1.4", "1.2.3", "-1.2", "99999.1"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_false(engine_version_parse(&v, wrong[i]));
    assert_int_equal(v.minor, 41);

    assert_true(engine_version_below(old, newer) && engine_version_below(newer, two));
    assert_false(engine_version_below(newer, old) || engine_version_below(old, old));
    assert_int_equal(engine_version_lower(old, newer).minor, 9);
    assert_int_equal(engine_version_lower(newer, old).minor, 9);
    assert_int_equal(engine_version_lower(newer, two).major, 1);
    assert_int_equal(engine_version_lower(two, newer).major, 1);
}

/* S4: the list, from a genuine answer. */
static void s4_list(void **state)
{
    CLEANUP(buf_deinit) struct buf text = sample_read("inspect/list.json");
    CLEANUP_FREE struct engine_listed *items = NULL;
    size_t count = 0;

    assert_int_equal(engine_answer_list(buf_span(&text), &items, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(items[0].id, ID);
    assert_string_equal(items[0].name, "df-in");
    assert_string_equal(items[0].state, "running");
}

/* Names: the one with exactly one slash; S16: an empty list is a list. */
static void list_odds(void **state)
{
    CLEANUP_FREE struct engine_listed *items = NULL;
    size_t count = 9;

    assert_int_equal(engine_answer_list(SPAN(" [ ] \n"), &items, &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_non_null(items);
    free(items);
    const char *odd = "[{\"Id\":\"" ID "\",\"Names\":[\"/lb/db\",5,\"/db\"],\"State\":7},"
                      "{\"Id\":\"" ID "\",\"Names\":null}]";
    assert_int_equal(engine_answer_list(span_of(odd), &items, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(items[0].name, "db");
    assert_string_equal(items[0].state, "");
    assert_string_equal(items[1].name, "");
}

/* R13: half a list is no list. */
static void r13_bad_lists_are_refused_whole(void **state)
{
    const char *texts[] = {"",
                           "{}",
                           "[",
                           "[{\"Id\":\"" ID "\"}",
                           "[{\"Id\":\"" ID "\"},]",
                           "[{\"Id\":\"" ID "\"}] x",
                           "[{\"Id\":\"short\"}]",
                           "[{}]",
                           "[1]",
                           "[nonsense]"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct engine_listed *items = (void *)1;
        size_t count = 7;
        struct error error = {""};
        assert_int_equal(engine_answer_list(span_of(texts[i]), &items, &count, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "list"));
        assert_ptr_equal(items, (void *)1);
        assert_int_equal(count, 7);
    }
}

static void info_gives_the_root(void **state)
{
    CLEANUP(buf_deinit) struct buf text = sample_read("inspect/info.json");
    char root[PATH_BYTES_MAX] = "x";
    struct error error = {""};

    assert_int_equal(engine_answer_root(buf_span(&text), root, NULL), 0);
    assert_string_equal(root, "/var/lib/docker");
    assert_int_equal(engine_answer_root(SPAN("{}"), root, NULL), 0);
    assert_string_equal(root, "");
    assert_int_equal(engine_answer_root(SPAN("{\"DockerRootDir\":1}"), root, &error), -EBADMSG);
    assert_int_equal(engine_answer_root(SPAN("{"), root, &error), -EBADMSG);

    char longest[PATH_BYTES_MAX + 64];
    int size = snprintf(longest, sizeof(longest), "{\"DockerRootDir\":\"");
    memset(longest + size, 'r', PATH_BYTES_MAX);
    strncpy(longest + size + PATH_BYTES_MAX, "\"}", 3);
    assert_int_equal(engine_answer_root(span_of(longest), root, &error), -ENAMETOOLONG);
}

static void error_bodies_become_one_line(void **state)
{
    const struct {
        const char *body, *expected;
    } cases[] = {
        {"{\"message\":\"No such container: x\"}\n", "No such container: x"},
        {"client version 1.12 is too old.\n", "client version 1.12 is too old."},
        {"<html>\r\n\x1b[31m</html>", "<html>   [31m</html>"},
        {"{\"message\":5}", "{\"message\":5}"},
        {"{\"other\":\"x\"}", "{\"other\":\"x\"}"},
        {"", ""},
    };
    char text[ENGINE_MESSAGE_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(engine_answer_message(span_of(cases[i].body), text), cases[i].expected);

    char longest[2 * ENGINE_MESSAGE_MAX];
    memset(longest, 'x', sizeof(longest));
    engine_answer_message((struct span){longest, sizeof(longest)}, text);
    assert_int_equal(strlen(text), ENGINE_MESSAGE_MAX - 1);
}

/* Feeds `text` in pieces of `piece` bytes and counts what comes out, by action. */
struct tallied {
    unsigned all, start, die, oom, exec_create, connect, with_container;
    int64_t first_ns;
};

static struct tallied fed(struct span text, size_t piece, struct event_stream *s)
{
    struct tallied t = {0};
    struct engine_event event;

    while (text.size) {
        struct span bytes = {text.data, text.size < piece ? text.size : piece};
        assert_true(event_stream_has_room(s, bytes.size));
        assert_int_equal(event_stream_feed(s, bytes), 0);
        text.data += bytes.size;
        text.size -= bytes.size;
        while (event_stream_next(s, &event)) {
            if (t.all++ == 0)
                t.first_ns = event.time_ns;
            t.start += strcmp(event.action, "start") == 0;
            t.die += strcmp(event.action, "die") == 0;
            t.oom += strcmp(event.action, "oom") == 0;
            t.exec_create += strcmp(event.action, "exec_create") == 0;
            t.connect += strcmp(event.action, "connect") == 0;
            t.with_container += event.container_id[0] != '\0';
        }
    }
    return t;
}

/* S75: the events of a genuine stream, however it is cut. */
static void s75_events_however_cut(void **state)
{
    CLEANUP(buf_deinit) struct buf text = sample_read("events/events.ndjson");
    const size_t pieces[] = {1, 2, 3, 7, 100, 4096, 1 << 20};
    size_t lines = 0;
    for (size_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n';

    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        struct event_stream s = EVENT_STREAM_INIT;
        struct tallied t = fed(buf_span(&text), pieces[i], &s);
        assert_int_equal(t.all, lines);
        assert_true(t.first_ns == INT64_C(1795451757040616620));
        assert_int_equal(t.start, 8);
        assert_int_equal(t.die, 8);
        assert_int_equal(t.exec_create, 3);
        assert_int_equal(t.connect, 10);
        assert_int_equal(t.with_container, t.all - 2); /* a network's create and destroy */
        assert_int_equal(s.nonsense, 0);
        event_stream_deinit(&s);
    }
}

/* RFC 7464, blank lines, CRLF; nonsense is counted and costs no other event. */
static void odd_lines(void **state)
{
    const char *text = "\x1e{\"Type\":\"container\",\"Action\":\"health_status: healthy\","
                       "\"Actor\":{\"ID\":\"" ID "\",\"Attributes\":{\"image\":5}},\"time\":7}\r\n"
                       "\n\x1e\nnonsense\n[]\n{\"Type\":\"container\"}\n{\"Action\":\"x\"}\n"
                       "{\"Type\":1,\"Action\":\"x\"}\n"
                       "{\"Type\":\"container\",\"Action\":\"prune\",\"Actor\":{\"ID\":\"\"},"
                       "\"time\":9223372036854775807}\n"
                       "{\"Type\":\"network\",\"Action\":\"connect\",\"timeNano\":8,\"Actor\":{"
                       "\"ID\":\"" ID "\",\"Attributes\":{\"container\":\"" ID "\"}}}\n"
                       "{\"Type\":\"network\",\"Action\":\"connect\",\"timeNano\":8,\"Actor\":{"
                       "\"ID\":\"zz\",\"Attributes\":{\"container\":\"../../etc\"}}}\n"
                       "{\"Type\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
                       "\"Action\":\"x\"}\n{\"Type\":\"container\",\"Act";
    struct event_stream s = EVENT_STREAM_INIT;
    struct engine_event event;

    assert_int_equal(event_stream_feed(&s, span_of(text)), 0);
    assert_true(event_stream_next(&s, &event));
    assert_string_equal(event.type, "container");
    assert_string_equal(event.action, "health_status");
    assert_string_equal(event.container_id, ID);
    assert_true(event.time_ns == INT64_C(7000000000));
    assert_true(event_stream_next(&s, &event));
    assert_string_equal(event.action, "prune");
    assert_string_equal(event.container_id, "");
    assert_true(event.time_ns == 0);
    assert_int_equal(s.nonsense, 5);
    assert_true(event_stream_next(&s, &event));
    assert_string_equal(event.container_id, ID);
    assert_true(event_stream_next(&s, &event));
    assert_string_equal(event.id, "");
    assert_string_equal(event.container_id, "");
    assert_true(event_stream_next(&s, &event));
    assert_int_equal(strlen(event.type), EVENT_WORD_MAX - 1);
    assert_false(event_stream_next(&s, &event)); /* half a line waits */
    assert_int_equal(event_stream_feed(&s, (struct span){NULL, 0}), 0);
    event_stream_deinit(&s);
}

/* D75: labels overwrite the attributes of a container's event; none of them is believed. */
static void d75_attributes_are_not_believed(void **state)
{
    const char *text = "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"" ID
                       "\",\"Attributes\":{\"container\":\"x\",\"name\":\"y\",\"exitCode\":\"z\"}},"
                       "\"timeNano\":1}\n";
    struct event_stream s = EVENT_STREAM_INIT;
    struct engine_event event;

    assert_int_equal(event_stream_feed(&s, span_of(text)), 0);
    assert_true(event_stream_next(&s, &event));
    assert_string_equal(event.container_id, ID);
    event_stream_deinit(&s);
}

/* S75: those that may have changed a container; without an id, as of a prune, none did. */
static void s75_events_that_matter(void **state)
{
    static const struct {
        const char *action;
        bool matters;
    } cases[] = {{"create", true},        {"start", true},       {"restart", true},
                 {"die", true},           {"destroy", true},     {"rename", true},
                 {"update", true},        {"pause", true},       {"unpause", true},
                 {"health_status", true}, {"connect", true},     {"disconnect", true},
                 {"exec_create", false},  {"exec_start", false}, {"exec_die", false},
                 {"attach", false},       {"kill", false},       {"oom", false},
                 {"stop", false},         {"", false},           {"star", false}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct engine_event event = {.container_id = ID};
        snprintf(event.action, sizeof(event.action), "%s", cases[i].action);
        assert_int_equal(engine_event_matters(&event), cases[i].matters);
        event.container_id[0] = '\0';
        assert_false(engine_event_matters(&event));
    }
}

/* D75: a genuine container with the labels exitCode, image and name. */
static void d75_overwritten_attributes(void **state)
{
    CLEANUP(buf_deinit) struct buf text = sample_read("events/events.ndjson");
    struct event_stream s = EVENT_STREAM_INIT;
    struct engine_event event;
    unsigned overwritten = 0;

    for (struct span rest = buf_span(&text); rest.size;) {
        const char *end = memchr(rest.data, '\n', rest.size);
        assert_non_null(end);
        struct span line = {rest.data, (size_t)(end + 1 - rest.data)};
        rest = (struct span){end + 1, rest.size - line.size};
        if (!memmem(line.data, line.size, SPAN("\"exitCode\":\"labelexit\"").data, 22))
            continue;
        assert_int_equal(event_stream_feed(&s, line), 0);
        assert_true(event_stream_next(&s, &event));
        assert_string_equal(event.type, "container");
        assert_string_equal(event.container_id, event.id);
        assert_non_null(memmem(line.data, line.size, event.id, CONTAINER_ID_SIZE));
        overwritten++;
    }
    assert_int_equal(overwritten, 22);
    event_stream_deinit(&s);
}

/* A line without an end is given up, bounded; the next one is read. */
static void an_endless_line_is_skipped(void **state)
{
    enum { PIECE = 64 * 1024 };
    static char piece[PIECE];
    struct event_stream s = EVENT_STREAM_INIT;
    struct engine_event event;

    assert_false(event_stream_next(&s, &event));
    memset(piece, 'x', sizeof(piece));
    for (int i = 0; i < 3 * EVENT_LINE_MAX / PIECE; i++) {
        assert_true(event_stream_has_room(&s, PIECE));
        assert_int_equal(event_stream_feed(&s, (struct span){piece, PIECE}), 0);
        assert_false(event_stream_next(&s, &event));
    }
    assert_int_equal(s.nonsense, 1);
    assert_int_equal(
        event_stream_feed(&s, SPAN("x\n{\"Type\":\"container\",\"Action\":\"die\"}\n")), 0);
    assert_true(event_stream_next(&s, &event));
    assert_string_equal(event.action, "die");

    /* Fed and never taken: no room, then refused. */
    while (event_stream_has_room(&s, PIECE))
        assert_int_equal(event_stream_feed(&s, (struct span){piece, PIECE}), 0);
    assert_int_equal(event_stream_feed(&s, (struct span){piece, PIECE}), -ENOBUFS);
    event_stream_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_is_found_in_order),
        cmocka_unit_test(hosts_are_parsed),
        cmocka_unit_test(names_are_told_from_addresses),
        cmocka_unit_test(r13_wrong_hosts_are_refused),
        cmocka_unit_test(versions_are_integers),
        cmocka_unit_test(s4_list),
        cmocka_unit_test(list_odds),
        cmocka_unit_test(r13_bad_lists_are_refused_whole),
        cmocka_unit_test(info_gives_the_root),
        cmocka_unit_test(error_bodies_become_one_line),
        cmocka_unit_test(s75_events_however_cut),
        cmocka_unit_test(odd_lines),
        cmocka_unit_test(d75_attributes_are_not_believed),
        cmocka_unit_test(s75_events_that_matter),
        cmocka_unit_test(d75_overwritten_attributes),
        cmocka_unit_test(an_endless_line_is_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
