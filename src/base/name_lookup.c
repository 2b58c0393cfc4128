// SPDX-License-Identifier: Apache-2.0
#include "base/name_lookup.h"

#include "base/clock.h"
#include "base/resource.h"

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

_Static_assert(NAME_LOOKUP_FDS_MAX == ARES_GETSOCK_MAXNUM, "room for all that c-ares tells of");

enum { TRY_MS = 2000 /* then another server is asked, or the same once more */ };

struct name_lookup {
    ares_channel channel; /* owned; NULL if none */
    int deadline_ms;
    int64_t until_ns;
    bool over;
    int status; /* of c-ares */
    char addresses[NAME_ADDRESSES_MAX];
};

/* Leaves out what does not fit. */
static void add_address(struct name_lookup *l, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN + 3], plain[INET6_ADDRSTRLEN] = "";
    bool is_six = address->sa_family == AF_INET6;
    size_t size = strlen(l->addresses);

    if (is_six)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, plain,
                  sizeof(plain));
    else
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, plain,
                  sizeof(plain));
    int more = snprintf(text, sizeof(text), "%s%s%s%s", size ? "," : "", is_six ? "[" : "", plain,
                        is_six ? "]" : "");
    if (size + (size_t)more < sizeof(l->addresses))
        memcpy(l->addresses + size, text, (size_t)more + 1);
}

/* Called once, from within start, step or free. */
static void take(void *context, int status, int timeouts, struct ares_addrinfo *found)
{
    struct name_lookup *l = context;

    l->over = true;
    l->status = status;
    if (!found)
        return;
    for (const struct ares_addrinfo_node *n = found->nodes; n; n = n->ai_next)
        if (n->ai_family == AF_INET || n->ai_family == AF_INET6)
            add_address(l, n->ai_addr);
    ares_freeaddrinfo(found);
}

static ares_socket_t open_socket(int family, int type, int protocol, void *context)
{
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd < 0)
        return ARES_SOCKET_BAD;
    resource_opened(RESOURCE_LOOKUP);
    return fd;
}

static int close_socket(ares_socket_t fd, void *context)
{
    resource_closed(RESOURCE_LOOKUP);
    return close(fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t size,
                          void *context)
{
    return connect(fd, to, size);
}

static ares_ssize_t receive(ares_socket_t fd, void *to, size_t size, int flags,
                            struct sockaddr *from, ares_socklen_t *from_size, void *context)
{
    return recvfrom(fd, to, size, flags, from, from_size);
}

static ares_ssize_t send_parts(ares_socket_t fd, const struct iovec *parts, int count,
                               void *context)
{
    return writev(fd, parts, count);
}

/* c-ares takes all of them or none; it is opening and closing that are to be counted. */
static const struct ares_socket_functions counted_sockets = {
    open_socket, close_socket, connect_socket, receive, send_parts,
};

int name_lookup_start(struct name_lookup **ret, const char *name, int deadline_ms,
                      struct error *error)
{
    const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct ares_options options = {.timeout = TRY_MS};
    CLEANUP(name_lookup_free) struct name_lookup *l = malloc(sizeof(*l));
    if (!l)
        return error_set(error, -ENOMEM, "%s: no memory to look it up", name);
    *l = (struct name_lookup){
        .deadline_ms = deadline_ms,
        .until_ns = clock_monotonic_ns() + deadline_ms * NS_PER_MS,
    };

    int status = ares_init_options(&l->channel, &options, ARES_OPT_TIMEOUTMS);
    if (status != ARES_SUCCESS)
        return error_set(error, status == ARES_ENOMEM ? -ENOMEM : -EIO, "%s: cannot look it up: %s",
                         name, ares_strerror(status));
    ares_set_socket_functions(l->channel, &counted_sockets, NULL);
    ares_getaddrinfo(l->channel, name, NULL, &hints, take, l);
    *ret = TAKE(l);
    return 0;
}

struct name_lookup *name_lookup_free(struct name_lookup *l)
{
    if (!l)
        return NULL;

    if (l->channel)
        ares_destroy(l->channel);
    free(l);
    return NULL;
}

size_t name_lookup_wait(struct name_lookup *l, struct pollfd fds[NAME_LOOKUP_FDS_MAX],
                        int *timeout_ms)
{
    ares_socket_t sockets[NAME_LOOKUP_FDS_MAX];
    /* A bit each for reading, then one each for writing; the macros for them overflow an int. */
    unsigned ready = (unsigned)ares_getsock(l->channel, sockets, NAME_LOOKUP_FDS_MAX);
    int64_t left_ns = l->until_ns - clock_monotonic_ns();
    int left_ms = l->over || left_ns < 0 ? 0 : (int)(left_ns / NS_PER_MS) + 1;
    struct timeval tv;
    size_t count = 0;

    for (unsigned i = 0; i < NAME_LOOKUP_FDS_MAX; i++) {
        int events =
            (ready >> i & 1 ? POLLIN : 0) | (ready >> (i + NAME_LOOKUP_FDS_MAX) & 1 ? POLLOUT : 0);
        if (events)
            fds[count++] = (struct pollfd){.fd = sockets[i], .events = (short)events};
    }
    if (ares_timeout(l->channel, NULL, &tv)) {
        int next_ms = (int)(tv.tv_sec * 1000 + tv.tv_usec / 1000) + 1;
        left_ms = next_ms < left_ms ? next_ms : left_ms;
    }
    if (*timeout_ms < 0 || left_ms < *timeout_ms)
        *timeout_ms = left_ms;
    return count;
}

bool name_lookup_step(struct name_lookup *l)
{
    struct pollfd fds[NAME_LOOKUP_FDS_MAX];
    int timeout_ms = 0;
    size_t count = name_lookup_wait(l, fds, &timeout_ms);

    if (poll(fds, count, 0) < 0)
        count = 0;
    for (size_t i = 0; i < count && !l->over; i++)
        ares_process_fd(l->channel, fds[i].revents & ~POLLOUT ? fds[i].fd : ARES_SOCKET_BAD,
                        fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
    if (!l->over)
        ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what took too long */
    if (!l->over && clock_monotonic_ns() >= l->until_ns) {
        ares_cancel(l->channel);
        l->status = ARES_ETIMEOUT;
    }
    return l->over;
}

int name_lookup_result(const struct name_lookup *l, char to[NAME_ADDRESSES_MAX],
                       struct error *error)
{
    switch (l->status) {
    case ARES_SUCCESS: break;
    case ARES_ENOMEM: return error_set(error, -ENOMEM, "no memory to look up the host's name");
    case ARES_ETIMEOUT:
        return error_set(error, -ETIMEDOUT, "the host's name: no answer of a name server in %d ms",
                         l->deadline_ms);
    default:
        return error_set(error, -EHOSTUNREACH, "the host's name: %s", ares_strerror(l->status));
    }
    if (!l->addresses[0])
        return error_set(error, -EHOSTUNREACH, "the host's name has no address");
    memcpy(to, l->addresses, sizeof(l->addresses));
    return 0;
}
