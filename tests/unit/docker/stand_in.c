// SPDX-License-Identifier: Apache-2.0
#include "stand_in.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { CONNECTIONS_MAX = 512, REQUEST_MAX = 4096, RAW_MAX = 80 * 1024 * 1024, TRICKLE_MS = 100 };

struct connection {
    struct buf request, raw;
    bool gathered, trickling;
    size_t trickled; /* bytes of raw */
};

struct server {
    struct pollfd fds[1 + CONNECTIONS_MAX];
    struct connection connections[1 + CONNECTIONS_MAX]; /* by the index in fds */
    size_t count;
    stand_in_handler *handler;
    struct stand_in_counts *counts;
};

void stand_in_answer(struct buf *raw, const char *status, const char *type, struct span body)
{
    buf_append_format(raw, "HTTP/1.1 %s\r\nApi-Version: 1.41\r\nContent-Type: %s\r\n", status,
                      type);
    buf_append_format(raw, "Content-Length: %zu\r\n\r\n", body.size);
    buf_append(raw, body);
}

void stand_in_json(struct buf *raw, const char *body)
{
    stand_in_answer(raw, "200 OK", "application/json", span_of(body));
}

static void write_all(int fd, struct span bytes)
{
    while (bytes.size) {
        ssize_t n = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes.data += n;
        bytes.size -= (size_t)n;
    }
}

static void close_connection(struct server *s, size_t i)
{
    close(s->fds[i].fd);
    buf_deinit(&s->connections[i].request);
    buf_deinit(&s->connections[i].raw);
    s->count--;
    s->fds[i] = s->fds[s->count];
    s->connections[i] = s->connections[s->count];
}

/* False: the connection is closed. */
static bool serve(struct server *s, size_t i)
{
    struct connection *c = &s->connections[i];
    char path[REQUEST_MAX] = "";

    if (sscanf(buf_string(&c->request), "GET %4000s", path) != 1)
        return false;
    buf_clear(&c->request);
    buf_clear(&c->raw);
    __atomic_fetch_add(&s->counts->requests, 1, __ATOMIC_RELAXED);
    enum stand_in_then then = s->handler(path, &c->raw);
    c->gathered = then == STAND_IN_GATHER;
    c->trickling = then == STAND_IN_TRICKLE;
    c->trickled = 0;
    if (!c->gathered && !c->trickling)
        write_all(s->fds[i].fd, buf_span(&c->raw));
    return then != STAND_IN_CLOSE;
}

static bool receive(struct server *s, size_t i)
{
    struct connection *c = &s->connections[i];
    char *room = buf_reserve(&c->request, 1024);
    ssize_t n = room ? recv(s->fds[i].fd, room, 1024, 0) : 0;

    if (n <= 0)
        return false;
    c->request.size += (size_t)n;
    if (!memmem(c->request.data, c->request.size, "\r\n\r\n", 4))
        return true;
    return serve(s, i);
}

static void release_gathered(struct server *s)
{
    unsigned waiting = 0;

    for (size_t i = 1; i < s->count; i++)
        waiting += s->connections[i].gathered;
    if (waiting > s->counts->waiting_max)
        s->counts->waiting_max = waiting;
    /* Once more, without waiting, so that one too many would be seen. */
    if (waiting < STAND_IN_GATHERED || poll(s->fds, s->count, 0) > 0)
        return;
    for (size_t i = 1; i < s->count; i++) {
        if (s->connections[i].gathered)
            write_all(s->fds[i].fd, buf_span(&s->connections[i].raw));
        s->connections[i].gathered = false;
    }
}

/* One byte more for each that trickles. True while there is more to come. */
static bool trickle(struct server *s)
{
    bool more = false;

    for (size_t i = 1; i < s->count; i++) {
        struct connection *c = &s->connections[i];
        if (!c->trickling || c->trickled == c->raw.size)
            continue;
        write_all(s->fds[i].fd, (struct span){c->raw.data + c->trickled++, 1});
        more = true;
    }
    return more;
}

static void accept_one(struct server *s)
{
    int fd = accept4(s->fds[0].fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0 || s->count > CONNECTIONS_MAX)
        abort();
    s->fds[s->count] = (struct pollfd){.fd = fd, .events = POLLIN};
    s->connections[s->count] =
        (struct connection){.request = BUF_INIT(REQUEST_MAX), .raw = BUF_INIT(RAW_MAX)};
    s->count++;
}

static _Noreturn void run(int listener, stand_in_handler *handler, struct stand_in_counts *counts)
{
    static struct server s;

    s = (struct server){.count = 1, .handler = handler, .counts = counts};
    s.fds[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (;;) {
        poll(s.fds, s.count, trickle(&s) ? TRICKLE_MS : -1);
        for (size_t i = s.count - 1; i >= 1; i--) /* the last one takes a closed one's place */
            if (s.fds[i].revents && !receive(&s, i))
                close_connection(&s, i);
        if (s.fds[0].revents)
            accept_one(&s);
        release_gathered(&s);
    }
}

static void start(struct stand_in *s, int listener, stand_in_handler *handler)
{
    s->counts =
        mmap(NULL, sizeof(*s->counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(s->counts != MAP_FAILED);

    assert_int_equal(listen(listener, CONNECTIONS_MAX), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(listener, handler, s->counts);
    }
    close(listener);
}

void stand_in_start(struct stand_in *s, stand_in_handler *handler)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(s->directory, sizeof(s->directory), "/tmp/stand_in.XXXXXX");
    assert_non_null(mkdtemp(s->directory));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", s->directory);
    snprintf(s->host, sizeof(s->host), "unix://%s", address.sun_path);

    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    start(s, listener, handler);
}

/* At a port of 127.0.0.1 that is free. */
static int bind_loopback(struct sockaddr_in *ret)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    *ret = address;
    return listener;
}

void stand_in_start_tcp(struct stand_in *s, stand_in_handler *handler)
{
    struct sockaddr_in address;
    int listener = bind_loopback(&address);

    snprintf(s->host, sizeof(s->host), "tcp://localhost:%u", ntohs(address.sin_port));
    start(s, listener, handler);
}

void deaf_port_open(struct deaf_port *d)
{
    struct sockaddr_in address;

    d->listener = bind_loopback(&address);
    assert_int_equal(listen(d->listener, 0), 0);
    for (int i = 0; i < DEAF_WAITING; i++) {
        d->waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(connect(d->waiting[i], (struct sockaddr *)&address, sizeof(address)) == 0 ||
                    errno == EINPROGRESS);
    }
    snprintf(d->host, sizeof(d->host), "tcp://127.0.0.1:%u", ntohs(address.sin_port));
}

void deaf_port_close(struct deaf_port *d)
{
    for (int i = 0; i < DEAF_WAITING; i++)
        close(d->waiting[i]);
    close(d->listener);
}

void stand_in_kill(struct stand_in *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

void stand_in_deinit(struct stand_in *s)
{
    stand_in_kill(s);
    if (s->directory[0]) {
        unlink(s->host + strlen("unix://"));
        rmdir(s->directory);
    }
    munmap(s->counts, sizeof(*s->counts));
}
