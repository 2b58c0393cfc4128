// SPDX-License-Identifier: Apache-2.0
#include "docker/docker_host.h"

#include "base/span.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/un.h>

#define UNIX_SCHEME  "unix://"
#define TCP_SCHEME   "tcp://"
#define DEFAULT_HOST UNIX_SCHEME "/var/run/docker.sock"
#define DEFAULT_PORT "2375"

const char *docker_host_find(const char *option)
{
    const char *environment = getenv("DOCKER_HOST");

    if (option && *option)
        return option;
    return environment && *environment ? environment : DEFAULT_HOST;
}

static int parse_unix(struct docker_host *host, const char *path, struct error *error)
{
    size_t size = strlen(path);

    if (path[0] != '/')
        return error_set(error, -EINVAL, "%s%s: the path of a socket begins with /", UNIX_SCHEME,
                         path);
    if (size >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return error_set(error, -ENAMETOOLONG, "%s%s: longer than the path of a socket can be",
                         UNIX_SCHEME, path);
    host->kind = DOCKER_HOST_UNIX;
    memcpy(host->address, path, size + 1);
    return 0;
}

/* Only what a host and a port are made of: the rest would make another URL of it. */
static int parse_tcp(struct docker_host *host, const char *text, struct error *error)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-_:[]%";
    size_t size = strlen(text);
    if (size > 0 && text[size - 1] == '/')
        size--;
    if (size == 0 || strspn(text, allowed) < size || size >= HOST_NAME_MAX_BYTES)
        return error_set(error, -EINVAL, "%s%s: expected tcp://HOST:PORT", TCP_SCHEME, text);

    const char *bracket = memchr(text, ']', size);
    const char *colon =
        memchr(bracket ? bracket : text, ':', size - (bracket ? bracket - text : 0));
    host->kind = DOCKER_HOST_TCP;
    snprintf(host->address, sizeof(host->address), "%.*s%s", (int)size, text,
             colon ? "" : ":" DEFAULT_PORT);
    return 0;
}

int docker_host_parse(struct docker_host *ret, const char *text, struct error *error)
{
    struct docker_host host = {.kind = DOCKER_HOST_NONE};
    int r;

    if (strncmp(text, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0)
        r = parse_unix(&host, text + strlen(UNIX_SCHEME), error);
    else if (strncmp(text, TCP_SCHEME, strlen(TCP_SCHEME)) == 0)
        r = parse_tcp(&host, text + strlen(TCP_SCHEME), error);
    else if (strcmp(text, "none") == 0)
        r = 0;
    else
        r = error_set(error, -EINVAL, "\"%s\": expected unix:///PATH, tcp://HOST:PORT or none",
                      text);
    if (r == 0)
        *ret = host;
    return r;
}

bool docker_host_name(const struct docker_host *host, char to[HOST_NAME_MAX_BYTES])
{
    struct in_addr four;

    if (host->kind != DOCKER_HOST_TCP || host->address[0] == '[')
        return false;
    snprintf(to, HOST_NAME_MAX_BYTES, "%.*s", (int)strcspn(host->address, ":"), host->address);
    return inet_pton(AF_INET, to, &four) != 1;
}

const char *docker_host_print(const struct docker_host *host, char *to, size_t size)
{
    static const char *const schemes[] = {
        [DOCKER_HOST_NONE] = "none",
        [DOCKER_HOST_UNIX] = UNIX_SCHEME,
        [DOCKER_HOST_TCP] = TCP_SCHEME,
    };
    snprintf(to, size, "%s%s", schemes[host->kind], host->address);
    return to;
}
