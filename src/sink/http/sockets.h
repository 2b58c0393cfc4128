/* sockets — the connections that curl holds for a client, counted as a resource.
 *
 * curl says when it opens and when it closes one. From 7.88 to 8.1 it does not say so of a socket
 * that it closes before it was connected (curl's pull request 11439): so what is there is compared
 * with what was said, whenever curl has stopped watching one.
 *
 * - Owns: nothing; the descriptors are curl's.
 * - Limits: SOCKETS_MAX at once; then curl is refused another.
 * - Thread: one.
 */
#pragma once

#include "base/limits.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* While connecting there may be one for each kind of address. */
enum { SOCKETS_MAX = 2 * REQUESTS_MAX };

struct sockets {
    struct socket_open {
        int fd;
        ino_t inode;
    } open[SOCKETS_MAX];
    size_t count;
    bool doubted; /* some may be closed */
};

/* CURLOPT_OPENSOCKETFUNCTION and CURLOPT_CLOSESOCKETFUNCTION; `sockets` is a struct sockets, which
 * lives longer than all connections. */
curl_socket_t sockets_open(void *sockets, curlsocktype purpose, struct curl_sockaddr *address);
int sockets_close(void *sockets, curl_socket_t fd);

/* Where some are in doubt: forgets those that are closed. */
void sockets_compare(struct sockets *s);
