// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/resource.h"
#include "docker/log_stream.h"
#include "stand_in.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { DEADLINE_MS = 10000, SHORT_DEADLINE_MS = 100 };

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define OUTPUTS "&stdout=1&stderr=1&timestamps=1"
#define QUERY   "/logs?follow=1" OUTPUTS

static enum stand_in_then chunk(struct buf *raw, const char *text, bool whole)
{
    buf_append_format(raw, CHUNKED "%zx\r\n%s\r\n%s", strlen(text), text, whole ? "0\r\n\r\n" : "");
    return whole ? STAND_IN_KEEP : STAND_IN_CLOSE;
}

static enum stand_in_then fail_with(struct buf *raw, const char *status)
{
    stand_in_answer(raw, status, "application/json", SPAN("{\"message\":\"so it is\"}"));
    return STAND_IN_KEEP;
}

/* What becomes of a request is in the container's name. */
static enum stand_in_then answer(const char *path, struct buf *raw)
{
    static const struct {
        const char *name, *status;
    } failures[] = {
        {"none", "404 Not Found"},
        {"dead", "409 Conflict"},
        {"unreadable", "501 Not Implemented"},
        {"sick", "500 Internal Server Error"},
    };
    char name[32] = "";

    if (strcmp(path, "/_ping") == 0) {
        stand_in_answer(raw, "200 OK", "text/plain", SPAN("OK"));
        return STAND_IN_KEEP;
    }
    if (sscanf(path, "/v1.41/containers/%31[a-z]", name) != 1)
        return fail_with(raw, "400 Bad Request");
    for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
        if (strcmp(name, failures[i].name) == 0)
            return fail_with(raw, failures[i].status);
    if (strcmp(name, "silent") == 0)
        return STAND_IN_HOLD;
    if (strcmp(name, "slow") == 0) {
        buf_append(raw, SPAN(CHUNKED "4\r\nhe"));
        return STAND_IN_HOLD;
    }
    if (strcmp(name, "half") == 0) {
        buf_append(raw, SPAN("HTTP/1.1 200 O"));
        return STAND_IN_CLOSE;
    }
    if (strcmp(name, "nonsense") == 0) {
        buf_append(raw, SPAN("what?\r\n\r\n"));
        return STAND_IN_CLOSE;
    }
    if (strcmp(name, "path") == 0)
        return chunk(raw, path, true);
    return chunk(raw, "hello", strcmp(name, "cut") != 0);
}

static enum stand_in_then answer_nothing(const char *path, struct buf *raw)
{
    return STAND_IN_HOLD;
}

/* One stream, or the ping, and what was heard of it. */
struct heard {
    struct buf body;
    int ended; /* how often */
    enum log_stream_end end;
    bool wants_no_more;
    int ping_code;
    char text[256];
};

static void pinged(void *context, int code, const char *text)
{
    struct heard *h = context;
    h->ended++;
    h->ping_code = code;
    snprintf(h->text, sizeof(h->text), "%s", text);
}

static bool received(void *owner, struct span bytes)
{
    struct heard *h = owner;
    buf_append(&h->body, bytes);
    return !h->wants_no_more;
}

static void ended(void *owner, enum log_stream_end end, const char *text)
{
    struct heard *h = owner;
    h->ended++;
    h->end = end;
    snprintf(h->text, sizeof(h->text), "%s", text);
}

static struct log_streams *open_streams(const struct stand_in *server, struct heard *ping,
                                        int deadline_ms, bool once)
{
    struct log_streams *s = NULL;
    const struct log_streams_options options = {.host = server->host,
                                                .deadline_ms = deadline_ms,
                                                .once = once,
                                                .callbacks = {pinged, received, ended},
                                                .context = ping};
    assert_int_equal(log_streams_open(&s, &options, NULL), 0);
    return s;
}

static void step_once(struct log_streams *s)
{
    assert_int_equal(log_streams_poll(s, -1, 20), 0);
    log_streams_step(s);
}

static void wait_for(struct log_streams *s, const struct heard *h)
{
    int64_t until = clock_monotonic_ns() + 20 * NS_PER_SECOND;

    for (log_streams_step(s); !h->ended && clock_monotonic_ns() < until;)
        step_once(s);
    assert_int_equal(h->ended, 1);
}

static struct log_streams *open_pinged(const struct stand_in *server, bool once)
{
    static struct heard ping;

    ping = (struct heard){0};
    struct log_streams *s = open_streams(server, &ping, DEADLINE_MS, once);
    assert_int_equal(log_streams_ping(s), 0);
    assert_int_equal(log_streams_ping(s), -EALREADY);
    wait_for(s, &ping);
    assert_int_equal(ping.ping_code, 0);
    return s;
}

static struct log_stream *start(struct log_streams *s, const char *id, struct heard *h)
{
    struct log_stream *stream;
    const struct log_stream_request request = {.id = id};
    assert_int_equal(log_stream_start(&stream, s, &request, h), 0);
    return stream;
}

static int descriptors(void)
{
    CLEANUP(closedir) DIR *all = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(all))
        count++;
    return count;
}

/* S77: each way to end is told apart, and leaves no connection behind (S1). */
static void s77_how_a_stream_ends_is_told(void **state)
{
    const struct {
        const char *name;
        enum log_stream_end end;
        const char *body, *words;
    } cases[] = {
        {"whole", LOG_STREAM_ENDED, "hello", ""},
        {"cut", LOG_STREAM_BROKEN, "hello", "the connection broke"},
        {"half", LOG_STREAM_BROKEN, "", "GET /v1.41/containers/half/logs: "},
        {"nonsense", LOG_STREAM_BROKEN, "", "GET /v1.41/containers/nonsense/logs: "},
        {"none", LOG_STREAM_GONE, "", "status 404: so it is"},
        {"dead", LOG_STREAM_GONE, "", "status 409: so it is"},
        {"unreadable", LOG_STREAM_UNREADABLE, "", "status 501: so it is"},
        {"sick", LOG_STREAM_REFUSED, "", "status 500: so it is"},
    };
    CLEANUP(stand_in_deinit) struct stand_in server = {0};
    stand_in_start(&server, answer);
    CLEANUP(log_streams_close) struct log_streams *s = open_pinged(&server, false);
    int before = descriptors();

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct heard h = {.body = BUF_INIT(1000)};
        start(s, cases[i].name, &h);
        wait_for(s, &h);
        assert_int_equal(h.end, cases[i].end);
        assert_string_equal(buf_string(&h.body), cases[i].body);
        assert_non_null(strstr(h.text, cases[i].words));
        buf_deinit(&h.body);
        assert_int_equal(descriptors(), before);
        assert_int_equal(resource_open(RESOURCE_STREAM), 0);
    }
    assert_int_equal(log_streams_count(s).opened, ARRAY_SIZE(cases) + 1);
    assert_int_equal(log_streams_count(s).closed, ARRAY_SIZE(cases) + 1);
}

static void the_log_is_asked_for_as_it_is_wanted(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in server = {0};
    stand_in_start(&server, answer);
    CLEANUP(log_streams_close) struct log_streams *s = open_pinged(&server, false);
    const struct {
        struct log_stream_request request;
        const char *path;
    } cases[] = {
        {{.id = "path"}, "/v1.41/containers/path" QUERY},
        {{.id = "path", .since_ns = INT64_C(1795450000000000007)},
         "/v1.41/containers/path" QUERY "&since=1795450000.000000007"},
        {{.id = "path", .details = true}, "/v1.41/containers/path" QUERY "&details=1"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct heard h = {.body = BUF_INIT(1000)};
        struct log_stream *stream;
        assert_int_equal(log_stream_start(&stream, s, &cases[i].request, &h), 0);
        wait_for(s, &h);
        assert_string_equal(buf_string(&h.body), cases[i].path);
        buf_deinit(&h.body);
    }
}

static void a_log_is_asked_for_once(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in server = {0};
    stand_in_start(&server, answer);
    CLEANUP(log_streams_close) struct log_streams *s = open_pinged(&server, true);
    struct heard h = {.body = BUF_INIT(1000)};

    start(s, "path", &h);
    wait_for(s, &h);
    assert_string_equal(buf_string(&h.body), "/v1.41/containers/path/logs?follow=0" OUTPUTS);
    buf_deinit(&h.body);
}

/* S77: an Engine that says nothing, or stops in its midst, holds a stream and nobody else. */
static void s77_a_silent_stream_goes_on_until_it_is_cancelled(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in server = {0};
    stand_in_start(&server, answer);
    CLEANUP(log_streams_close) struct log_streams *s = open_pinged(&server, false);
    struct heard silent = {.body = BUF_INIT(1000)}, slow = {.body = BUF_INIT(1000)};
    struct heard whole = {.body = BUF_INIT(1000)};

    struct log_stream *first = start(s, "silent", &silent);
    struct log_stream *second = start(s, "slow", &slow);
    while (slow.body.size < 2)
        step_once(s);
    start(s, "whole", &whole);
    wait_for(s, &whole);
    assert_int_equal(resource_open(RESOURCE_STREAM), 2);
    log_stream_cancel(first);
    assert_int_equal(resource_open(RESOURCE_STREAM), 1);
    log_stream_cancel(second);
    assert_int_equal(resource_open(RESOURCE_STREAM), 0);
    step_once(s);
    assert_int_equal(silent.ended + slow.ended, 0);
    buf_deinit(&slow.body);
    buf_deinit(&whole.body);
}

static void a_stream_that_is_not_wanted_any_more_ends(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in server = {0};
    stand_in_start(&server, answer);
    CLEANUP(log_streams_close) struct log_streams *s = open_pinged(&server, false);
    struct heard h = {.body = BUF_INIT(1000), .wants_no_more = true};

    start(s, "slow", &h);
    wait_for(s, &h);
    assert_int_equal(h.end, LOG_STREAM_GIVEN_UP);
    assert_int_equal(resource_open(RESOURCE_STREAM), 0);
    buf_deinit(&h.body);
}

/* The socket's file is there, and nobody behind it: as after a SIGKILL of dockerd. */
static void a_dead_engine_is_told(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in server = {0};
    stand_in_start(&server, answer);
    CLEANUP(log_streams_close) struct log_streams *s = open_pinged(&server, false);
    struct heard h = {.body = BUF_INIT(1000)};

    start(s, "slow", &h);
    while (h.body.size < 2)
        step_once(s);
    stand_in_kill(&server);
    wait_for(s, &h);
    assert_int_equal(h.end, LOG_STREAM_BROKEN);
    buf_deinit(&h.body);

    h = (struct heard){.body = BUF_INIT(1000)};
    start(s, "whole", &h);
    wait_for(s, &h);
    assert_int_equal(h.end, LOG_STREAM_BROKEN);
    assert_non_null(strstr(h.text, "Connection refused"));
    assert_int_equal(resource_open(RESOURCE_STREAM), 0);
}

static void an_engine_that_does_not_answer_the_ping_is_told(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in server = {0};
    struct heard ping = {0};
    stand_in_start(&server, answer_nothing);
    CLEANUP(log_streams_close)
    struct log_streams *s = open_streams(&server, &ping, SHORT_DEADLINE_MS, false);

    assert_int_equal(log_streams_ping(s), 0);
    wait_for(s, &ping);
    assert_int_equal(ping.ping_code, -ETIMEDOUT);
    assert_int_equal(resource_open(RESOURCE_STREAM), 0);
}

/* S1: streams and pings that never were connected are not counted as connections. */
static void s1_what_was_never_connected_is_not_counted(void **state)
{
    struct stand_in deaf_server = {0};
    struct deaf_port deaf;

    deaf_port_open(&deaf);
    snprintf(deaf_server.host, sizeof(deaf_server.host), "%s", deaf.host);
    struct heard h = {0}, ping = {0};
    CLEANUP(log_streams_close)
    struct log_streams *s = open_streams(&deaf_server, &ping, SHORT_DEADLINE_MS, false);

    assert_int_equal(log_streams_ping(s), 0);
    wait_for(s, &ping);
    assert_int_equal(ping.ping_code, -ETIMEDOUT);
    assert_int_equal(resource_open(RESOURCE_STREAM), 0);
    start(s, "whole", &h);
    wait_for(s, &h);
    assert_int_equal(h.end, LOG_STREAM_BROKEN);
    assert_int_equal(resource_open(RESOURCE_STREAM), 0);
    struct log_stream *cancelled = start(s, "whole", &h);
    log_streams_step(s);
    log_stream_cancel(cancelled);
    assert_int_equal(resource_open(RESOURCE_STREAM), 0);
    assert_int_equal(log_streams_count(s).closed, log_streams_count(s).opened);
    deaf_port_close(&deaf);
}

/* Closing leaves nothing behind, whatever is under way (S1). */
static void s1_closing_cancels_all(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in server = {0};
    struct heard h = {.body = BUF_INIT(1000)};
    stand_in_start(&server, answer);
    int before = descriptors();
    CLEANUP(log_streams_close) struct log_streams *s = open_pinged(&server, false);

    for (int i = 0; i < 50; i++)
        start(s, i % 2 ? "slow" : "silent", &h);
    while (h.body.size < 50)
        step_once(s);
    assert_int_equal(log_streams_ping(s), 0);
    log_streams_step(s);
    s = log_streams_close(s);
    assert_int_equal(resource_open(RESOURCE_STREAM), 0);
    assert_int_equal(descriptors(), before);
    assert_int_equal(h.ended, 0);
    buf_deinit(&h.body);
}

static void no_engine_is_no_stream(void **state)
{
    CLEANUP(log_streams_close) struct log_streams *s = NULL;
    const struct log_streams_options options = {.host = "none", .deadline_ms = 1};

    assert_int_equal(log_streams_open(&s, &options, NULL), 0);
    assert_int_equal(log_streams_ping(s), -ENOTCONN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s77_how_a_stream_ends_is_told),
        cmocka_unit_test(the_log_is_asked_for_as_it_is_wanted),
        cmocka_unit_test(a_log_is_asked_for_once),
        cmocka_unit_test(s77_a_silent_stream_goes_on_until_it_is_cancelled),
        cmocka_unit_test(a_stream_that_is_not_wanted_any_more_ends),
        cmocka_unit_test(a_dead_engine_is_told),
        cmocka_unit_test(an_engine_that_does_not_answer_the_ping_is_told),
        cmocka_unit_test(s1_what_was_never_connected_is_not_counted),
        cmocka_unit_test(s1_closing_cancels_all),
        cmocka_unit_test(no_engine_is_no_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
