// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { REQUEST_MAX = 4 * 1024 * 1024, READ_BYTES = 65536 };

/* Bytes of the request that stands at the start; 0: not all of it is there. */
static size_t request_size(struct buf *b)
{
    static const char length[] = "\r\nContent-Length: ";
    const char *text = buf_string(b), *end = strstr(text, "\r\n\r\n");
    if (!end)
        return 0;
    const char *says = strstr(text, length);
    size_t size = (size_t)(end + 4 - text);
    if (says && says < end)
        size += strtoul(says + sizeof(length) - 1, NULL, 10);
    return b->size >= size ? size : 0;
}

static void answer_all(int fd, server_handler *handler)
{
    struct buf request = BUF_INIT(REQUEST_MAX), raw = BUF_INIT(REQUEST_MAX);
    enum server_then then = SERVER_KEEP;
    for (unsigned nth = 1;;) {
        size_t size = then == SERVER_EARLY ? request.size : request_size(&request);
        if (size == 0) {
            char *to = buf_reserve(&request, READ_BYTES);
            ssize_t n = to ? read(fd, to, READ_BYTES) : -1;
            if (n <= 0)
                _exit(0);
            request.size += (size_t)n;
            continue;
        }
        buf_clear(&raw);
        then = handler((struct span){request.data, size}, nth++, &raw);
        if (send(fd, raw.data, raw.size, MSG_NOSIGNAL) < 0 || then == SERVER_CLOSE)
            _exit(0);
        while (then == SERVER_HOLD)
            pause();
        memmove(request.data, request.data + size, request.size - size);
        request.size -= size;
    }
}

static _Noreturn void serve(int listener, server_handler *handler)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            close(listener);
            answer_all(fd, handler);
        }
        close(fd);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

void server_start(struct server *s, server_handler *handler)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(s->port, sizeof(s->port), "%u", (unsigned)ntohs(address.sin_port));
    snprintf(s->host, sizeof(s->host), "127.0.0.1:%s", s->port);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(fd, handler);
    }
    close(fd);
}

void server_stop(struct server *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}
