// SPDX-License-Identifier: Apache-2.0
/* receiver — takes what is posted over HTTP, answers at once, and counts.
 *
 *   receiver [--count]      says its port on standard output, and its sums when it is ended
 *
 * It stands for a Loki that costs nothing: 204 for a push; for a path that ends in `_bulk` 200 with
 * the answer to a bulk request, whose lines are counted (two for each document); GET /sums tells
 * the sums so far. --count: pushes are taken apart (snappy, then protobuf), their
 * lines counted, and where a line begins with `@` and nanoseconds since 1970, the time it took
 * until here is kept. Without it only requests and bytes are counted, which costs the sender's
 * machine as little as can be.
 */
#include "base/buf.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <snappy-c.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    READ_BYTES = 1024 * 1024,
    REQUEST_BYTES_MAX = 64 * 1024 * 1024,
    LATENCIES_MAX = 4 * 1024 * 1024,
    EVENTS_MAX = 16,
    SUMS_TEXT_MAX = 512,
};

struct sums {
    uint64_t requests, bytes, lines, plain_bytes;
    int64_t *latencies_ns; /* LATENCIES_MAX */
    size_t latency_count;
};

struct receiver {
    bool count;
    struct sums sums;
    char *plain; /* of a push, unpacked */
    size_t plain_capacity;
};

struct connection {
    int fd;
    struct buf in;
};

static void die(const char *what)
{
    fprintf(stderr, "receiver: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* One field of a protobuf message. */
struct field {
    unsigned number;
    struct span bytes; /* length-delimited fields only */
};

static bool take_varint(struct span *left, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; left->size && shift < 64; shift += 7) {
        uint8_t byte = (uint8_t)*left->data++;
        left->size--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool take_field(struct span *left, struct field *ret)
{
    uint64_t tag, size;
    if (!take_varint(left, &tag))
        return false;
    *ret = (struct field){.number = (unsigned)(tag >> 3)};
    if ((tag & 7) == 0)
        return take_varint(left, &size);
    if ((tag & 7) != 2 || !take_varint(left, &size) || size > left->size)
        return false;
    ret->bytes = (struct span){left->data, size};
    *left = (struct span){left->data + size, left->size - size};
    return true;
}

static void take_line(struct sums *sums, struct span line, int64_t now_ns)
{
    sums->lines++;
    if (line.size < 20 || line.data[0] != '@' || sums->latency_count == LATENCIES_MAX)
        return;
    int64_t written_ns = 0;
    for (size_t i = 1; i < 20; i++)
        written_ns = 10 * written_ns + (line.data[i] - '0');
    sums->latencies_ns[sums->latency_count++] = now_ns - written_ns;
}

/* streams (1) of entries (2) with a line (2). */
static void take_push(struct sums *sums, struct span push, int64_t now_ns)
{
    struct field stream, entry, inner;
    while (take_field(&push, &stream))
        while (stream.number == 1 && take_field(&stream.bytes, &entry))
            while (entry.number == 2 && take_field(&entry.bytes, &inner))
                if (inner.number == 2)
                    take_line(sums, inner.bytes, now_ns);
}

static void take_body(struct receiver *r, struct span body)
{
    size_t size;
    r->sums.requests++;
    r->sums.bytes += body.size;
    if (!r->count || snappy_uncompressed_length(body.data, body.size, &size) != SNAPPY_OK ||
        size > REQUEST_BYTES_MAX)
        return;
    if (size > r->plain_capacity) {
        r->plain_capacity = size;
        r->plain = realloc(r->plain, size);
        if (!r->plain)
            die("memory");
    }
    if (snappy_uncompress(body.data, body.size, r->plain, &size) != SNAPPY_OK)
        return;
    r->sums.plain_bytes += size;
    take_push(&r->sums, (struct span){r->plain, size}, clock_now_ns());
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static size_t format_sums(char to[SUMS_TEXT_MAX], struct sums *s)
{
    int64_t *all = s->latencies_ns;
    size_t count = s->latency_count;
    int n = snprintf(to, SUMS_TEXT_MAX,
                     "{\"requests\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"lines\": %" PRIu64
                     ", \"plain_bytes\": %" PRIu64,
                     s->requests, s->bytes, s->lines, s->plain_bytes);
    qsort(all, count, sizeof(*all), ascending);
    if (count)
        n += snprintf(to + n, SUMS_TEXT_MAX - (size_t)n,
                      ", \"p50_ns\": %" PRId64 ", \"p99_ns\": %" PRId64 ", \"most_ns\": %" PRId64,
                      all[count / 2], all[count * 99 / 100], all[count - 1]);
    n += snprintf(to + n, SUMS_TEXT_MAX - (size_t)n, "}");
    return (size_t)n;
}

static void take_bulk(struct sums *sums, struct span body)
{
    uint64_t newlines = 0;
    for (size_t i = 0; i < body.size; i++)
        newlines += body.data[i] == '\n';
    sums->requests++;
    sums->bytes += body.size;
    sums->lines += newlines / 2;
}

static void answer(int fd, const char *text, size_t size)
{
    char out[SUMS_TEXT_MAX + 128];
    int n = size ? snprintf(out, sizeof(out),
                            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                            "Content-Length: %zu\r\n\r\n%s",
                            size, text)
                 : snprintf(out, sizeof(out), "HTTP/1.1 204 No Content\r\n\r\n");
    if (write(fd, out, (size_t)n) < 0)
        perror("receiver: answer");
}

static size_t length_of(const char *head, size_t size)
{
    static const char name[] = "\r\ncontent-length:";
    for (size_t at = 0; at + sizeof(name) - 1 < size; at++)
        if (strncasecmp(head + at, name, sizeof(name) - 1) == 0)
            return strtoul(head + at + sizeof(name) - 1, NULL, 10);
    return 0;
}

static bool asks_for(struct span head, const char *text)
{
    return memmem(head.data, head.size, text, strlen(text));
}

static void handle(struct receiver *r, int fd, struct span head, struct span body)
{
    static const char bulked[] = "{\"errors\":false,\"items\":[]}";
    char text[SUMS_TEXT_MAX];
    if (asks_for(head, "GET /sums ")) {
        answer(fd, text, format_sums(text, &r->sums));
    } else if (asks_for(head, "_bulk ") || asks_for(head, "_bulk?")) {
        take_bulk(&r->sums, body);
        answer(fd, bulked, sizeof(bulked) - 1);
    } else {
        if (body.size)
            take_body(r, body);
        answer(fd, "", 0);
    }
}

/* Takes one whole request off the buffer. */
static bool take_request(struct receiver *r, struct connection *c)
{
    char *end = memmem(c->in.data, c->in.size, "\r\n\r\n", 4);
    if (!end)
        return false;
    size_t head = (size_t)(end - c->in.data) + 4, body = length_of(c->in.data, head - 2);
    if (c->in.size < head + body)
        return false;
    handle(r, c->fd, (struct span){c->in.data, head}, (struct span){c->in.data + head, body});
    memmove(c->in.data, c->in.data + head + body, c->in.size - head - body);
    c->in.size -= head + body;
    return true;
}

static void close_connection(struct connection *c)
{
    close(c->fd);
    buf_deinit(&c->in);
    free(c);
}

static void receive(struct receiver *r, struct connection *c)
{
    char *to = buf_reserve(&c->in, READ_BYTES);
    ssize_t n = to ? read(c->fd, to, READ_BYTES) : 0;
    if (n <= 0) {
        close_connection(c);
        return;
    }
    c->in.size += (size_t)n;
    while (take_request(r, c))
        continue;
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 128) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        die("listening");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void watch(int epoll_fd, int fd, void *of)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = of};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll");
}

static void accept_one(int epoll_fd, int listen_fd)
{
    struct connection *c = calloc(1, sizeof(*c));
    if (!c)
        die("memory");
    c->in = BUF_INIT(REQUEST_BYTES_MAX + 2 * READ_BYTES);
    c->fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (c->fd < 0)
        die("accept");
    watch(epoll_fd, c->fd, c);
}

/* Until SIGTERM. */
static void serve(struct receiver *r, int listen_fd, int signal_fd)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[EVENTS_MAX];
    watch(epoll_fd, listen_fd, &listen_fd);
    watch(epoll_fd, signal_fd, &signal_fd);
    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &signal_fd)
                return;
            if (events[i].data.ptr == &listen_fd)
                accept_one(epoll_fd, listen_fd);
            else
                receive(r, events[i].data.ptr);
        }
    }
}

int main(int argc, char **argv)
{
    struct receiver r = {.count = argc == 2 && strcmp(argv[1], "--count") == 0};
    if (argc > 2 || (argc == 2 && !r.count)) {
        fprintf(stderr, "usage: receiver [--count]\n");
        return 2;
    }
    r.sums.latencies_ns = calloc(LATENCIES_MAX, sizeof(*r.sums.latencies_ns));
    if (!r.sums.latencies_ns)
        die("memory");
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, NULL);
    serve(&r, listen_somewhere(), signalfd(-1, &end, SFD_CLOEXEC));
    char text[SUMS_TEXT_MAX];
    format_sums(text, &r.sums);
    puts(text);
    return 0;
}
