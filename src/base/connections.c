// SPDX-License-Identifier: Apache-2.0
#include "base/connections.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CAPACITY_FIRST = 4 };

static void count_closed(struct connections *c)
{
    c->closed++;
    resource_closed(c->kind);
}

/* True where it was there. */
static bool forget(struct connections *c, int fd)
{
    for (size_t at = 0; at < c->begun_count; at++)
        if (c->begun[at].fd == fd) {
            c->begun[at] = c->begun[--c->begun_count];
            return true;
        }
    return false;
}

static bool reserve(struct connections *c)
{
    if (c->begun_count < c->capacity)
        return true;
    size_t capacity = c->capacity ? 2 * c->capacity : CAPACITY_FIRST;
    void *begun = reallocarray(c->begun, capacity, sizeof(*c->begun));
    if (!begun)
        return false;
    c->begun = begun;
    c->capacity = capacity;
    return true;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct connections *c = context;
    struct stat st;

    if (!reserve(c))
        return CURL_SOCKET_BAD;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (fstat(fd, &st) < 0) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    if (forget(c, fd)) /* its number is free again: it was closed without a word */
        count_closed(c);
    c->begun[c->begun_count++] = (struct connection_begun){fd, st.st_ino};
    c->opened++;
    resource_opened(c->kind);
    return fd;
}

static int close_socket(void *context, curl_socket_t fd)
{
    struct connections *c = context;

    forget(c, fd);
    count_closed(c);
    return close(fd);
}

void connections_count(struct connections *c, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, c);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, c);
}

void connections_made(struct connections *c, CURL *easy)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK)
        forget(c, fd);
}

void connections_compare(struct connections *c)
{
    for (size_t at = c->begun_count; at-- > 0;) {
        struct stat st;
        if (fstat(c->begun[at].fd, &st) == 0 && st.st_ino == c->begun[at].inode)
            continue;
        c->begun[at] = c->begun[--c->begun_count];
        count_closed(c);
    }
}

void connections_deinit(struct connections *c)
{
    connections_compare(c);
    free(c->begun);
    *c = CONNECTIONS_INIT(c->kind);
}
