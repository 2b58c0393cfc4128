// SPDX-License-Identifier: Apache-2.0
#include "docker/engine_transfer.h"
#include "engine_rig.h"

#include "base/limits.h"
#include "base/resource.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* S4 S11: ping, info, list, inspect against genuine answers, in the version that was agreed. */
static void s4_genuine_answers(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;
    uint64_t ticket = 0;

    stand_in_start(&daemon, genuine);
    open_engine(&h, daemon.host, DEADLINE_MS);
    assert_int_equal(engine_version_spoken(h.engine).major, 0);
    assert_int_equal(engine_ping(h.engine, &ticket), 0);
    assert_int_equal(engine_unanswered(h.engine), 1);
    step_until(&h, &h.pings, 1);
    assert_int_equal(h.code, 0);
    assert_true(ticket != 0 && h.ticket == ticket);
    assert_int_equal(engine_unanswered(h.engine), 0);
    assert_int_equal(engine_version_spoken(h.engine).minor, 41);

    assert_int_equal(engine_info(h.engine, NULL), 0);
    step_until(&h, &h.infos, 1);
    assert_string_equal(h.text, "");
    assert_string_equal(h.root, "/var/lib/docker");
    assert_int_equal(engine_list(h.engine, NULL), 0);
    step_until(&h, &h.lists, 1);
    assert_int_equal(h.code, 0);
    assert_int_equal(h.listed_count, 2);
    assert_int_equal(engine_inspect(h.engine, ID, NULL), 0);
    step_until(&h, &h.inspects, 1);
    assert_int_equal(h.code, 0);
    assert_string_equal(h.name, "df-in");
    close_engine(&h);
}

static enum stand_in_then ping_of(const char *version, struct buf *raw)
{
    buf_append_format(raw, "HTTP/1.1 200 OK\r\napi-version: %s\r\nContent-Length: 2\r\n\r\nOK",
                      version);
    return STAND_IN_KEEP;
}

static enum stand_in_then engine_1_40(const char *path, struct buf *raw)
{
    return ping_of("1.40", raw);
}

static enum stand_in_then engine_1_23(const char *path, struct buf *raw)
{
    return ping_of("1.23", raw);
}

static enum stand_in_then stranger(const char *path, struct buf *raw)
{
    buf_append(raw, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"));
    return STAND_IN_KEEP;
}

/* One that has forgotten all the versions that we know. */
static enum stand_in_then engine_1_90(const char *path, struct buf *raw)
{
    if (strcmp(path, "/_ping") == 0)
        return ping_of("1.90", raw);
    stand_in_answer(raw, "400 Bad Request", "application/json",
                    SPAN("{\"message\":\"client version 1.55 is too old. Minimum supported API "
                         "version is 1.60, please upgrade your client to a newer version\"}\n"));
    return STAND_IN_KEEP;
}

/* Never above what both know, never below what we know; S96: what cannot be is told at once. */
static void versions_are_negotiated(void **state)
{
    const struct {
        stand_in_handler *handler;
        int code;
        unsigned minor;
        const char *words;
    } cases[] = {
        {engine_1_40, 0, 40, ""},
        {engine_1_90, 0, 55, ""},
        {engine_1_23, -EPROTO, 0,
         "/_ping: it speaks API 1.23 at most; from 1.24 on it could serve"},
        {stranger, -EPROTO, 0, "/_ping: its Api-Version is \"\": is this a Docker Engine?"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
        struct heard h;
        stand_in_start(&daemon, cases[i].handler);
        open_engine(&h, daemon.host, DEADLINE_MS);
        assert_int_equal(engine_ping(h.engine, NULL), 0);
        step_until(&h, &h.pings, 1);
        assert_int_equal(h.code, cases[i].code);
        assert_int_equal(h.version.minor, cases[i].minor);
        assert_int_equal(engine_version_spoken(h.engine).minor, cases[i].minor);
        assert_non_null(strstr(h.text, cases[i].words));
        close_engine(&h);
    }
}

/* S96: its minimum is above our maximum: the daemon's own words say it, whatever is asked. */
static void s96_a_daemon_of_tomorrow(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;

    stand_in_start(&daemon, engine_1_90);
    open_engine(&h, daemon.host, DEADLINE_MS);
    assert_int_equal(engine_ping(h.engine, NULL), 0);
    step_until(&h, &h.pings, 1);
    assert_int_equal(engine_info(h.engine, NULL), 0);
    step_until(&h, &h.infos, 1);
    assert_non_null(strstr(h.text, "/v1.55/info: status 400: client version 1.55 is too old. "
                                   "Minimum supported API version is 1.60"));
    assert_int_equal(engine_list(h.engine, NULL), 0);
    step_until(&h, &h.lists, 1);
    assert_int_equal(h.code, -EPROTO);
    assert_int_equal(engine_events(h.engine, 0, NULL), 0);
    step_until(&h, &h.ended, 1);
    assert_int_equal(h.code, -EPROTO);
    assert_non_null(strstr(h.text, "Minimum supported"));
    assert_int_equal(h.opened, 0);
    close_engine(&h);
}

/* Answers by the first digits of the id. */
static enum stand_in_then misbehave(const char *path, struct buf *raw)
{
    switch (path[strlen("/containers/")]) {
    case '0':
        stand_in_answer(raw, "500 Internal Server Error", "application/json",
                        SPAN("{\"message\":\"it hurts\"}\n"));
        return STAND_IN_KEEP;
    case '1':
        stand_in_answer(raw, "502 Bad Gateway", "text/plain", SPAN("upstream is\naway\n"));
        return STAND_IN_KEEP;
    case '2': stand_in_json(raw, "nonsense"); return STAND_IN_KEEP;
    case '3': stand_in_json(raw, "{\"Id\":\"" ID "\"}"); return STAND_IN_KEEP;
    case '4':
        buf_append(raw, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"Id\":"));
        return STAND_IN_CLOSE;
    case '5': return STAND_IN_CLOSE;
    case '6': return STAND_IN_HOLD;
    case '7':
        buf_append_format(raw, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
                          CONTAINER_JSON_MAX + 1);
        char *room = buf_reserve(raw, CONTAINER_JSON_MAX + 1);
        memset(room, ' ', CONTAINER_JSON_MAX + 1);
        raw->size += CONTAINER_JSON_MAX + 1;
        return STAND_IN_CLOSE;
    case '8': buf_append(raw, SPAN("SSH-2.0-OpenSSH\r\n")); return STAND_IN_CLOSE;
    case '9': stand_in_json(raw, "{\"Id\":\"trunc"); return STAND_IN_KEEP;
    default:
        stand_in_answer(raw, "404 Not Found", "application/json", SPAN("{\"message\":\"gone\"}"));
        return STAND_IN_KEEP;
    }
}

/* S96 R13 S10: whatever the daemon does, one answer with words, within the deadline. */
static void s96_a_daemon_that_misbehaves(void **state)
{
    const struct {
        char digit;
        int code;
        const char *words;
    } cases[] = {
        {'0', -EPROTO, "status 500: it hurts"},
        {'1', -EPROTO, "status 502: upstream is away"},
        {'2', -EBADMSG, "inspect answer:1:"},
        {'3', -EBADMSG, "speaks of another container"},
        {'4', -ECONNRESET, "the connection broke"},
        {'5', -ECONNRESET, "the connection broke"},
        {'6', -ETIMEDOUT, "no answer within 200 ms"},
        {'7', -EFBIG, "larger than the 4194304 bytes"},
        {'8', -EPROTO, ""},
        {'9', -EBADMSG, "inspect answer:1:"},
        {'a', ENGINE_E_NOT_FOUND, "status 404: gone"},
    };
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;

    stand_in_start(&daemon, misbehave);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char id[CONTAINER_ID_SIZE + 1] = ID, path[256];
        id[0] = cases[i].digit;
        open_engine(&h, daemon.host, cases[i].code == -ETIMEDOUT ? 200 : DEADLINE_MS);
        assert_int_equal(engine_inspect(h.engine, id, NULL), 0);
        step_until(&h, &h.inspects, 1);
        snprintf(path, sizeof(path), "%s: GET /containers/%s/json: ", daemon.host, id);
        if (h.code != cases[i].code || strncmp(h.text, path, strlen(path)) != 0 ||
            !strstr(h.text, cases[i].words))
            fail_msg("%c: %d \"%s\"", cases[i].digit, h.code, h.text);
        assert_int_equal(h.inspected_well, 0);
        assert_int_equal(engine_inspect(h.engine, "../info", NULL), -EINVAL);
        close_engine(&h);
    }
}

static enum stand_in_then not_found(const char *path, struct buf *raw)
{
    stand_in_answer(raw, "404 Not Found", "text/plain", SPAN("404 page not found\n"));
    return STAND_IN_KEEP;
}

/* Only a container can be missing; a list that is not found is a failure. */
static void s9_a_missing_list_is_a_failure(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;

    stand_in_start(&daemon, not_found);
    open_engine(&h, daemon.host, DEADLINE_MS);
    assert_int_equal(engine_list(h.engine, NULL), 0);
    step_until(&h, &h.lists, 1);
    assert_int_equal(h.code, -EPROTO);
    assert_int_equal(engine_info(h.engine, NULL), 0);
    step_until(&h, &h.infos, 1);
    assert_int_equal(h.code, -EPROTO);
    assert_int_equal(engine_events(h.engine, 0, NULL), 0);
    step_until(&h, &h.ended, 1);
    assert_int_equal(h.code, -EPROTO);
    assert_int_equal(h.opened, 0);
    assert_non_null(strstr(h.text, "404 page not found"));
    close_engine(&h);
}

/* S96: no daemon: no socket, a dead one, nobody at the port, none wanted. */
static void s96_no_daemon(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;

    stand_in_start(&daemon, genuine);
    stand_in_kill(&daemon);
    const struct {
        const char *host;
        int code;
    } cases[] = {{"unix:///nonexistent/docker.sock", -ENOENT},
                 {daemon.host, -ECONNREFUSED},
                 {"tcp://127.0.0.1:1", -ECONNREFUSED},
                 {"none", -ENOTCONN}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        open_engine(&h, cases[i].host, DEADLINE_MS);
        assert_int_equal(engine_ping(h.engine, NULL), 0);
        step_until(&h, &h.pings, 1);
        assert_int_equal(h.code, cases[i].code);
        assert_true(h.text[0] != '\0');
        assert_int_equal(engine_events(h.engine, 0, NULL), 0);
        step_until(&h, &h.ended, 1);
        assert_int_equal(h.code, cases[i].code);
        for (unsigned n = 0; n < 20; n++)
            assert_int_equal(engine_inspect(h.engine, ID, NULL), 0);
        step_until(&h, &h.inspects, 20);
        assert_int_equal(engine_unanswered(h.engine), 0);
        close_engine(&h);
    }

    struct engine_options wrong = {.host = "nonsense", .deadline_ms = 1};
    struct engine *e = NULL;
    assert_int_equal(engine_open(&e, &wrong, NULL), -EINVAL);
    wrong = (struct engine_options){.host = "none", .deadline_ms = 0};
    assert_int_equal(engine_open(&e, &wrong, NULL), -EINVAL);
    assert_null(engine_close(NULL));
}

/* The environment's proxy is not asked: nobody listens at the Engine's own port. */
static void no_proxy_is_used(void **state)
{
    struct heard h;

    setenv("http_proxy", "nonsense://127.0.0.1", 1);
    setenv("ALL_PROXY", "nonsense://127.0.0.1", 1);
    open_engine(&h, "tcp://127.0.0.1:1", DEADLINE_MS);
    assert_int_equal(engine_ping(h.engine, NULL), 0);
    step_until(&h, &h.pings, 1);
    assert_string_equal(h.text,
                        "tcp://127.0.0.1:1: GET /_ping: cannot connect: Connection refused");
    close_engine(&h);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
}

static enum stand_in_then gather(const char *path, struct buf *raw)
{
    char body[128];
    snprintf(body, sizeof(body), "{\"Id\":\"%.64s\",\"Name\":\"/x\"}",
             path + strlen("/containers/"));
    stand_in_json(raw, body);
    return STAND_IN_GATHER;
}

/* At most eight inspections in flight: were it fewer, the daemon would never answer. */
static void eight_inspections_at_once(void **state)
{
    enum { COUNT = 3 * STAND_IN_GATHERED };
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;

    stand_in_start(&daemon, gather);
    open_engine(&h, daemon.host, DEADLINE_MS);
    for (unsigned i = 0; i < COUNT; i++) {
        char id[CONTAINER_ID_SIZE + 1];
        snprintf(id, sizeof(id), "%064x", i);
        assert_int_equal(engine_inspect(h.engine, id, NULL), 0);
    }
    assert_int_equal(engine_unanswered(h.engine), COUNT);
    step_until(&h, &h.inspects, COUNT);
    assert_int_equal(h.inspected_well, COUNT);
    assert_int_equal(daemon.counts->waiting_max, ENGINE_INSPECTS_MAX);
    close_engine(&h);
}

static enum stand_in_then silence(const char *path, struct buf *raw)
{
    return STAND_IN_HOLD;
}

/* S10: cancelled is never answered, wherever the ask stands; its place goes to the next. */
static void s10_cancelled_is_not_answered(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;
    uint64_t tickets[20], events, list;

    stand_in_start(&daemon, silence);
    open_engine(&h, daemon.host, 200);
    for (size_t i = 0; i < ARRAY_SIZE(tickets); i++)
        assert_int_equal(engine_inspect(h.engine, ID, &tickets[i]), 0);
    assert_int_equal(engine_events(h.engine, 0, &events), 0);
    assert_int_equal(engine_events(h.engine, 0, NULL), -EBUSY);
    assert_int_equal(engine_list(h.engine, &list), 0);
    engine_step(h.engine);
    engine_cancel(h.engine, list);
    engine_cancel(h.engine, events);
    for (size_t i = 0; i + 1 < ARRAY_SIZE(tickets); i++)
        engine_cancel(h.engine, tickets[i % 2 ? i : ARRAY_SIZE(tickets) - 2 - i]);
    engine_cancel(h.engine, 12345);
    engine_cancel(h.engine, 0);
    step_until(&h, &h.inspects, 1);
    assert_int_equal(h.code, -ETIMEDOUT);
    assert_true(h.ticket == tickets[19]);
    assert_int_equal(h.lists + h.ended + h.opened, 0);
    assert_int_equal(engine_events(h.engine, 0, &events), 0);
    assert_int_equal(engine_unanswered(h.engine), 0);
    engine_cancel(h.engine, events);
    close_engine(&h);

    open_engine(&h, "none", 200);
    assert_int_equal(engine_list(h.engine, &list), 0);
    engine_cancel(h.engine, list);
    engine_step(h.engine);
    assert_int_equal(h.lists, 0);
    close_engine(&h);
}

/* S10: closed while all of it is under way. The sanitizers see what is left. */
static void s10_closed_under_way(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;

    stand_in_start(&daemon, silence);
    open_engine(&h, daemon.host, DEADLINE_MS);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(engine_inspect(h.engine, ID, NULL), 0);
    assert_int_equal(engine_list(h.engine, NULL), 0);
    assert_int_equal(engine_events(h.engine, 1, NULL), 0);
    engine_step(h.engine);
    close_engine(&h);
    assert_int_equal(h.lists + h.inspects + h.ended, 0);
}

static enum stand_in_then trickling_list(const char *path, struct buf *raw)
{
    answer_sample(raw, "inspect/list.json");
    return STAND_IN_TRICKLE;
}

/* S96: bytes that come all the time do not put the deadline off. */
static void s96_a_list_that_trickles(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;

    stand_in_start(&daemon, trickling_list);
    open_engine(&h, daemon.host, 300);
    assert_int_equal(engine_list(h.engine, NULL), 0);
    step_until(&h, &h.lists, 1);
    assert_int_equal(h.code, -ETIMEDOUT);
    assert_non_null(strstr(h.text, "/containers/json: no answer within 300 ms"));
    assert_int_equal(h.listed_count, 0);
    close_engine(&h);
}

/* S73: one wait for the Engine and for what else the monitor waits for. */
static void s73_poll_with_others(void **state)
{
    struct heard h;
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    struct pollfd extra = {.fd = pipe_fds[0], .events = POLLIN};
    struct pollfd many[ENGINE_POLL_EXTRA_MAX + 1] = {{0}};

    open_engine(&h, "none", DEADLINE_MS);
    assert_int_equal(engine_poll(h.engine, &extra, 1, 0), 0);
    assert_int_equal(extra.revents, 0);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    assert_int_equal(engine_poll(h.engine, &extra, 1, -1), 1);
    assert_int_equal(extra.revents, POLLIN);
    assert_int_equal(engine_poll(h.engine, many, ARRAY_SIZE(many), 0), -EINVAL);
    close_engine(&h);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

/* A host's name is looked up, with no thread; what was asked before it was found is answered, and a
 * cancelled ask is not. */
static void a_host_may_have_a_name(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;
    uint64_t list;

    unsigned threads = entries_of("/proc/self/task");
    stand_in_start_tcp(&daemon, genuine);
    open_engine(&h, daemon.host, DEADLINE_MS);
    assert_int_equal(engine_ping(h.engine, NULL), 0);
    assert_int_equal(engine_list(h.engine, &list), 0);
    engine_cancel(h.engine, list);
    while (h.pings == 0) {
        assert_true(engine_poll(h.engine, NULL, 0, -1) >= 0);
        engine_step(h.engine);
        assert_int_equal(entries_of("/proc/self/task"), threads);
    }
    assert_string_equal(h.text, "");
    assert_int_equal(engine_inspect(h.engine, ID, NULL), 0);
    step_until(&h, &h.inspects, 1);
    assert_string_equal(h.name, "df-in");
    assert_int_equal(engine_ping(h.engine, NULL), 0); /* looked up once more */
    step_until(&h, &h.pings, 2);
    assert_int_equal(h.code, 0);
    assert_int_equal(h.lists, 0);
    close_engine(&h);
}

/* S96: a name that leads nowhere is an answer to all that was asked, and no thread. */
static void s96_a_host_without_address(void **state)
{
    struct heard h;

    unsigned threads = entries_of("/proc/self/task");
    open_engine(&h, "tcp://nowhere.invalid", 500);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(engine_inspect(h.engine, ID, NULL), 0);
    assert_int_equal(engine_events(h.engine, 0, NULL), 0);
    assert_int_equal(engine_events(h.engine, 0, NULL), -EBUSY);
    assert_int_equal(engine_ping(h.engine, NULL), 0);
    while (h.pings == 0) {
        assert_true(engine_poll(h.engine, NULL, 0, -1) >= 0);
        engine_step(h.engine);
        assert_int_equal(entries_of("/proc/self/task"), threads);
    }
    step_until(&h, &h.inspects, 20);
    assert_int_equal(h.ended, 1);
    assert_true(h.code == -EHOSTUNREACH || h.code == -ETIMEDOUT); /* as the name servers will */
    assert_non_null(strstr(h.text, "tcp://nowhere.invalid:2375: the host's name"));
    assert_int_equal(engine_unanswered(h.engine), 0);
    close_engine(&h);
}

enum { SHORT_DEADLINE_MS = 200 };

/* S1: what never became a connection is not counted as one, while the engine goes on. */
static void s1_what_was_never_connected_is_not_counted(void **state)
{
    struct deaf_port deaf;
    struct heard h;

    deaf_port_open(&deaf);
    const struct {
        const char *host;
        int code;
    } cases[] = {{"tcp://127.0.0.1:1", -ECONNREFUSED}, {deaf.host, -ETIMEDOUT}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        open_engine(&h, cases[i].host, SHORT_DEADLINE_MS);
        assert_int_equal(engine_events(h.engine, 0, NULL), 0);
        step_until(&h, &h.ended, 1);
        assert_int_equal(h.code, cases[i].code);
        for (unsigned n = 1; n <= 2; n++) {
            assert_int_equal(engine_ping(h.engine, NULL), 0);
            step_until(&h, &h.pings, n);
            assert_int_equal(h.code, cases[i].code);
            assert_int_equal(resource_open(RESOURCE_ENGINE), 0);
        }
        close_engine(&h);
        assert_int_equal(resource_open(RESOURCE_ENGINE), 0);
    }
    deaf_port_close(&deaf);
}

/* S1: of a name with two addresses the first leads nowhere. */
static void s1_one_address_of_two_is_counted(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct connections connections = CONNECTIONS_INIT(RESOURCE_ENGINE);
    struct docker_host host;
    int running = 1;

    stand_in_start_tcp(&daemon, engine_1_40);
    assert_int_equal(docker_host_parse(&host, daemon.host, NULL), 0);
    CURLM *multi = curl_multi_init();
    struct engine_transfer *t;
    const struct engine_transfer_options options = {
        .host = &host,
        .addresses = "127.0.0.2,127.0.0.1",
        .path = "/_ping",
        .body_max = 1000,
        .deadline_ms = DEADLINE_MS,
        .connections = &connections,
    };
    assert_int_equal(engine_transfer_start(&t, multi, &options), 0);
    for (; running; curl_multi_poll(multi, NULL, 0, DEADLINE_MS, NULL))
        assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
    assert_string_equal(engine_transfer_api_version(t), "1.40");
    connections_compare(&connections);
    assert_int_equal(resource_open(RESOURCE_ENGINE), 1);
    assert_int_equal(connections.opened, 2);
    engine_transfer_free(t);
    assert_int_equal(resource_open(RESOURCE_ENGINE), 1); /* kept for the next */
    curl_multi_cleanup(multi);
    assert_int_equal(resource_open(RESOURCE_ENGINE), 0);
    connections_deinit(&connections);
}

static enum stand_in_then mixed(const char *path, struct buf *raw)
{
    return ends_with(path, "0000/json") ? genuine(path, raw) : misbehave(path, raw);
}

/* S1: no descriptor and no thread is left behind by 200 requests, half of them failures; while it
 * lives an idle engine keeps one connection. */
static void s1_descriptors_and_threads_do_not_leak(void **state)
{
    static const char digits[] = "01234589abc";
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;

    stand_in_start(&daemon, mixed);
    unsigned before = entries_of("/proc/self/fd"), threads = entries_of("/proc/self/task");
    open_engine(&h, daemon.host, DEADLINE_MS);
    unsigned open = entries_of("/proc/self/fd");
    for (unsigned i = 0; i < 200; i++) {
        char id[CONTAINER_ID_SIZE + 1] = ID;
        id[0] = digits[i % (sizeof(digits) - 1)];
        assert_int_equal(engine_inspect(h.engine, id, NULL), 0);
    }
    assert_int_equal(engine_events(h.engine, 0, NULL), 0);
    step_until(&h, &h.inspects, 200);
    step_until(&h, &h.ended, 1);
    assert_true(entries_of("/proc/self/fd") <= open + 1);
    assert_int_equal(entries_of("/proc/self/task"), threads);
    close_engine(&h);
    assert_int_equal(entries_of("/proc/self/fd"), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s4_genuine_answers),
        cmocka_unit_test(versions_are_negotiated),
        cmocka_unit_test(s96_a_daemon_of_tomorrow),
        cmocka_unit_test(s96_a_daemon_that_misbehaves),
        cmocka_unit_test(s9_a_missing_list_is_a_failure),
        cmocka_unit_test(s96_no_daemon),
        cmocka_unit_test(no_proxy_is_used),
        cmocka_unit_test(eight_inspections_at_once),
        cmocka_unit_test(s10_cancelled_is_not_answered),
        cmocka_unit_test(s10_closed_under_way),
        cmocka_unit_test(s96_a_list_that_trickles),
        cmocka_unit_test(s73_poll_with_others),
        cmocka_unit_test(a_host_may_have_a_name),
        cmocka_unit_test(s96_a_host_without_address),
        cmocka_unit_test(s1_what_was_never_connected_is_not_counted),
        cmocka_unit_test(s1_one_address_of_two_is_counted),
        cmocka_unit_test(s1_descriptors_and_threads_do_not_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
