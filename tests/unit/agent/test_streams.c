// SPDX-License-Identifier: Apache-2.0
/* The thread that receives streamed logs, against an Engine that does as it is told. */
#include "agent/streams.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/resource.h"
#include "base/rfc3339.h"
#include "docker/stand_in.h"
#include "scratch.h"
#include "source/local_file/frame.h"
#include "source/local_file/payload.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

static const struct log_shape framed;

enum { LINES = 60, ID_SIZE = 64 };
#define T0      (INT64_C(1795450000) * NS_PER_SECOND)
#define WAIT_NS (30 * NS_PER_SECOND)
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define LAST    "0\r\n\r\n"

/* The Engine. The first digit of a container's id says how it is served. */
enum kind {
    KIND_WHOLE = '0',  /* all lines, in order */
    KIND_CUT = '1',    /* broken off somewhere, most times within a frame */
    KIND_SILENT = '2', /* one line, then nothing */
    KIND_GONE = '3',
    KIND_UNREADABLE = '4',
    KIND_TTY = '5',       /* as KIND_CUT, without frames */
    KIND_LOST_BEAT = '6', /* what is no frame */
    KIND_HELD = '7',      /* not even headers */
    KIND_DETAILED = '8',  /* as KIND_CUT, with details where they are asked for */
};

/* Two lines of each time, on one stream. */
static void append_line(struct buf *body, unsigned i, enum kind kind, const char *details)
{
    char stamp[RFC3339_SIZE], line[64];
    rfc3339_format(stamp, T0 + (int64_t)(i / 2) * NS_PER_MS);
    int size = snprintf(line, sizeof(line), "%.*s %sline %u\n", RFC3339_SIZE, stamp, details, i);

    if (kind != KIND_TTY)
        buf_append(body, (struct span){(const char[]){1, 0, 0, 0, 0, 0, 0, (char)size}, 8});
    buf_append(body, (struct span){line, (size_t)size});
}

static int64_t since_of(const char *path)
{
    long long seconds = 0, rest = 0;
    const char *since = strstr(path, "since=");

    if (since && sscanf(since, "since=%lld.%lld", &seconds, &rest) != 2)
        abort();
    return seconds * NS_PER_SECOND + rest;
}

static void append_log(struct buf *body, const char *path, unsigned count, enum kind kind)
{
    const char *details = strstr(path, "&details=1") ? "LABEL=some+text " : "";
    int64_t since = since_of(path);

    for (unsigned i = 0; i < count; i++)
        if (T0 + (int64_t)(i / 2) * NS_PER_MS >= since)
            append_line(body, i, kind, details);
}

static enum stand_in_then serve(enum kind kind, const char *path, struct buf *raw)
{
    static unsigned cuts = 0;
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(1 << 20);
    bool cut = kind == KIND_CUT || kind == KIND_TTY || kind == KIND_DETAILED;

    append_log(&body, path, kind == KIND_SILENT ? 1 : LINES, kind);
    if (cut && ++cuts % 10) {
        size_t size = body.size * (cuts % 10) / 11;
        buf_append_format(raw, CHUNKED "%zx\r\n", body.size);
        buf_append(raw, (struct span){body.data, size});
        return STAND_IN_CLOSE;
    }
    buf_append_format(raw, CHUNKED);
    if (body.size) {
        buf_append_format(raw, "%zx\r\n", body.size);
        buf_append(raw, buf_span(&body));
        buf_append(raw, SPAN("\r\n"));
    }
    if (kind == KIND_SILENT)
        return STAND_IN_HOLD;
    buf_append(raw, SPAN(LAST));
    return STAND_IN_KEEP;
}

static enum stand_in_then answer(const char *path, struct buf *raw)
{
    char kind;

    if (strcmp(path, "/_ping") == 0) {
        stand_in_answer(raw, "200 OK", "text/plain", SPAN("OK"));
        return STAND_IN_KEEP;
    }
    if (sscanf(path, "/v1.41/containers/%c", &kind) != 1)
        abort();
    switch ((enum kind)kind) {
    case KIND_HELD: return STAND_IN_HOLD;
    case KIND_GONE:
        stand_in_answer(raw, "404 Not Found", "application/json", SPAN("{\"message\":\"gone\"}"));
        return STAND_IN_KEEP;
    case KIND_UNREADABLE:
        stand_in_answer(raw, "501 Not Implemented", "application/json", SPAN("{}"));
        return STAND_IN_KEEP;
    case KIND_LOST_BEAT:
        buf_append(raw, SPAN(CHUNKED "6\r\nhello\n\r\n" LAST));
        return STAND_IN_KEEP;
    default: return serve((enum kind)kind, path, raw);
    }
}

/* The streams, and the monitor's end of them. */
struct rig {
    struct stand_in server;
    struct health *health;
    struct streams *streams;
    char spools[SCRATCH_PATH_MAX];
    char host[SCRATCH_PATH_MAX + 16]; /* a link to the server's socket */
    int changed_fd;
};

static void link_host(struct rig *r)
{
    unlink(r->host + strlen("unix://"));
    assert_int_equal(symlink(r->server.host + strlen("unix://"), r->host + strlen("unix://")), 0);
}

static void open_streams(struct rig *r)
{
    const struct streams_options options = {
        .host = r->host, .directory = r->spools, .monitor_fd = r->changed_fd, .health = r->health};
    struct error error = {""};
    if (streams_open(&r->streams, &options, &error) < 0)
        fail_msg("%s", error.text);
}

static void rig_init(struct rig *r, void **state)
{
    *r = (struct rig){.changed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    snprintf(r->spools, sizeof(r->spools), "%s", SCRATCH("spools"));
    snprintf(r->host, sizeof(r->host), "unix://%s", SCRATCH("docker.sock"));
    assert_int_equal(health_new(&r->health), 0);
    stand_in_start(&r->server, answer);
    link_host(r);
    open_streams(r);
}

static void rig_deinit_cleanup(struct rig *r)
{
    streams_close(r->streams);
    stand_in_deinit(&r->server);
    health_free(r->health);
    close(r->changed_fd);
}

/* "2000…0007" */
struct id {
    char text[ID_SIZE + 1];
};
static const char *make_id(struct id *to, enum kind kind, unsigned number)
{
    snprintf(to->text, sizeof(to->text), "%c%063x", kind, number);
    return to->text;
}
#define ID(kind, number) make_id(&(struct id){""}, (kind), (number))

static void want(struct rig *r, const char *id, bool running)
{
    struct log_shape shape = {.tty = id[0] == KIND_TTY, .own_times = id[0] == KIND_DETAILED};
    struct error error = {""};
    if (streams_want(r->streams, id, shape, running, &error) < 0)
        fail_msg("%s", error.text);
}

static struct streams_status status_of(struct rig *r)
{
    struct streams_status status;
    streams_status(r->streams, &status);
    return status;
}

/* Until the condition holds; woken by the streams' own word. */
#define WAIT_UNTIL(r, condition)                                                                   \
    do {                                                                                           \
        int64_t until_ = clock_monotonic_ns() + WAIT_NS;                                           \
        while (!(condition)) {                                                                     \
            if (clock_monotonic_ns() > until_)                                                     \
                fail_msg("in vain: %s", #condition);                                               \
            poll(&(struct pollfd){.fd = (r)->changed_fd, .events = POLLIN}, 1, 5);                 \
            (void)!read((r)->changed_fd, &(uint64_t){0}, 8);                                       \
        }                                                                                          \
    } while (0)

static void wait_for_state(struct rig *r, const char *id, enum stream_state state)
{
    WAIT_UNTIL(r, streams_state(r->streams, id) == state);
}

static size_t entries_of(const char *directory)
{
    CLEANUP(closedir) DIR *all = opendir(directory);
    size_t count = 0;

    while (all && readdir(all))
        count++;
    return count;
}

/* What leaks are counted by. */
struct census {
    size_t threads, descriptors;
};
static struct census take_census(void)
{
    return (struct census){entries_of("/proc/self/task"), entries_of("/proc/self/fd")};
}
static void assert_census(struct census expected)
{
    struct census now = take_census();
    assert_int_equal(now.threads, expected.threads);
    assert_int_equal(now.descriptors, expected.descriptors);
}

/* The spool holds lines 0, 1, 2 … `count`, each once and in order. */
static unsigned lines_in_spool(struct rig *r, const char *id)
{
    char path[SCRATCH_PATH_MAX + 128], bytes[1 << 16];
    snprintf(path, sizeof(path), "%s/%s/container.log", r->spools, id);
    CLEANUP(close_fd) int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, bytes, sizeof(bytes));
    unsigned count = 0;

    assert_true(size >= 0);
    for (struct span rest = {bytes, (size_t)size}; rest.size; count++) {
        size_t frame = 0;
        struct payload payload;
        char expected[32];
        assert_int_equal(frame_look(rest, &frame), FRAME_WHOLE);
        assert_true(payload_parse((struct span){rest.data + FRAME_MARK_SIZE, frame - FRAME_AROUND},
                                  &payload));
        snprintf(expected, sizeof(expected), "line %u", count);
        assert_true(span_equal(payload.line, span_of(expected)));
        rest = (struct span){rest.data + frame, rest.size - frame};
    }
    return count;
}

static void s77_a_stopped_container_is_received_to_its_end(void **state)
{
    CLEANUP(rig_deinit) struct rig r;
    rig_init(&r, state);

    want(&r, ID(KIND_WHOLE, 1), false);
    wait_for_state(&r, ID(KIND_WHOLE, 1), STREAM_ENDED);
    assert_int_equal(lines_in_spool(&r, ID(KIND_WHOLE, 1)), LINES);
    assert_int_equal(streams_state(r.streams, ID(KIND_WHOLE, 2)), STREAM_UNKNOWN);

    want(&r, ID(KIND_WHOLE, 1), false);
    WAIT_UNTIL(&r, status_of(&r).opened >= 3);
    wait_for_state(&r, ID(KIND_WHOLE, 1), STREAM_ENDED);
    assert_int_equal(lines_in_spool(&r, ID(KIND_WHOLE, 1)), LINES);
}

/* What was asked while it ran is asked once more: it may have written since. */
static void s77_a_container_that_stops_is_asked_once_more(void **state)
{
    CLEANUP(rig_deinit) struct rig r;
    rig_init(&r, state);

    want(&r, ID(KIND_WHOLE, 1), true);
    WAIT_UNTIL(&r, lines_in_spool(&r, ID(KIND_WHOLE, 1)) == LINES);
    wait_for_state(&r, ID(KIND_WHOLE, 1), STREAM_WAITING); /* for its container to go on */
    want(&r, ID(KIND_WHOLE, 1), false);
    wait_for_state(&r, ID(KIND_WHOLE, 1), STREAM_ENDED);
    WAIT_UNTIL(&r, status_of(&r).closed == 3); /* a ping and two logs */
    assert_int_equal(lines_in_spool(&r, ID(KIND_WHOLE, 1)), LINES);
}

/* Connections break at many places, also behind the last line; news from the monitor spare the test
 * the patience. */
static void s77_each_line_comes_once_over_broken_connections(void **state)
{
    const enum kind kinds[] = {KIND_CUT, KIND_TTY, KIND_DETAILED};
    CLEANUP(rig_deinit) struct rig r;
    rig_init(&r, state);

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        unsigned enough = r.server.counts->requests + 60;
        bool running = false;
        while (r.server.counts->requests < enough || lines_in_spool(&r, ID(kinds[i], 1)) < LINES) {
            want(&r, ID(kinds[i], 1), running = !running);
            poll(&(struct pollfd){.fd = r.changed_fd, .events = POLLIN}, 1, 5);
            (void)!read(r.changed_fd, &(uint64_t){0}, 8);
        }
        assert_int_equal(lines_in_spool(&r, ID(kinds[i], 1)), LINES);
    }
}

/* S77: a restart of ours in the midst of it. */
static void s77_each_line_comes_once_over_restarts(void **state)
{
    CLEANUP(rig_deinit) struct rig r;
    rig_init(&r, state);

    for (int i = 0; i < 8; i++) {
        uint64_t received = status_of(&r).bytes;
        want(&r, ID(KIND_CUT, 1), false);
        WAIT_UNTIL(&r, status_of(&r).bytes > received);
        r.streams = streams_close(r.streams);
        lines_in_spool(&r, ID(KIND_CUT, 1));
        open_streams(&r);
    }
    want(&r, ID(KIND_WHOLE, 1), false);
    wait_for_state(&r, ID(KIND_WHOLE, 1), STREAM_ENDED);
}

static void s77_what_cannot_be_read_is_asked_for_again_only_with_news(void **state)
{
    CLEANUP(rig_deinit) struct rig r;
    rig_init(&r, state);

    want(&r, ID(KIND_GONE, 1), true);
    wait_for_state(&r, ID(KIND_GONE, 1), STREAM_ENDED);
    want(&r, ID(KIND_UNREADABLE, 1), true);
    wait_for_state(&r, ID(KIND_UNREADABLE, 1), STREAM_UNREADABLE);
    WAIT_UNTIL(&r, status_of(&r).unreadable == 1);
    unsigned requests = r.server.counts->requests;

    want(&r, ID(KIND_UNREADABLE, 1), true);
    want(&r, ID(KIND_WHOLE, 1), false);
    wait_for_state(&r, ID(KIND_WHOLE, 1), STREAM_ENDED);
    assert_int_equal(r.server.counts->requests, requests + 1);

    want(&r, ID(KIND_UNREADABLE, 1), false);
    WAIT_UNTIL(&r, r.server.counts->requests == requests + 2);
    wait_for_state(&r, ID(KIND_UNREADABLE, 1), STREAM_UNREADABLE);
}

/* Frames that have lost their beat, and an Engine that says nothing at all, cost only themselves.
 */
static void s77_a_sick_stream_costs_only_itself(void **state)
{
    CLEANUP(rig_deinit) struct rig r;
    rig_init(&r, state);

    want(&r, ID(KIND_LOST_BEAT, 1), true);
    want(&r, ID(KIND_HELD, 1), true);
    wait_for_state(&r, ID(KIND_HELD, 1), STREAM_RECEIVING);
    want(&r, ID(KIND_WHOLE, 1), false);
    wait_for_state(&r, ID(KIND_WHOLE, 1), STREAM_ENDED);
    wait_for_state(&r, ID(KIND_LOST_BEAT, 1), STREAM_WAITING);
    assert_int_equal(lines_in_spool(&r, ID(KIND_LOST_BEAT, 1)), 0);
}

/* One trouble and few pings, however many containers wait for the Engine. */
static void s77_an_engine_that_is_gone_is_one_trouble(void **state)
{
    enum { COUNT = 20 };
    struct health_trouble troubles[2];
    CLEANUP(rig_deinit) struct rig r;
    rig_init(&r, state);

    for (unsigned i = 0; i < COUNT; i++)
        want(&r, ID(KIND_SILENT, i), true);
    WAIT_UNTIL(&r, status_of(&r).receiving == COUNT);
    stand_in_kill(&r.server);
    WAIT_UNTIL(&r, health_troubles(r.health, troubles, 2) > 0);
    assert_int_equal(health_troubles(r.health, troubles, 2), 1);
    assert_string_equal(troubles[0].code, "stream.interrupted");
    assert_non_null(strstr(troubles[0].reason, "Connection refused"));
    WAIT_UNTIL(&r, status_of(&r).waiting == COUNT);
    assert_int_equal(resource_open(RESOURCE_STREAM), 0);
    assert_int_equal(resource_open(RESOURCE_SPOOL), 0);

    stand_in_deinit(&r.server);
    stand_in_start(&r.server, answer);
    link_host(&r);
    WAIT_UNTIL(&r, resource_open(RESOURCE_STREAM) == COUNT);
    assert_int_equal(health_troubles(r.health, troubles, 2), 0);
    for (unsigned i = 0; i < COUNT; i++)
        WAIT_UNTIL(&r, lines_in_spool(&r, ID(KIND_SILENT, i)) == 1);
    assert_in_range(status_of(&r).opened, 2 * COUNT + 1, 2 * COUNT + 10);
}

/* S1, the leak that this program exists to end: what was opened is closed, and nothing stays. */
static void s1_streams_opened_and_closed_leave_nothing(void **state)
{
    const unsigned count = getenv("LONG") ? 2000 : 300;
    struct census before = take_census();
    {
        CLEANUP(rig_deinit) struct rig r;
        rig_init(&r, state);
        want(&r, ID(KIND_WHOLE, 0), false);
        wait_for_state(&r, ID(KIND_WHOLE, 0), STREAM_ENDED);
        struct census idle = take_census();

        for (unsigned i = 0; i < count; i++) {
            want(&r, ID(KIND_SILENT, i), true);
            if (i >= 100)
                streams_drop(r.streams, ID(KIND_SILENT, i - 100), i % 2);
        }
        for (unsigned i = count - 100; i < count; i++)
            WAIT_UNTIL(&r, lines_in_spool(&r, ID(KIND_SILENT, i)) == 1);
        WAIT_UNTIL(&r, status_of(&r).receiving == 100);
        assert_int_equal(take_census().threads, idle.threads);
        assert_int_equal(take_census().descriptors, idle.descriptors + 100 * 3);

        for (unsigned i = count - 100; i < count; i++)
            streams_drop(r.streams, ID(KIND_SILENT, i), true);
        WAIT_UNTIL(&r, status_of(&r).opened == status_of(&r).closed);
        assert_census(idle);
        assert_int_equal(status_of(&r).wanted, 1);
        assert_int_equal(resource_open(RESOURCE_STREAM), 0);
        assert_int_equal(resource_open(RESOURCE_SPOOL), 0);
    }
    assert_census(before);
}

/* More containers than connections: they wait in order, are told, and take the places of others. */
static void s77_more_containers_than_connections_wait(void **state)
{
    enum { MORE = 3 };
    struct health_trouble trouble;
    CLEANUP(rig_deinit) struct rig r;
    rig_init(&r, state);

    for (unsigned i = 0; i < STREAMS_MAX + MORE; i++)
        want(&r, ID(KIND_SILENT, i), true);
    WAIT_UNTIL(&r, status_of(&r).receiving == STREAMS_MAX);
    WAIT_UNTIL(&r, status_of(&r).waiting == MORE);
    assert_int_equal(streams_state(r.streams, ID(KIND_SILENT, STREAMS_MAX)), STREAM_WAITING);
    WAIT_UNTIL(&r, health_troubles(r.health, &trouble, 1) == 1);
    assert_string_equal(trouble.code, "streams.waiting");

    for (unsigned i = 0; i < MORE; i++)
        streams_drop(r.streams, ID(KIND_SILENT, i), true);
    for (unsigned i = 0; i < MORE; i++)
        wait_for_state(&r, ID(KIND_SILENT, STREAMS_MAX + i), STREAM_RECEIVING);
    WAIT_UNTIL(&r, health_troubles(r.health, &trouble, 1) == 0);
    WAIT_UNTIL(&r, status_of(&r).waiting == 0);
}

/* A container of the same id may come right behind the one that went (as on another Engine). */
static void s77_a_dropped_spool_makes_room_for_a_new_one(void **state)
{
    CLEANUP(rig_deinit) struct rig r;
    rig_init(&r, state);

    for (int i = 0; i < 20; i++) {
        want(&r, ID(KIND_WHOLE, 1), false);
        wait_for_state(&r, ID(KIND_WHOLE, 1), STREAM_ENDED);
        assert_int_equal(lines_in_spool(&r, ID(KIND_WHOLE, 1)), LINES);
        streams_drop(r.streams, ID(KIND_WHOLE, 1), true);
    }
    WAIT_UNTIL(&r, entries_of(r.spools) == 2); /* "." and ".." */

    /* Also one that nobody wants any more, from an earlier run. */
    want(&r, ID(KIND_WHOLE, 2), false);
    wait_for_state(&r, ID(KIND_WHOLE, 2), STREAM_ENDED);
    streams_drop(r.streams, ID(KIND_WHOLE, 2), false);
    assert_int_equal(entries_of(r.spools), 3);
    streams_drop(r.streams, ID(KIND_WHOLE, 2), true);
    streams_drop(r.streams, ID(KIND_WHOLE, 2), true);
    WAIT_UNTIL(&r, entries_of(r.spools) == 2);
    assert_int_equal(status_of(&r).wanted, 0);
}

static void what_an_end_left_to_be_removed_is_removed(void **state)
{
    CLEANUP(rig_deinit) struct rig r;
    rig_init(&r, state);

    r.streams = streams_close(r.streams);
    assert_int_equal(mkdir(SCRATCH("spools/removed.7"), 0700), 0);
    scratch_write(SCRATCH("spools/removed.7/container.log.1"), "", 0);
    open_streams(&r);
    assert_int_equal(entries_of(r.spools), 2);
}

/* R13: what is refused, and what to do. */
static void r13_a_spool_that_cannot_be_written_is_told(void **state)
{
    struct health_trouble trouble;
    struct error error = {""};
    CLEANUP(rig_deinit) struct rig r;
    rig_init(&r, state);

    assert_int_equal(streams_want(r.streams, "short", framed, true, &error), -EINVAL);
    want(&r, ID(KIND_SILENT, 1), true);
    wait_for_state(&r, ID(KIND_SILENT, 1), STREAM_RECEIVING);
    assert_int_equal(rename(r.spools, SCRATCH("elsewhere")), 0);
    scratch_write(r.spools, "", 0);
    assert_int_equal(streams_want(r.streams, ID(KIND_SILENT, 2), framed, true, &error), -ENOTDIR);
    assert_says(&error, r.spools, "Not a directory");
    want(&r, ID(KIND_SILENT, 1), true);
    stand_in_kill(&r.server);
    wait_for_state(&r, ID(KIND_SILENT, 1), STREAM_WAITING);
    stand_in_deinit(&r.server);
    stand_in_start(&r.server, answer);
    link_host(&r);
    WAIT_UNTIL(&r, health_troubles(r.health, &trouble, 1) == 1 &&
                       strcmp(trouble.code, "stream.spool") == 0);

    unlink(r.spools);
    assert_int_equal(rename(SCRATCH("elsewhere"), r.spools), 0);
    wait_for_state(&r, ID(KIND_SILENT, 1), STREAM_RECEIVING);
}

/* Files may not grow, as on a full disk. Returns how it was. */
static struct rlimit forbid_growth(void)
{
    struct rlimit before, none;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    return before;
}

static int64_t time_of_request(struct rig *r, unsigned number)
{
    WAIT_UNTIL(r, r->server.counts->requests >= number);
    return clock_monotonic_ns();
}

/* S96: while the disk is full, the Engine is asked for the same lines more and more seldom. */
static void s96_a_full_disk_is_tried_again_with_patience(void **state)
{
    CLEANUP(rig_deinit) struct rig r;
    rig_init(&r, state);
    struct rlimit before = forbid_growth();
    want(&r, ID(KIND_WHOLE, 1), true);
    time_of_request(&r, 2); /* behind a ping */
    int64_t second = time_of_request(&r, 3), third = time_of_request(&r, 4);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(third - second > 1400 * NS_PER_MS); /* two seconds, give or take a quarter */
    want(&r, ID(KIND_WHOLE, 1), false);             /* news: at once */
    WAIT_UNTIL(&r, lines_in_spool(&r, ID(KIND_WHOLE, 1)) == LINES);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
    const struct CMUnitTest tests[] = {
        TEST(s77_a_stopped_container_is_received_to_its_end),
        TEST(s77_a_container_that_stops_is_asked_once_more),
        TEST(s77_each_line_comes_once_over_broken_connections),
        TEST(s77_each_line_comes_once_over_restarts),
        TEST(s77_what_cannot_be_read_is_asked_for_again_only_with_news),
        TEST(s77_a_sick_stream_costs_only_itself),
        TEST(s77_an_engine_that_is_gone_is_one_trouble),
        TEST(s1_streams_opened_and_closed_leave_nothing),
        TEST(s77_more_containers_than_connections_wait),
        TEST(s77_a_dropped_spool_makes_room_for_a_new_one),
        TEST(what_an_end_left_to_be_removed_is_removed),
        TEST(r13_a_spool_that_cannot_be_written_is_told),
        TEST(s96_a_full_disk_is_tried_again_with_patience),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
