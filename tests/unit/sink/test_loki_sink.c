// SPDX-License-Identifier: Apache-2.0
/* The sink as a whole, against a server that answers as Loki does. */
#include "http/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs those before it */
#include <cmocka.h>

#include "base/clock.h"
#include "sink/catalog.h"
#include "sink/loki/options.h"
#include "sink/loki/standing.h"
#include "sink/loki/target.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#define T INT64_C(1795449731597707236)

static bool holds(struct span s, const char *text)
{
    return s.data && memmem(s.data, s.size, text, strlen(text)) != NULL;
}

static void say(struct buf *raw, const char *status, const char *text)
{
    buf_append_format(raw, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(text),
                      text);
}

/* What the pushes held, one behind the other: of each line "##x…" its x, and a bar. The server is
 * another process. */
enum { PUSHED_MAX = 256 };
static char *pushed;

static void note_push(struct span request)
{
    size_t size = strlen(pushed);
    const char *end = request.data + request.size;
    for (const char *p = request.data; (p = memmem(p, (size_t)(end - p), "##", 2)); p += 3)
        if (size + 2 < PUSHED_MAX)
            pushed[size++] = p[2];
    pushed[size] = '|';
}

static void expect_pushed(const char *expected)
{
    assert_string_equal(pushed, expected);
    memset(pushed, 0, PUSHED_MAX);
}

/* 204 where the request is as Loki wants it; what a line asks for in its text comes before. */
static enum server_then handle(struct span request, unsigned nth, struct buf *raw)
{
    note_push(request);
    if (!span_starts_with(request, SPAN("POST /loki/api/v1/push ")) ||
        !holds(request, "\r\nContent-Type: application/x-protobuf\r\n") ||
        !holds(request, "\r\nX-Scope-OrgID: tenant-1\r\n") ||
        holds(request, "\r\nContent-Encoding:"))
        say(raw, "400 Bad Request", "not as it should be");
    else if (holds(request, "too fast"))
        say(raw, "429 Too Many Requests",
            "entry with timestamp T ignored, reason: 'Per stream rate limit exceeded (limit: "
            "3MB/sec) while attempting to ingest for stream '{container_name=\"web-1\", "
            "service_name=\"web-1\", stream=\"stderr\"}' totaling 5B");
    else if (holds(request, "too much"))
        say(raw, "429 Too Many Requests",
            "ingestion rate limit exceeded for user a (limit: 10 bytes/sec) while attempting to "
            "ingest '2' lines totaling '20' bytes");
    else if (holds(request, "too long"))
        say(raw, "400 Bad Request", "max entry size '2' bytes exceeded for stream '{}'");
    else
        buf_append(raw, SPAN("HTTP/1.1 204 No Content\r\n\r\n"));
    return SERVER_KEEP;
}

struct rig {
    struct server server;
    char url[96];
    struct loki_options options;
    struct sink *sink;
    struct container *containers[2];
    struct sink_target *targets[2];
    struct request q;
    struct error error;
};

static void rig_init(struct rig *r)
{
    static const char *const labels[] = {"container_name", "stream"};
    const struct sink_environment environment = {.outputs_open_max = 1};
    *r = (struct rig){0};
    memset(pushed, 0, PUSHED_MAX);
    server_start(&r->server, handle);
    snprintf(r->url, sizeof(r->url), "http://%s", r->server.host);
    r->options = (struct loki_options){
        .http = {.request = {.requests_max = 2},
                 .url = r->url,
                 .tls_verify = true,
                 .timeout_ns = 30 * NS_PER_SECOND,
                 .connect_timeout_ns = 10 * NS_PER_SECOND},
        .tenant = "tenant-1",
        .labels = {labels, 2},
        .compression = LOKI_COMPRESSION_NONE,
    };
    if (loki_sink.open(&r->sink, &r->options, &environment, &r->error) < 0)
        fail_msg("%s", r->error.text);
    assert_int_equal(loki_sink.form(r->sink), FORM_BYTES);
    request_init(&r->q, FORM_BYTES);
    for (unsigned i = 0; i < 2; i++) {
        char id[CONTAINER_ID_SIZE + 1], name[16];
        snprintf(id, sizeof(id), "%064x", i);
        snprintf(name, sizeof(name), "web-%u", i);
        struct container_fields fields = {.id = id, .name = name};
        assert_int_equal(container_new(&r->containers[i], &fields), 0);
        assert_int_equal(loki_sink.bind(r->sink, r->containers[i], &r->targets[i], &r->error), 0);
    }
}

static void rig_deinit(struct rig *r)
{
    request_deinit(&r->q);
    for (unsigned i = 0; i < 2; i++) {
        loki_sink.unbind(r->sink, r->targets[i]);
        container_unref(r->containers[i]);
    }
    loki_sink.close(r->sink);
    server_stop(&r->server);
}

static void add_spans(struct rig *r, unsigned container, struct span text, size_t times,
                      int64_t time_ns)
{
    struct entry entries[16];
    for (size_t i = 0; i < times; i++)
        entries[i] = (struct entry){
            .time_ns = time_ns, .message = text, .offset = r->q.count + i, .stream = STREAM_STDERR};
    struct batch batch = {.form = FORM_BYTES,
                          .container = r->containers[container],
                          .entries = entries,
                          .count = times};
    assert_int_equal(request_add(&r->q, r->targets[container],
                                 loki_sink.requests->terms(r->targets[container]), &batch),
                     0);
}

static void add(struct rig *r, unsigned container, const char *text, size_t times)
{
    add_spans(r, container, span_of(text), times, T);
}

/* More than is calm, a second later, too. */
static void add_long(struct rig *r, unsigned container, const char *text)
{
    static char line[2 * LOKI_CALM_BYTES_S];
    memset(line, '.', sizeof(line));
    memcpy(line, text, strlen(text));
    add_spans(r, container, (struct span){line, sizeof(line)}, 1, T);
}

/* Sends a piece and waits for its answer. */
static struct sink_answer send_piece(struct rig *r, size_t first, size_t end)
{
    struct sink_answer answer;
    if (loki_sink.requests->send(r->sink, 1, &r->q, (struct request_range){first, end}, &r->error) <
        0)
        fail_msg("%s", r->error.text);
    while (!loki_sink.requests->step(r->sink, &answer)) {
        struct pollfd fds[8];
        int64_t timeout_ns = 10 * NS_PER_SECOND;
        size_t count = loki_sink.requests->wait(r->sink, fds, ARRAY_SIZE(fds), &timeout_ns);
        assert_true(poll(fds, count, (int)(timeout_ns / NS_PER_MS) + 1) >= 0);
    }
    assert_int_equal(answer.slot, 1);
    return answer;
}

static uint64_t shifted(const struct rig *r)
{
    uint64_t counts[SINK_EVENTS_MAX];
    assert_string_equal(loki_sink.events[0].word, "shifted");
    loki_sink.count(r->sink, counts);
    return counts[0];
}

/* R10: counted once, when they have arrived. */
static void test_shifted_lines_are_counted(void **state)
{
    struct rig r;
    rig_init(&r);
    add(&r, 0, "the same", 10);
    assert_int_equal(send_piece(&r, 0, 4).verdict, VERDICT_DELIVERED);
    assert_int_equal(shifted(&r), 3);
    assert_int_equal(send_piece(&r, 4, 10).verdict, VERDICT_DELIVERED);
    assert_int_equal(shifted(&r), 9);
    add(&r, 0, "too long", 2);
    assert_int_equal(send_piece(&r, 10, 12).verdict, VERDICT_REFUSED);
    assert_int_equal(shifted(&r), 9);
    rig_deinit(&r);
}

/* A limit of one stream holds up its container alone. */
static void test_the_stream_that_is_blamed(void **state)
{
    struct rig r;
    rig_init(&r);
    add(&r, 0, "slow", 1);
    add(&r, 1, "too fast", 1);
    struct sink_answer answer = send_piece(&r, 0, 2);
    assert_int_equal(answer.verdict, VERDICT_RETRY);
    assert_ptr_equal(answer.target, r.targets[1]);
    request_clear(&r.q);
    add(&r, 0, "too fast", 1); /* the answer names another */
    answer = send_piece(&r, 0, 1);
    assert_int_equal(answer.verdict, VERDICT_RETRY);
    assert_null(answer.target);
    rig_deinit(&r);
}

/* More than a limit ever takes at once is halved; a single line waits. */
static void test_too_much_at_once(void **state)
{
    struct rig r;
    rig_init(&r);
    add(&r, 0, "too much", 2);
    assert_int_equal(send_piece(&r, 0, 2).verdict, VERDICT_TOO_LARGE);
    assert_int_equal(send_piece(&r, 0, 1).verdict, VERDICT_RETRY);
    rig_deinit(&r);
}

static enum verdict send_all(struct rig *r)
{
    return send_piece(r, 0, r->q.count).verdict;
}

/* R1: what Loki would drop without a word must stand last in its push; else they share one. */
static void test_streams_that_loki_must_tell_of(void **state)
{
    struct rig r;
    rig_init(&r);
    add(&r, 0, "##a", 1);
    add(&r, 1, "##b", 1);
    assert_int_equal(send_all(&r), VERDICT_DELIVERED);
    expect_pushed("a|b|"); /* new */
    request_clear(&r.q);
    add(&r, 0, "##c", 1);
    add(&r, 1, "##d", 1);
    assert_int_equal(send_all(&r), VERDICT_DELIVERED);
    expect_pushed("cd|"); /* calm */
    request_clear(&r.q);
    add_spans(&r, 0, SPAN("##e"), 1, T - 1);
    add(&r, 1, "##f", 1);
    assert_int_equal(send_all(&r), VERDICT_DELIVERED);
    expect_pushed("fe|"); /* behind */
    request_clear(&r.q);
    add_long(&r, 0, "##g");
    add(&r, 1, "##h", 1);
    assert_int_equal(send_all(&r), VERDICT_DELIVERED);
    expect_pushed("hg|"); /* busy */
    request_clear(&r.q);
    add(&r, 0, "##i", 1); /* still */
    add_long(&r, 1, "##j");
    assert_int_equal(send_all(&r), VERDICT_DELIVERED);
    expect_pushed("j|i|"); /* both */
    rig_deinit(&r);
}

/* R1: no line twice, though a later push of the piece fails; and what is too fast again and again
 * may be too much at once. */
static void test_what_was_taken_is_not_sent_again(void **state)
{
    struct rig r;
    rig_init(&r);
    add(&r, 0, "##a", 2);
    add(&r, 1, "##b too fast", 2);
    assert_int_equal(send_all(&r), VERDICT_RETRY);
    expect_pushed("aa|bb|");
    assert_int_equal(shifted(&r), 1);
    assert_int_equal(send_all(&r), VERDICT_TOO_LARGE);
    expect_pushed("bb|");
    assert_int_equal(send_piece(&r, 0, 2).verdict, VERDICT_DELIVERED);
    expect_pushed(""); /* nothing was left */
    assert_int_equal(send_piece(&r, 2, 3).verdict, VERDICT_RETRY);
    expect_pushed("b|");
    assert_int_equal(shifted(&r), 1);
    rig_deinit(&r);
}

static struct sink_target *bind(struct sink *sink, const struct container *c)
{
    struct sink_target *target;
    struct error error;
    if (loki_sink.bind(sink, c, &target, &error) < 0)
        fail_msg("%s", error.text);
    return target;
}

/* R1: the stream of the same labels, with another tenant, is another one. */
static void test_a_tenant_has_streams_of_its_own(void **state)
{
    static const char *const labels[] = {"stream"};
    const struct sink_environment environment = {.outputs_open_max = 1};
    struct rig r;
    struct sink *sink;
    rig_init(&r);
    r.options.tenant = "{container_name}";
    r.options.labels = (struct option_texts){labels, 1};
    assert_int_equal(loki_sink.open(&sink, &r.options, &environment, &r.error), 0);
    struct sink_target *one = bind(sink, r.containers[0]), *other = bind(sink, r.containers[1]);
    struct sink_target *same = bind(sink, r.containers[0]);
    assert_int_equal(one->texts.hash[0], other->texts.hash[0]);
    assert_ptr_not_equal(one->standing[0], other->standing[0]);
    assert_ptr_equal(one->standing[0], same->standing[0]);
    loki_sink.unbind(sink, one);
    loki_sink.unbind(sink, other);
    loki_sink.unbind(sink, same);
    loki_sink.close(sink);
    rig_deinit(&r);
}

/* A stream that was refused goes alone until it is taken. */
static void test_a_refused_stream_goes_alone(void **state)
{
    struct rig r;
    rig_init(&r);
    add(&r, 0, "##a", 1);
    add(&r, 1, "##b", 1);
    assert_int_equal(send_all(&r), VERDICT_DELIVERED);
    expect_pushed("a|b|");
    request_clear(&r.q);
    add(&r, 0, "##c", 1);
    add(&r, 1, "##d too fast", 1);
    assert_int_equal(send_all(&r), VERDICT_RETRY);
    expect_pushed("cd|");
    assert_int_equal(send_all(&r), VERDICT_TOO_LARGE);
    expect_pushed("d|");
    request_clear(&r.q);
    add(&r, 0, "##e", 1);
    add(&r, 1, "##f", 1);
    assert_int_equal(send_all(&r), VERDICT_DELIVERED);
    expect_pushed("f|e|");
    rig_deinit(&r);
}

static void expect_wrong(const struct loki_options *options, const char *words)
{
    const struct sink_environment environment = {.outputs_open_max = 1};
    struct sink *sink = NULL;
    struct error error = {0};
    assert_int_equal(loki_sink.open(&sink, options, &environment, &error), -EINVAL);
    assert_string_equal(error.text, words);
    assert_null(sink);
}

/* R13 */
static void test_wrong_options(void **state)
{
    const struct loki_options good = {
        .http = {.request = {.requests_max = 2}, .url = "http://127.0.0.1:1", .tls_verify = true}};
    struct loki_options options = good;
    options.compression = LOKI_COMPRESSION_GZIP;
    expect_wrong(&options, "compression: Loki takes no gzip for protobuf");
    options.format = LOKI_JSON;
    options.compression = LOKI_COMPRESSION_SNAPPY;
    expect_wrong(&options, "compression: Loki takes no snappy for JSON");
    options = good;
    options.tenant = "a\r\nX-Other: b";
    expect_wrong(&options, "tenant: holds a control character");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shifted_lines_are_counted),
        cmocka_unit_test(test_the_stream_that_is_blamed),
        cmocka_unit_test(test_too_much_at_once),
        cmocka_unit_test(test_streams_that_loki_must_tell_of),
        cmocka_unit_test(test_what_was_taken_is_not_sent_again),
        cmocka_unit_test(test_a_tenant_has_streams_of_its_own),
        cmocka_unit_test(test_a_refused_stream_goes_alone),
        cmocka_unit_test(test_wrong_options),
    };
    pushed = mmap(NULL, PUSHED_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pushed, MAP_FAILED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
