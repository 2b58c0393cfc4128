// SPDX-License-Identifier: Apache-2.0
#include "sink/http/sockets.h"

#include "base/resource.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void forget(struct sockets *s, size_t at)
{
    s->open[at] = s->open[--s->count];
    resource_closed(RESOURCE_SINK);
}

static bool is_open(const struct socket_open *one)
{
    struct stat st;
    return fstat(one->fd, &st) == 0 && st.st_ino == one->inode;
}

static void compare_all(struct sockets *s)
{
    for (size_t at = s->count; at-- > 0;)
        if (!is_open(&s->open[at]))
            forget(s, at);
}

void sockets_compare(struct sockets *s)
{
    if (s->doubted)
        compare_all(s);
    s->doubted = false;
}

curl_socket_t sockets_open(void *sockets, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct sockets *s = sockets;
    struct stat st;

    compare_all(s); /* before the number of a closed one is given again */
    int fd = s->count < SOCKETS_MAX
                 ? socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol)
                 : -1;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (fstat(fd, &st) < 0) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    s->open[s->count++] = (struct socket_open){fd, st.st_ino};
    resource_opened(RESOURCE_SINK);
    return fd;
}

int sockets_close(void *sockets, curl_socket_t fd)
{
    struct sockets *s = sockets;

    for (size_t at = 0; at < s->count; at++)
        if (s->open[at].fd == fd) {
            forget(s, at);
            break;
        }
    return close(fd);
}
