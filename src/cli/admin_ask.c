// SPDX-License-Identifier: Apache-2.0
#include "cli/admin_ask.h"

#include <curl/curl.h>
#include <errno.h>

#define LOCAL_PREFIX "unix:"

static void curl_easy_free(CURL *easy)
{
    curl_easy_cleanup(easy);
}
DEFINE_CLEANUP(CURL *, curl_easy_free)

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct buf *body = context;
    buf_append(body, (struct span){data, size * count});
    return body->failed ? 0 : size * count;
}

static int prepare(CURL *easy, const char *listen, const char *method, const char *path,
                   struct buf *body)
{
    bool local = strncmp(listen, LOCAL_PREFIX, strlen(LOCAL_PREFIX)) == 0;
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(64 * 1024);
    buf_append_format(&url, "http://%s%s", local ? "localhost" : listen, path);
    const char *text = buf_string(&url);
    if (!text || curl_easy_setopt(easy, CURLOPT_URL, text) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK)
        return -ENOMEM;
    if (local &&
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, listen + strlen(LOCAL_PREFIX)) != CURLE_OK)
        return -ENOMEM;
    if (strcmp(method, "POST") == 0)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)ADMIN_ASK_WAIT_MS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
    return 0;
}

int admin_ask(const char *listen, const char *method, const char *path, long *ret_status,
              struct buf *body, struct error *error)
{
    if (strcmp(listen, "none") == 0)
        return error_set(error, -ENOTSUP,
                         "the running tallyman cannot be asked: it has no admin.listen; give it "
                         "one, or stop it");
    char why[CURL_ERROR_SIZE] = "";
    CLEANUP(curl_easy_free) CURL *easy = curl_easy_init();
    if (!easy || prepare(easy, listen, method, path, body) < 0)
        return error_set(error, -ENOMEM, "no memory");
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why);
    CURLcode code = curl_easy_perform(easy);
    if (code != CURLE_OK)
        return error_set(error, -EIO, "the running tallyman does not answer at %s: %s", listen,
                         why[0] ? why : curl_easy_strerror(code));
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, ret_status);
    return 0;
}

void admin_ask_escape(struct buf *to, const char *text)
{
    for (; *text; text++) {
        bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                     (*text >= '0' && *text <= '9') || strchr("-_.", *text);
        if (plain)
            buf_append_char(to, *text);
        else
            buf_append_format(to, "%%%02X", (unsigned char)*text);
    }
}
