// SPDX-License-Identifier: Apache-2.0
#include "sink/http/transfer.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "sink/http/retry_after.h"

#include <errno.h>
#include <inttypes.h>
#include <strings.h>

enum {
    STATUS_FINAL = 200, /* below: more is to come */
    STATUS_REDIRECT = 300,
    STATUS_UNAUTHORIZED = 401, /* tinyproxy, of a wrong password */
    STATUS_PROXY = 407,
    /* A body goes through a buffer that curl takes anew for each request: as large as it can be
     * without being mapped (agent.c), which would cost a page fault per page. */
    UPLOAD_BUFFER_BYTES = 120 * 1024,
    BODY_KEPT_BYTES = 8 * 1024 * 1024, /* of memory; what one giant line needed is given back */
};

/* Called once per header line. An answer may be preceded by others (1xx), which have headers too.
 */
static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    static const struct span name = SPAN("Retry-After:");
    struct transfer *t = context;
    struct span line = {data, size * count};

    if (line.size > name.size && strncasecmp(line.data, name.data, name.size) == 0) {
        struct span value = {line.data + name.size, line.size - name.size};
        while (value.size && (value.data[0] == ' ' || value.data[0] == '\t'))
            value = (struct span){value.data + 1, value.size - 1};
        while (value.size && (unsigned char)value.data[value.size - 1] <= ' ')
            value.size--;
        t->retry_after_ns = retry_after_ns(value, clock_now_ns());
    }
    return line.size;
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t bytes = size * count, room = ANSWER_KEPT_MAX - t->text.size;

    buf_append(&t->text, (struct span){data, bytes < room ? bytes : room});
    t->received += bytes;
    return t->received <= ANSWER_READ_MAX ? bytes : 0;
}

static int connected(void *context, char *address, char *own_address, int port, int own_port)
{
    const struct transfer *t = context;

    connections_made(t->connections, t->easy);
    return CURL_PREREQFUNC_OK;
}

static CURLcode set_tls(CURL *easy, const struct http_options *o)
{
    CURLcode code = CURLE_OK;

    if (o->tls_ca) {
        code = curl_easy_setopt(easy, CURLOPT_CAINFO, o->tls_ca);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* nobody else */
    }
    if (code == CURLE_OK && o->tls_cert)
        code = curl_easy_setopt(easy, CURLOPT_SSLCERT, o->tls_cert);
    if (code == CURLE_OK && o->tls_key)
        code = curl_easy_setopt(easy, CURLOPT_SSLKEY, o->tls_key);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, o->tls_verify ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, o->tls_verify ? 2L : 0L);
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L); /* a renewed file counts at once */
    return code;
}

/* An empty text is none, whatever the environment says. */
static CURLcode set_proxy(CURL *easy, const struct http_target *proxy)
{
    static const struct span socks = SPAN("socks5:");
    CLEANUP_FREE char *url = NULL;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_NOPROXY, "");

    if (code != CURLE_OK || !proxy)
        return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_PROXY, "") : code;
    /* In curl's words: the URL's name is the proxy's to look up. */
    bool is_socks = strncmp(proxy->url, socks.data, socks.size) == 0;
    if (asprintf(&url, "%s%s", is_socks ? "socks5h:" : "",
                 proxy->url + (is_socks ? socks.size : 0)) < 0)
        return CURLE_OUT_OF_MEMORY;
    curl_easy_setopt(easy, CURLOPT_PROXYPORT, strtol(proxy->port, NULL, 10));
    return curl_easy_setopt(easy, CURLOPT_PROXY, url);
}

static CURLcode set_request(CURL *easy, const struct transfer_setup *setup)
{
    connections_count(setup->connections, easy);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, setup->target->url);
    if (code == CURLE_OK && setup->method)
        code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, setup->method);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_USERAGENT, setup->user_agent);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    return code;
}

static void set_how(struct transfer *t, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(t->options->timeout_ns / NS_PER_MS));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(t->options->connect_timeout_ns / NS_PER_MS));
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->fault);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
}

int transfer_prepare(struct transfer *t, const struct transfer_setup *setup)
{
    CURL *easy = t->easy ? NULL : curl_easy_init();

    if (t->easy)
        return 0;
    if (!easy)
        return -ENOMEM;
    t->options = setup->options;
    t->connections = setup->connections;
    t->proxy = setup->proxy ? setup->proxy->shown : NULL;
    set_how(t, easy);
    if (set_request(easy, setup) != CURLE_OK || set_tls(easy, setup->options) != CURLE_OK ||
        set_proxy(easy, setup->proxy) != CURLE_OK) {
        curl_easy_cleanup(easy);
        return -ENOMEM;
    }
    t->easy = easy;
    return 0;
}

void transfer_deinit(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
    curl_slist_free_all(t->resolved);
    t->resolved = NULL;
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    buf_deinit(&t->body);
    buf_deinit(&t->text);
}

void transfer_take(struct transfer *t, const char *headers, struct buf *body, size_t skip)
{
    struct buf last = t->body;

    if (last.capacity > BODY_KEPT_BYTES) {
        size_t size_max = last.size_max;
        buf_deinit(&last);
        last = BUF_INIT(size_max);
    }
    last.size_max = body->size_max;
    buf_clear(&last);
    t->body = *body;
    *body = last;
    t->skip = skip;
    t->varying = headers;
    t->status = 0;
    t->fresh = t->too_large = false;
    t->retry_after_ns = 0;
    buf_clear(&t->text);
    t->text.size_max = ANSWER_KEPT_MAX;
    t->received = 0;
    t->failure[0] = t->fault[0] = '\0';
}

int transfer_begin(struct transfer *t, const struct credentials *credentials, const char *addresses)
{
    CHECK(t->skip <= t->body.size);
    curl_slist_free_all(t->resolved);
    t->resolved = addresses ? curl_slist_append(NULL, addresses) : NULL;
    if (addresses && !t->resolved)
        return -ENOMEM;
    curl_easy_setopt(t->easy, CURLOPT_RESOLVE, t->resolved);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body.data ? t->body.data + t->skip : "");
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(t->body.size - t->skip));
    curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, t->fresh ? 1L : 0L);
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    if (t->varying && credentials_headers(credentials, t->varying, &t->headers) < 0)
        return -ENOMEM;
    return credentials_apply(credentials, t->headers, t->easy);
}

/* curl notices by itself only where it had not begun to send a large body. */
bool transfer_met_closed(struct transfer *t, CURLcode code)
{
    long connects = 0, head_bytes = 0;

    if (t->fresh ||
        (code != CURLE_SEND_ERROR && code != CURLE_RECV_ERROR && code != CURLE_GOT_NOTHING))
        return false;
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
    curl_easy_getinfo(t->easy, CURLINFO_HEADER_SIZE, &head_bytes);
    t->fresh = connects == 0 && head_bytes == 0;
    return t->fresh;
}

/* "500ms", "30s". */
static void timed_out(struct transfer *t, const char *what, int64_t after_ns)
{
    int64_t ms = after_ns / NS_PER_MS;

    if (ms % 1000 == 0)
        snprintf(t->failure, sizeof(t->failure), "%s within %" PRId64 "s", what, ms / 1000);
    else
        snprintf(t->failure, sizeof(t->failure), "%s within %" PRId64 "ms", what, ms);
}

static void explain_timeout(struct transfer *t)
{
    curl_off_t ready_us = 0; /* when the request could be sent */

    curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    if (ready_us == 0 && t->options->connect_timeout_ns < t->options->timeout_ns)
        timed_out(t, "timed out: no connection", t->options->connect_timeout_ns);
    else
        timed_out(t, "timed out: no answer", t->options->timeout_ns);
}

static void explain_connect(struct transfer *t)
{
    long cause = 0;

    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &cause);
    snprintf(t->failure, sizeof(t->failure), "cannot connect%s%s: %s",
             t->proxy ? " to the proxy " : "", t->proxy ? t->proxy : "",
             cause ? strerror((int)cause) : t->fault);
}

/* It was reached, and made no way to the server. */
static bool is_proxys_fault(const struct transfer *t, CURLcode code)
{
    long status = 0; /* of the proxy's answer to CONNECT */

    curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return code == CURLE_PROXY || (code == CURLE_RECV_ERROR && status >= STATUS_REDIRECT);
}

/* A proxy that does not know us, or not well enough, says so in one of these ways. */
static bool wants_credentials(const struct transfer *t)
{
    long status = 0, fault = CURLPX_OK;

    curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_PROXY_ERROR, &fault);
    return status == STATUS_UNAUTHORIZED || status == STATUS_PROXY || fault == CURLPX_NO_AUTH ||
           fault == CURLPX_USER_REJECTED;
}

/* curl calls a line that is longer than it takes by the same name as a want of memory. */
static bool is_too_long_a_line(const struct transfer *t, CURLcode code)
{
    curl_off_t answered_us = 0; /* when its first byte came */

    curl_easy_getinfo(t->easy, CURLINFO_STARTTRANSFER_TIME_T, &answered_us);
    return code == CURLE_OUT_OF_MEMORY && answered_us > 0;
}

static void explain(struct transfer *t, CURLcode code)
{
    const char *fault = t->fault[0] ? t->fault : curl_easy_strerror(code);
    const char *what = "";

    if (t->proxy && is_proxys_fault(t, code)) {
        snprintf(t->failure, sizeof(t->failure), "the proxy %s did not connect us: %s%s", t->proxy,
                 fault, wants_credentials(t) ? " (" PROXY_ADVICE ")" : "");
        return;
    }
    if (is_too_long_a_line(t, code)) {
        snprintf(t->failure, sizeof(t->failure), "the answer's headers are too large");
        return;
    }
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT: explain_timeout(t); return;
    case CURLE_COULDNT_CONNECT: explain_connect(t); return;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CLIENTCERT: what = "TLS: "; break;
    case CURLE_UNSUPPORTED_PROTOCOL: /* of the answer; that of the URL was looked at */
    case CURLE_WEIRD_SERVER_REPLY: what = "what answered does not speak HTTP: "; break;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR: what = "the connection was closed before the answer: "; break;
    default: break;
    }
    snprintf(t->failure, sizeof(t->failure), "%s%s", what, fault);
}

/* A server that said its status has decided, whatever becomes of the rest of its answer; but that
 * it took what it had not yet been sent is nothing that it could say. */
static bool has_decided(const struct transfer *t, CURLcode code, long status)
{
    curl_off_t sent = 0;

    if (status < STATUS_FINAL)
        return false;
    switch (code) {
    case CURLE_OK: return true;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_WRITE_ERROR:   /* more than ANSWER_READ_MAX */
    case CURLE_OUT_OF_MEMORY: /* a header that is too long */
    case CURLE_OPERATION_TIMEDOUT: break;
    default: return false;
    }
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return status >= STATUS_REDIRECT || (size_t)sent >= t->body.size - t->skip;
}

/* What it says goes into logs: one line of text. */
static void clean_text(struct transfer *t)
{
    struct buf *text = &t->text;

    while (text->size && (unsigned char)text->data[text->size - 1] <= ' ')
        text->size--;
    for (size_t at = 0, size; at < text->size; at += size) {
        size = utf8_sequence((struct span){text->data + at, text->size - at});
        if (size == 0)
            text->data[at] = '?';
        else if ((unsigned char)text->data[at] < ' ' || text->data[at] == 0x7f)
            text->data[at] = ' ';
        size = size ? size : 1;
    }
}

void transfer_end(struct transfer *t, CURLcode code)
{
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->state = TRANSFER_OVER;
    if (has_decided(t, code, status)) {
        t->status = (int)status;
        clean_text(t);
    } else {
        t->retry_after_ns = 0;
        explain(t, code);
    }
}

void transfer_fail(struct transfer *t, const char *why)
{
    t->state = TRANSFER_OVER;
    snprintf(t->failure, sizeof(t->failure), "%s", why);
}
