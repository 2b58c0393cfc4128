/* docker_host — where the Engine listens.
 *
 *     unix:///var/run/docker.sock    tcp://127.0.0.1:2375    tcp://[::1]    none
 *
 * "none" means that there is no Engine to ask: the disk alone. tcp is plain HTTP, port 2375 where
 * none is named. A name instead of an address must be looked up before it is connected to
 * (name_lookup.h).
 *
 * - Limits: PATH_BYTES_MAX; a socket's path is at most what the kernel takes (107 bytes).
 * - Errors: -errno with words that name the text and the forms.
 */
#pragma once

#include "base/error.h"
#include "base/limits.h"

#include <stdbool.h>

enum { HOST_NAME_MAX_BYTES = 512 /* of tcp, with the NUL */ };

enum docker_host_kind { DOCKER_HOST_NONE, DOCKER_HOST_UNIX, DOCKER_HOST_TCP };

struct docker_host {
    enum docker_host_kind kind;
    char address[PATH_BYTES_MAX]; /* the socket's path, or HOST:PORT; "" for none */
};

/* The text to go by: `option` unless NULL or "", else $DOCKER_HOST, else Docker's default. Lives as
 * long as `option` and the environment. */
const char *docker_host_find(const char *option);

int docker_host_parse(struct docker_host *ret, const char *text, struct error *error) MUST_CHECK;

/* True where it has a name that must be looked up. */
bool docker_host_name(const struct docker_host *host, char to[HOST_NAME_MAX_BYTES]);

/* For words: "unix:///var/run/docker.sock". Returns `to`. */
const char *docker_host_print(const struct docker_host *host, char *to, size_t size);
