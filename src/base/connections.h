/* connections — the connections that curl holds on one multi handle, counted as a resource.
 *
 * curl says when it opens and when it closes one. From 7.88 to 8.1 it does not say so of a socket
 * that it closes before it was connected (curl's pull request 11439): refused, too late, or slower
 * than that of another address. So each is remembered until a request goes out on it, and what is
 * remembered is looked at from time to time: is it still the same, by its inode?
 *
 *     connections_count → curl connects → connections_made, … connections_compare
 *         → connections_deinit
 *
 * - Owns: a list; the descriptors are curl's.
 * - Limits: a few bytes for each that is being connected.
 * - Thread: that of the multi handle.
 */
#pragma once

#include "base/resource.h"

#include <curl/curl.h>
#include <stddef.h>
#include <sys/types.h>

struct connections {
    enum resource kind;
    struct connection_begun {
        int fd;
        ino_t inode;
    } * begun; /* no request has gone out on it yet */
    size_t begun_count, capacity;
    uint64_t opened, closed; /* since the start */
};

#define CONNECTIONS_INIT(resource) ((struct connections){.kind = (resource)})
/* Behind curl_multi_cleanup: all are closed. */
void connections_deinit(struct connections *c);

/* Has curl tell of what it opens for this handle, here, where `c` lives longer than the handle's
 * multi. */
void connections_count(struct connections *c, CURL *easy);
/* From the handle's CURLOPT_PREREQFUNCTION, since a handle has but one: from now on curl tells of
 * the end of the connection that this handle uses. */
void connections_made(struct connections *c, CURL *easy);
/* Counts those as closed that curl has closed without a word. Behind what may have closed some. */
void connections_compare(struct connections *c);
