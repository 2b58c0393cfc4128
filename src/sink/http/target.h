/* target — a URL taken apart: what curl is given, what people are shown, and whose name has to be
 * looked up.
 *
 * - Owns: its texts.
 * - Errors: -EINVAL with words, -ENOMEM.
 * - Thread: one.
 */
#pragma once

#include "base/cleanup.h"
#include "base/error.h"

#include <stdbool.h>

struct http_target {
    char *url;       /* whole */
    char *shown;     /* without query, where keys of APIs like to stand */
    char *host;      /* IPv6 addresses without their brackets */
    char *port;      /* digits, also where the URL names none */
    bool is_address; /* the host is no name */
};

/* `path`: see client.h's http_protocol. */
int http_target_init(struct http_target *t, const char *url, const char *path, struct error *error)
    MUST_CHECK;
void http_target_deinit(struct http_target *t);
