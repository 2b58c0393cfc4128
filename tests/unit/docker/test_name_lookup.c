// SPDX-License-Identifier: Apache-2.0
/* Looking up a name, from /etc/hosts and from a name server of the test's own: in namespaces where
 * /etc/resolv.conf names nobody else. */
#include "base/name_lookup.h"

#include "base/resource.h"
#include "base/span.h"
#include "docker/log_stream.h"
#include "engine_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <cmocka.h>

enum { DNS_PORT = 53, PACKET_MAX = 512, TYPE_AAAA = 28 };

static int server = -1; /* the name server's socket */

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close_fd(fd);
    return written;
}

static bool raise_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool raised = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    close_fd(fd);
    return raised;
}

/* Leaves `server` at -1 where namespaces may not be made. */
static int enter_namespaces(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(DNS_PORT),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    char path[] = "/tmp/resolv.XXXXXX", map[32];
    unsigned uid = getuid();
    (void)state;
    int fd = mkstemp(path);
    close_fd(fd);
    snprintf(map, sizeof(map), "0 %u 1", uid);
    bool entered = write_file(path, "nameserver 127.0.0.1\n") &&
                   unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) == 0 &&
                   write_file("/proc/self/uid_map", map) && raise_loopback() &&
                   mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0;
    unlink(path);
    if (!entered)
        return 0;
    server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(server, (struct sockaddr *)&address, sizeof(address)) != 0)
        server = close_fd(server);
    return 0;
}

/* Answers one question: 127.0.0.1, or that there is no such name where `known` is not. */
static void serve(bool known)
{
    static const unsigned char record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1};
    unsigned char packet[PACKET_MAX + sizeof(record)];
    struct sockaddr_in from;
    socklen_t from_size = sizeof(from);
    ssize_t size = recvfrom(server, packet, PACKET_MAX, 0, (struct sockaddr *)&from, &from_size);
    assert_true(size > 12);

    size_t end = 12; /* of the question */
    while (packet[end])
        end += packet[end] + 1U;
    end += 5;
    bool has_record = known && packet[end - 3] != TYPE_AAAA;
    packet[2] = 0x81; /* an answer */
    packet[3] = known ? 0x80 : 0x83;
    memset(packet + 6, 0, 6);
    packet[7] = has_record;
    if (has_record)
        memcpy(packet + end, record, sizeof(record));
    size_t answer = end + (has_record ? sizeof(record) : 0);
    assert_int_equal(sendto(server, packet, answer, 0, (const struct sockaddr *)&from, from_size),
                     answer);
}

enum manners { SILENT, KNOWS, KNOWS_NOT };

/* Its result, when it is over; 0 bytes of addresses where there are none. */
static int look_up(const char *name, int deadline_ms, enum manners manners,
                   char addresses[NAME_ADDRESSES_MAX], struct error *error)
{
    CLEANUP(name_lookup_free) struct name_lookup *l = NULL;
    unsigned threads = entries_of("/proc/self/task"), turns = 0;
    uint64_t before = entries_of("/proc/self/fd") - resource_open(RESOURCE_LOOKUP);
    assert_int_equal(name_lookup_start(&l, name, deadline_ms, error), 0);
    while (!name_lookup_step(l)) {
        struct pollfd fds[NAME_LOOKUP_FDS_MAX + 1];
        int timeout_ms = -1;
        size_t count = name_lookup_wait(l, fds, &timeout_ms);
        fds[count] = (struct pollfd){.fd = manners == SILENT ? -1 : server, .events = POLLIN};
        assert_true(timeout_ms >= 0 && timeout_ms <= deadline_ms + 1);
        poll(fds, count + 1, timeout_ms);
        if (fds[count].revents)
            serve(manners == KNOWS);
        assert_int_equal(entries_of("/proc/self/task"), threads);
        assert_int_equal(entries_of("/proc/self/fd"), before + resource_open(RESOURCE_LOOKUP));
        assert_true(++turns < 50); /* no busy loop */
    }
    addresses[0] = '\0';
    return name_lookup_result(l, addresses, error);
}

static void test_hosts_file(void **state)
{
    char addresses[NAME_ADDRESSES_MAX];
    struct error error = {""};
    (void)state;
    assert_int_equal(look_up("localhost", DEADLINE_MS, SILENT, addresses, &error), 0);
    assert_non_null(strstr(addresses, "127.0.0.1"));
}

static void test_name_server(void **state)
{
    char addresses[NAME_ADDRESSES_MAX];
    struct error error = {""};
    (void)state;
    if (server < 0)
        skip();
    assert_int_equal(look_up("engine.example", DEADLINE_MS, KNOWS, addresses, &error), 0);
    assert_string_equal(addresses, "127.0.0.1");
    int r = look_up("nobody.example", DEADLINE_MS, KNOWS_NOT, addresses, &error);
    assert_int_equal(r, -EHOSTUNREACH);
    assert_non_null(strstr(error.text, "the host's name: "));
}

/* S96: nobody answers: over at the deadline, and nothing is left of it. */
static void test_silent_name_server(void **state)
{
    char addresses[NAME_ADDRESSES_MAX];
    struct error error = {""};
    (void)state;
    if (server < 0)
        skip();
    unsigned before = entries_of("/proc/self/fd");
    int64_t from_ns = clock_monotonic_ns();
    int r = look_up("engine.example", 300, SILENT, addresses, &error);
    assert_int_equal(r, -ETIMEDOUT);
    assert_true(clock_monotonic_ns() - from_ns >= 300 * NS_PER_MS);
    assert_string_equal(error.text, "the host's name: no answer of a name server in 300 ms");
    assert_string_equal(addresses, "");
    assert_int_equal(entries_of("/proc/self/fd"), before);
    assert_int_equal(resource_open(RESOURCE_LOOKUP), 0);
    assert_true(atomic_load(&resource_counts[RESOURCE_LOOKUP].opened) > 0);

    char question[PACKET_MAX];
    while (recv(server, question, sizeof(question), MSG_DONTWAIT) > 0)
        ;
}

static enum stand_in_then pong(const char *path, struct buf *raw)
{
    buf_append(raw, SPAN("HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"));
    return STAND_IN_KEEP;
}

static void count_ping(void *context, const struct engine_result *result, struct engine_version v)
{
    assert_string_equal(result->text, "");
    *(unsigned *)context += 1;
}

/* The engine's client, by a name that only the name server knows: that is asked for both kinds of
 * address, once, and by no thread of libcurl's. */
static void test_engine_by_name(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    CLEANUP(engine_close) struct engine *e = NULL;
    unsigned pings = 0, questions = 0;
    char host[160];
    (void)state;
    if (server < 0)
        skip();
    stand_in_start_tcp(&daemon, pong);
    snprintf(host, sizeof(host), "tcp://engine.example%s", strrchr(daemon.host, ':'));
    struct engine_options options = {.host = host,
                                     .deadline_ms = DEADLINE_MS,
                                     .callbacks = {.pinged = count_ping},
                                     .context = &pings};
    assert_int_equal(engine_open(&e, &options, NULL), 0);
    assert_int_equal(engine_ping(e, NULL), 0);
    while (pings == 0) {
        struct pollfd extra = {.fd = server, .events = POLLIN};
        assert_true(engine_poll(e, &extra, 1, -1) >= 0);
        if (extra.revents) {
            assert_true(++questions <= 2);
            serve(true);
        }
        engine_step(e);
        assert_int_equal(entries_of("/proc/self/task"), 3);
    }
    assert_int_equal(questions, 2);
}

static void count_stream_ping(void *context, int code, const char *text)
{
    assert_int_equal(code, 0);
    *(unsigned *)context += 1;
}

static bool take_all(void *owner, struct span bytes)
{
    return true;
}

static void count_end(void *owner, enum log_stream_end end, const char *text)
{
    assert_int_equal(end, LOG_STREAM_ENDED);
    *(unsigned *)owner += 1;
}

/* Streams as well: one look-up, however many of them there are. */
static void test_streams_by_name(void **state)
{
    CLEANUP(stand_in_deinit) struct stand_in daemon = {0};
    CLEANUP(log_streams_close) struct log_streams *s = NULL;
    struct log_stream *stream = NULL;
    const struct log_stream_request request = {.id = "x"};
    unsigned pings = 0, ends = 0, questions = 0, started = 0;
    char host[160];
    (void)state;
    if (server < 0)
        skip();
    stand_in_start_tcp(&daemon, pong);
    snprintf(host, sizeof(host), "tcp://engine.example%s", strrchr(daemon.host, ':'));
    struct log_streams_options options = {.host = host,
                                          .deadline_ms = DEADLINE_MS,
                                          .callbacks = {count_stream_ping, take_all, count_end},
                                          .context = &pings};
    assert_int_equal(log_streams_open(&s, &options, NULL), 0);
    assert_int_equal(log_stream_start(&stream, s, &request, &ends), -ENOTCONN);
    assert_int_equal(log_streams_ping(s), 0);
    assert_int_equal(log_streams_ping(s), -EALREADY);
    while (ends < 5) {
        struct pollfd question = {.fd = server, .events = POLLIN};
        assert_int_equal(log_streams_poll(s, server, -1), 0);
        if (poll(&question, 1, 0) > 0) {
            assert_true(++questions <= 2);
            serve(true);
        }
        log_streams_step(s);
        for (; pings == 1 && started < 5; started++)
            assert_int_equal(log_stream_start(&stream, s, &request, &ends), 0);
        assert_int_equal(entries_of("/proc/self/task"), 3);
    }
    assert_int_equal(questions, 2);
}

/* Given up under way; the sanitizers see what is left. */
static void test_given_up(void **state)
{
    CLEANUP(name_lookup_free) struct name_lookup *l = NULL;
    struct error error = {""};
    (void)state;
    unsigned before = entries_of("/proc/self/fd");
    assert_int_equal(name_lookup_start(&l, "engine.example", DEADLINE_MS, &error), 0);
    l = name_lookup_free(l);
    assert_int_equal(entries_of("/proc/self/fd"), before);
    assert_int_equal(resource_open(RESOURCE_LOOKUP), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_file),         cmocka_unit_test(test_name_server),
        cmocka_unit_test(test_silent_name_server), cmocka_unit_test(test_engine_by_name),
        cmocka_unit_test(test_streams_by_name),    cmocka_unit_test(test_given_up),
    };
    return cmocka_run_group_tests(tests, enter_namespaces, NULL);
}
