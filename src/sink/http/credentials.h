/* credentials — by what we are known to a server, basic or bearer authentication and the headers of
 * all requests, and by what to a proxy.
 *
 * Secrets out of files are read at the start, and again where the server has refused them: so they
 * can be renewed without a restart. A file that cannot be read then leaves the old secret.
 *
 * - Owns: copies of the secrets, wiped when they are let go; the list of headers.
 * - Borrows: the options.
 * - Limits: SECRET_BYTES_MAX of a secret's file.
 * - Errors: -errno with words that begin with the option's name; never with a secret.
 * - Thread: one.
 */
#pragma once

#include "sink/http/client.h"
#include "sink/http/header_templates.h"

#include <curl/curl.h>

/* Said to whom the proxy does not let through. */
#define PROXY_ADVICE "check proxy_username and proxy_password"

enum {
    SECRET_BYTES_MAX = 64 * 1024, /* tokens of some providers are long */
    SECRET_CUT_MIN = 4,           /* bytes: fewer of one at a text's end tell nothing */
};

/* A user and their password; of nobody where there is no username. */
struct login {
    const char *prefix; /* of the names of its options */
    const char *username, *password, *password_file;
    char *secret; /* of the file */
    char *basic;  /* user and password as they are sent */
};

struct credentials {
    const struct http_options *options;
    struct login server, proxy;
    char *token;                /* of the file */
    struct curl_slist *headers; /* full lines, for curl: of all requests */
    struct header_templates varying;
    bool refused;        /* by the server or the proxy: the files are to be read again */
    struct error unread; /* "": they could be, at the last try */
};

int credentials_init(struct credentials *c, const struct http_options *options,
                     const struct http_protocol *protocol, struct error *error) MUST_CHECK;
void credentials_deinit(struct credentials *c);

/* Reads the files again where somebody refused what they held. True: they were looked at. */
bool credentials_renew(struct credentials *c);
/* Why they could not be read the last time; NULL: they could. */
const char *credentials_unread(const struct credentials *c);

/* The list of headers with those that vary, as header_templates_render gave them. 0 or -ENOMEM. */
int credentials_headers(const struct credentials *c, const char *varying, struct curl_slist **ret)
    MUST_CHECK;

/* What the easy handle is to say from now on: these headers, else those of all requests, which stay
 * ours. 0 or -ENOMEM. */
int credentials_apply(const struct credentials *c, struct curl_slist *headers, CURL *easy)
    MUST_CHECK;

/* Writes stars over whatever of our secrets stands in a text, which is a server's: also over the
 * beginning of one at its end, where it was cut. */
void credentials_hide(const struct credentials *c, char text[ANSWER_TEXT_MAX]);
