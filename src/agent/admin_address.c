// SPDX-License-Identifier: Apache-2.0
#include "agent/admin_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>

enum {
    BACKLOG = 16, /* connections that wait to be taken */
    LOCAL_MODE = 0660,
    PORT_DIGITS_MAX = 5,
    PORT_MAX = 65535,
};

static bool parse_port(const char *text, in_port_t *ret)
{
    size_t size = strspn(text, "0123456789");
    unsigned port = 0;
    if (size == 0 || size > PORT_DIGITS_MAX || text[size])
        return false;
    for (size_t i = 0; i < size; i++)
        port = 10 * port + (unsigned)(text[i] - '0');
    *ret = htons((in_port_t)port);
    return port > 0 && port <= PORT_MAX;
}

/* "1.2.3.4" or "[1::2]" before the last colon. */
static bool parse_internet(struct admin_address *to, const char *text)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN + 2];
    if (!colon || (size_t)(colon - text) >= sizeof(host))
        return false;
    size_t size = (size_t)(colon - text);
    memcpy(host, text, size);
    host[size] = '\0';

    struct sockaddr_in *four = (struct sockaddr_in *)&to->socket.internet;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&to->socket.internet;
    if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
        host[size - 1] = '\0';
        six->sin6_family = AF_INET6;
        to->size = sizeof(*six);
        return inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1 &&
               parse_port(colon + 1, &six->sin6_port);
    }
    four->sin_family = AF_INET;
    to->size = sizeof(*four);
    return inet_pton(AF_INET, host, &four->sin_addr) == 1 && parse_port(colon + 1, &four->sin_port);
}

static bool parse_local(struct admin_address *to, const char *path)
{
    size_t size = strlen(path);
    if (path[0] != '/' || size >= sizeof(to->socket.local.sun_path))
        return false;
    to->socket.local.sun_family = AF_UNIX;
    memcpy(to->socket.local.sun_path, path, size + 1);
    to->size = sizeof(to->socket.local);
    return true;
}

bool admin_address_parse(struct admin_address *ret, const char *text)
{
    static const char local[] = "unix:";
    struct admin_address a = {0};
    bool good = strcmp(text, "none") == 0;
    if (strncmp(text, local, sizeof(local) - 1) == 0)
        good = parse_local(&a, text + sizeof(local) - 1);
    else if (!good)
        good = parse_internet(&a, text);
    if (good)
        *ret = a;
    return good;
}

static int new_socket(const struct admin_address *address)
{
    return socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* What a program that was killed has left would be in the way for ever. */
static int make_way(const struct admin_address *address, struct error *error)
{
    const char *path = address->socket.local.sun_path;
    struct stat st;
    if (lstat(path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return error_set(error, -EEXIST, "%s is there and is no socket: name another path", path);
    CLEANUP(close_fd) int fd = new_socket(address);
    if (fd < 0)
        return error_set(error, -errno, "socket: %s", strerror(errno));
    if (connect(fd, &address->socket.any, address->size) == 0 || errno != ECONNREFUSED)
        return error_set(error, -EADDRINUSE,
                         "somebody else listens at %s: stop that one, or name another path", path);
    return unlink(path) < 0
               ? error_set(error, -errno, "removing the old %s: %s", path, strerror(errno))
               : 0;
}

/* The file is made with what the socket has of rights, less the umask: never with more. */
static int bind_local(const struct admin_address *address, int fd, struct error *error)
{
    const char *path = address->socket.local.sun_path;
    int r = make_way(address, error);
    if (r < 0)
        return r;
    if (fchmod(fd, LOCAL_MODE) < 0 || bind(fd, &address->socket.any, address->size) < 0 ||
        chmod(path, LOCAL_MODE) < 0)
        return error_set(error, -errno, "%s: %s: its directory must be there and be writable", path,
                         strerror(errno));
    return 0;
}

static int bind_internet(const struct admin_address *address, int fd, const char *text,
                         struct error *error)
{
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, &address->socket.any, address->size) == 0)
        return 0;
    return error_set(error, -errno, "%s: %s: %s", text, strerror(errno),
                     errno == EADDRINUSE ? "stop who listens there, or choose another admin.listen"
                                         : "choose another admin.listen");
}

int admin_address_listen(const struct admin_address *address, const char *text, int *ret_fd,
                         struct error *error)
{
    CLEANUP(close_fd) int fd = new_socket(address);
    if (fd < 0)
        return error_set(error, -errno, "%s: socket: %s", text, strerror(errno));
    int r = address->socket.any.sa_family == AF_UNIX ? bind_local(address, fd, error)
                                                     : bind_internet(address, fd, text, error);
    if (r < 0)
        return r;
    if (listen(fd, BACKLOG) < 0)
        return error_set(error, -errno,
                         "%s: %s: stop who listens there, or choose another "
                         "admin.listen",
                         text, strerror(errno));
    *ret_fd = TAKE_FD(fd);
    return 0;
}

void admin_address_remove(const struct admin_address *address)
{
    if (address->size && address->socket.any.sa_family == AF_UNIX)
        unlink(address->socket.local.sun_path);
}
