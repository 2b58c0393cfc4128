// SPDX-License-Identifier: Apache-2.0
/* The Engine's event stream as its client has it: opened, cut, flooded, never opened. */
#include "engine_rig.h"

#include "sample.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum stand_in_then event_sample(const char *path, struct buf *raw)
{
    if (!strstr(path, "/events?since=1795451757.000000009&filters=%7B%22type%22%3A%5B%22container"
                      "%22%2C%22network%22%5D%2C%22event%22%3A%5B%22create%22%2C") ||
        !ends_with(path, "%2C%22disconnect%22%5D%7D")) {
        stand_in_answer(raw, "400 Bad Request", "application/json",
                        SPAN("{\"message\":\"since?\"}"));
        return STAND_IN_KEEP;
    }
    CLEANUP(buf_deinit) struct buf text = sample_read("events/events.http");
    buf_append(raw, buf_span(&text));
    return STAND_IN_CLOSE;
}

/* S75: a genuine stream, to its orderly end, without what changes no container (of its 104 events
 * 22 ran out of memory and 9 were of processes run inside); then a stream that is refused. */
static void s75_event_stream(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;

    stand_in_start(&daemon, event_sample);
    open_engine(&h, daemon.host, DEADLINE_MS);
    assert_int_equal(engine_events(h.engine, INT64_C(1795451757000000009), NULL), 0);
    assert_int_equal(engine_unanswered(h.engine), 0);
    step_until(&h, &h.ended, 1);
    assert_int_equal(h.code, 0);
    assert_int_equal(h.opened, 1);
    assert_int_equal(h.events, 59);
    assert_string_equal(h.last_action, "destroy");
    assert_true(engine_events_nonsense(h.engine) == 0);

    h.opened = 0;
    assert_int_equal(engine_events(h.engine, 0, NULL), 0);
    step_until(&h, &h.ended, 2);
    assert_int_equal(h.code, -EPROTO);
    assert_int_equal(h.opened, 0);
    assert_non_null(strstr(h.text, "status 400: since?"));
    close_engine(&h);
}

static enum stand_in_then events_without_headers(const char *path, struct buf *raw)
{
    if (!strstr(path, "/events"))
        return genuine(path, raw);
    return STAND_IN_HOLD;
}

static enum stand_in_then half_a_refusal(const char *path, struct buf *raw)
{
    buf_append(raw, SPAN("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 99\r\n\r\n{"));
    return STAND_IN_HOLD;
}

/* S96: a stream that never opens ends, within the deadline and without a busy loop, though the
 * daemon took the connection; and may be asked for again. */
static void s96_event_stream_never_opens(void **state)
{
    stand_in_handler *const handlers[] = {events_without_headers, half_a_refusal};

    for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
        CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
        struct heard h;
        unsigned turns = 0;
        stand_in_start(&daemon, handlers[i]);
        open_engine(&h, daemon.host, 200);
        int64_t from_ns = clock_monotonic_ns();
        assert_int_equal(engine_events(h.engine, 0, NULL), 0);
        for (; h.ended == 0 && turns < 20; turns++) {
            assert_true(engine_poll(h.engine, NULL, 0, -1) >= 0);
            engine_step(h.engine);
        }
        assert_int_equal(h.ended, 1);
        assert_true(clock_monotonic_ns() - from_ns >= 200 * NS_PER_MS);
        assert_int_equal(h.code, -ETIMEDOUT);
        assert_non_null(strstr(h.text, "/events: no answer within 200 ms"));
        assert_int_equal(h.opened, 0);
        assert_int_equal(engine_events(h.engine, 0, NULL), 0);
        close_engine(&h);
    }
}

static enum stand_in_then quiet_events(const char *path, struct buf *raw)
{
    buf_append(raw, SPAN("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
    return STAND_IN_HOLD;
}

/* S75: it is open before anything happens, and stays so past the deadline. */
static void s75_quiet_event_stream(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;

    stand_in_start(&daemon, quiet_events);
    open_engine(&h, daemon.host, 500);
    assert_int_equal(engine_events(h.engine, 0, NULL), 0);
    step_until(&h, &h.opened, 1);
    int64_t until_ns = clock_monotonic_ns() + 600 * NS_PER_MS;
    for (int64_t now_ns; (now_ns = clock_monotonic_ns()) < until_ns;) {
        assert_true(engine_poll(h.engine, NULL, 0, 50) >= 0);
        engine_step(h.engine);
    }
    assert_int_equal(h.ended, 0);
    close_engine(&h);
}

#define STREAM_HEAD "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nTransfer-Encoding: chunked\r\n\r\n"
#define EVENT                                                                                      \
    "{\"Type\":\"container\",\"Action\":\"start\",\"timeNano\":1,\"Actor\":{\"ID\":\"" ID "\"}}\n"

static enum stand_in_then event_cut(const char *path, struct buf *raw)
{
    buf_append(raw, SPAN(STREAM_HEAD));
    buf_append_format(raw, "%zx\r\n%s\r\n9\r\nnonsense\n\r\n5\r\n{\"Typ\r\n", strlen(EVENT), EVENT);
    return STAND_IN_CLOSE;
}

/* S96: a daemon that dies in the middle is told apart from an end. */
static void s96_event_stream_cut(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;

    stand_in_start(&daemon, event_cut);
    open_engine(&h, daemon.host, DEADLINE_MS);
    assert_int_equal(engine_events(h.engine, 0, NULL), 0);
    step_until(&h, &h.ended, 1);
    assert_int_equal(h.code, -ECONNRESET);
    assert_int_equal(h.events, 1);
    assert_true(engine_events_nonsense(h.engine) == 1);
    close_engine(&h);
}

enum { FLOOD_COUNT = 50000 /* events; several times what is kept of a stream */ };

static enum stand_in_then event_flood(const char *path, struct buf *raw)
{
    buf_append(raw, SPAN(STREAM_HEAD));
    buf_append_format(raw, "%zx\r\n", FLOOD_COUNT * strlen(EVENT));
    for (unsigned i = 0; i < FLOOD_COUNT; i++)
        buf_append(raw, SPAN(EVENT));
    buf_append(raw, SPAN("\r\n"));
    return STAND_IN_HOLD;
}

/* S75: more than fits at once is read piece by piece; none is lost, and afterwards all is
 * quiet. */
static void s75_event_flood(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;

    stand_in_start(&daemon, event_flood);
    open_engine(&h, daemon.host, DEADLINE_MS);
    assert_int_equal(engine_events(h.engine, 0, NULL), 0);
    step_until(&h, &h.events, FLOOD_COUNT);
    int64_t until_ns = clock_monotonic_ns() + 200 * NS_PER_MS;
    for (unsigned turns = 0; clock_monotonic_ns() < until_ns; turns++) {
        assert_true(turns < 10); /* S96: a quiet stream is no busy loop */
        assert_true(engine_poll(h.engine, NULL, 0, 50) >= 0);
        engine_step(h.engine);
    }
    assert_int_equal(h.ended, 0);
    close_engine(&h);
}

/* A callback may cancel the stream it is called for. */
static void s10_cancelled_from_its_callback(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    struct heard h;

    stand_in_start(&daemon, event_flood);
    open_engine(&h, daemon.host, DEADLINE_MS);
    assert_int_equal(engine_events(h.engine, 0, &h.cancel), 0);
    step_until(&h, &h.opened, 1);
    step_until(&h, &h.events, 1);
    engine_step(h.engine);
    assert_int_equal(h.events, 1);
    assert_int_equal(h.ended, 0);
    close_engine(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s75_event_stream),       cmocka_unit_test(s96_event_stream_never_opens),
        cmocka_unit_test(s75_quiet_event_stream), cmocka_unit_test(s96_event_stream_cut),
        cmocka_unit_test(s75_event_flood),        cmocka_unit_test(s10_cancelled_from_its_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
