// SPDX-License-Identifier: Apache-2.0
#include "sink/http/target.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>

static void curl_url_cleanup_pointer(CURLU **u)
{
    curl_url_cleanup(*u);
}

static void curl_free_pointer(char **text)
{
    curl_free(*text);
}

/* A copy of one part; 0 or -errno. */
static int part_of(CURLU *u, CURLUPart what, unsigned flags, char **ret)
{
    __attribute__((cleanup(curl_free_pointer))) char *part = NULL;

    if (curl_url_get(u, what, &part, flags) != CURLUE_OK)
        return -EINVAL;
    *ret = strdup(part);
    return *ret ? 0 : -ENOMEM;
}

static void set_path(CURLU *u, const char *path)
{
    __attribute__((cleanup(curl_free_pointer))) char *now = NULL;

    if (path[0] && curl_url_get(u, CURLUPART_PATH, &now, 0) == CURLUE_OK && strcmp(now, "/") == 0)
        curl_url_set(u, CURLUPART_PATH, path, 0);
}

static void strip_brackets(char *host)
{
    size_t size = strlen(host);

    if (host[0] == '[') {
        memmove(host, host + 1, size - 2);
        host[size - 2] = '\0';
    }
}

static bool is_address(const char *host)
{
    char binary[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, binary) == 1 || inet_pton(AF_INET6, host, binary) == 1;
}

void http_target_deinit(struct http_target *t)
{
    free(t->url);
    free(t->shown);
    free(t->host);
    free(t->port);
    *t = (struct http_target){0};
}

int http_target_init(struct http_target *t, const char *url, const char *path, struct error *error)
{
    __attribute__((cleanup(curl_url_cleanup_pointer))) CURLU *u = curl_url();

    *t = (struct http_target){0};
    if (!u)
        return error_set(error, -ENOMEM, "no memory");
    /* socks5 is no scheme that curl must know to take its URL apart. */
    CURLUcode code = curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    if (code != CURLUE_OK)
        return error_set(error, -EINVAL, "%s", curl_url_strerror(code));
    set_path(u, path);
    int r = part_of(u, CURLUPART_URL, 0, &t->url);
    if (r == 0)
        r = part_of(u, CURLUPART_HOST, 0, &t->host);
    if (r == 0 && part_of(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, &t->port) < 0)
        r = (t->port = strdup("1080")) ? 0 : -ENOMEM; /* socks5 */
    curl_url_set(u, CURLUPART_QUERY, NULL, 0);
    if (r == 0)
        r = part_of(u, CURLUPART_URL, 0, &t->shown);
    if (r < 0) {
        http_target_deinit(t);
        return error_set(error, r, "it names no host");
    }
    strip_brackets(t->host);
    t->is_address = is_address(t->host);
    return 0;
}
