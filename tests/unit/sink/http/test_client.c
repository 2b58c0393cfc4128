// SPDX-License-Identifier: Apache-2.0
/* The client against a server that misbehaves in each way there is. S1: no thread, no descriptor
 * beyond those counted, at any turn. R13: what went wrong is said with the URL. */
#include "base/clock.h"
#include "base/resource.h"
#include "server.h"
#include "sink/http/client.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { BODY_MAX = 8 * 1024 * 1024, FDS_MAX = 64, TURNS_MAX = 10000, HEAD = 10 };
#define PATIENCE_NS (20 * NS_PER_SECOND)

static struct http_options options;
static struct http_protocol protocol;
static struct sink_environment environment = {.version = "1.2.3"};
static char url[256];
static unsigned descriptors_before, threads_before;

static unsigned entries_of(const char *path)
{
    unsigned count = 0;
    CLEANUP(closedir) DIR *dir = opendir(path);
    while (readdir(dir))
        count++;
    return count - 3; /* ".", "..", and the directory itself */
}

static int defaults(void **state)
{
    options = (struct http_options){
        .request.requests_max = 4,
        .url = url,
        .tls_verify = true,
        .timeout_ns = 10 * NS_PER_SECOND,
        .connect_timeout_ns = 5 * NS_PER_SECOND,
    };
    protocol = (struct http_protocol){.path = "", .content_type = "text/plain"};
    descriptors_before = entries_of("/proc/self/fd");
    threads_before = entries_of("/proc/self/task");
    return 0;
}

static int nothing_left(void **state)
{
    assert_int_equal(resource_open(RESOURCE_SINK), 0);
    assert_int_equal(resource_open(RESOURCE_LOOKUP), 0);
    assert_int_equal(entries_of("/proc/self/fd"), descriptors_before);
    assert_int_equal(entries_of("/proc/self/task"), threads_before);
    return 0;
}

static struct http_client *opened(void)
{
    struct http_client *c = NULL;
    struct error error = {""};
    if (http_client_open(&c, &options, &protocol, &environment, &error) < 0)
        fail_msg("%s", error.text);
    return c;
}

static const char *posted_headers; /* those that vary */

static void post(struct http_client *c, unsigned slot, struct span content)
{
    struct buf body = BUF_INIT(BODY_MAX);
    struct error error;

    for (int i = 0; i < HEAD; i++)
        buf_append_char(&body, '#');
    buf_append(&body, content);
    assert_int_equal(http_client_post(c, slot, posted_headers, &body, HEAD, &error), 0);
    assert_int_equal(body.size, 0);
    buf_deinit(&body);
}

/* The next answer; curl's own pair of sockets is nobody's. */
static struct http_answer next(struct http_client *c)
{
    struct http_answer answer;
    int64_t until_ns = clock_monotonic_ns() + PATIENCE_NS;

    for (unsigned turns = 0; !http_client_step(c, &answer); turns++) {
        struct pollfd fds[FDS_MAX];
        int64_t timeout_ns = PATIENCE_NS;
        size_t count = http_client_wait(c, fds, FDS_MAX, &timeout_ns);
        assert_true(timeout_ns >= 0 && clock_monotonic_ns() < until_ns);
        assert_true(turns < TURNS_MAX); /* no busy loop */
        poll(fds, count, (int)(timeout_ns / NS_PER_MS) + 1);
        assert_int_equal(entries_of("/proc/self/task"), threads_before);
        assert_int_equal(entries_of("/proc/self/fd"), descriptors_before + 2 +
                                                          resource_open(RESOURCE_SINK) +
                                                          resource_open(RESOURCE_LOOKUP));
    }
    return answer;
}

static void assert_body(const struct http_answer *a, const char *text)
{
    assert_int_equal(a->body.size, strlen(text));
    assert_memory_equal(a->body.data, text, a->body.size);
}

static bool says(struct span request, const char *words)
{
    return memmem(request.data, request.size, words, strlen(words));
}

static struct span body_of(struct span request)
{
    const char *at = memmem(request.data, request.size, "\r\n\r\n", 4);
    return (struct span){at + 4, (size_t)(request.data + request.size - at - 4)};
}

static void answer(struct buf *raw, const char *status, const char *more, struct span body)
{
    buf_append_format(raw, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status, more, body.size);
    buf_append(raw, body);
}

static void put_long(struct buf *raw)
{
    static const char text[4096] = {[0 ... 4095] = 'y'};
    for (int i = 0; i < 100; i++)
        buf_append(raw, (struct span){text, sizeof(text)});
}

/* By the path of the request. */
static enum server_then as_told(struct span request, unsigned nth, struct buf *raw)
{
    if (says(request, "POST /echo")) {
        answer(raw, "400 No", "", body_of(request));
    } else if (says(request, "POST /headers")) {
        answer(raw, "400 No", "", (struct span){request.data, request.size - 1});
    } else if (says(request, "POST /nth")) {
        answer(raw, "400 No", "", nth == 1 ? SPAN("first") : SPAN("later"));
    } else if (says(request, "POST /204")) {
        buf_append(raw, SPAN("HTTP/1.1 204 No Content\r\n\r\n"));
    } else if (says(request, "POST /429")) {
        answer(raw, "429 Slow", "retry-after: 7\r\n", SPAN(" calm\x01\n\xff down\n"));
    } else if (says(request, "POST /100")) {
        buf_append(raw, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
        answer(raw, "200 OK", "", SPAN("then"));
    } else if (says(request, "POST /301")) {
        answer(raw, "301 Moved", "Location: /204\r\n", SPAN(""));
    } else if (says(request, "POST /endless")) {
        buf_append(raw, SPAN("HTTP/1.1 400 No\r\nContent-Length: 100000000\r\n\r\n"));
        put_long(raw);
        return SERVER_HOLD;
    } else if (says(request, "POST /long-header")) {
        buf_append(raw, SPAN("HTTP/1.1 200 OK\r\nX: "));
        put_long(raw);
        buf_append(raw, SPAN("\r\nContent-Length: 0\r\n\r\n"));
    } else if (says(request, "POST /many-headers")) {
        buf_append(raw, SPAN("HTTP/1.1 503 No\r\nX: "));
        for (int i = 0; i < 1000; i++)
            buf_append_format(raw, "X: %01000d\r\n", i);
        buf_append(raw, SPAN("Content-Length: 0\r\n\r\n"));
    } else if (says(request, "POST /long-status")) {
        buf_append(raw, SPAN("HTTP/1.1 200 "));
        put_long(raw);
    } else if (says(request, "POST /cut-before")) {
        return SERVER_CLOSE;
    } else if (says(request, "POST /cut-status")) {
        buf_append(raw, SPAN("HTTP/1.1 20"));
        return SERVER_CLOSE;
    } else if (says(request, "POST /cut-body")) {
        buf_append(raw, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"));
        return SERVER_CLOSE;
    } else if (says(request, "POST /garbage")) {
        buf_append(raw, SPAN("220 mail.example ESMTP\r\n"));
        return SERVER_CLOSE;
    } else {
        return SERVER_HOLD;
    }
    return SERVER_KEEP;
}

/* One request to `path`, with its failure or "". The answer's texts live in the client. */
static struct http_answer asked(struct http_client *c, const char *content)
{
    post(c, 0, span_of(content));
    return next(c);
}

static void point_at(const struct server *s, const char *path)
{
    snprintf(url, sizeof(url), "http://%s%s", s->host, path);
}

#define CLIENT(name, path)                                                                         \
    CLEANUP(server_stop) struct server server = {0};                                               \
    server_start(&server, as_told);                                                                \
    point_at(&server, path);                                                                       \
    CLEANUP(http_client_close) struct http_client *name = opened()

static void sends_the_body(void **state)
{
    CLIENT(c, "/echo");
    struct http_answer a = asked(c, "one line\n");
    assert_int_equal(a.status, 400);
    assert_body(&a, "one line");
    assert_string_equal(a.url, url);
    a = asked(c, "");
    assert_body(&a, "");
}

static void sends_large_bodies(void **state)
{
    static char large[3 * 1024 * 1024];
    memset(large, 'x', sizeof(large));
    CLIENT(c, "/nth");
    for (int i = 0; i < 3; i++) {
        post(c, 0, (struct span){large, sizeof(large)});
        struct http_answer a = next(c);
        assert_int_equal(a.status, 400);
    }
}

static void keeps_the_connection(void **state)
{
    CLIENT(c, "/nth");
    struct http_answer a = asked(c, "x");
    assert_body(&a, "first");
    for (int i = 0; i < 3; i++) {
        a = asked(c, "x");
        assert_body(&a, "later");
    }
    assert_int_equal(resource_open(RESOURCE_SINK), 1);
}

/* What every server may do at any time to a connection that it kept: it closes it as a request
 * begins to come, or when all of it is there. */
static enum server_then close_second(struct span request, unsigned nth, struct buf *raw)
{
    if (nth == 2)
        return SERVER_CLOSE;
    answer(raw, "200 OK", "", SPAN(""));
    return says(request, "POST /early") ? SERVER_EARLY : SERVER_KEEP;
}

/* That is no failure: it goes over another connection at once. */
static void kept_connection_that_is_closed(void **state)
{
    static const char *const paths[] = {"/early", "/late"};
    static char large[3 * 1024 * 1024];
    memset(large, 'x', sizeof(large));
    for (size_t i = 0; i < 2 * ARRAY_SIZE(paths); i++) {
        CLEANUP(server_stop) struct server server = {0};
        server_start(&server, close_second);
        point_at(&server, paths[i / 2]);
        CLEANUP(http_client_close) struct http_client *c = opened();
        for (int nth = 1; nth <= 3; nth++) {
            post(c, 0, (struct span){large, i % 2 ? sizeof(large) : 1});
            struct http_answer a = next(c);
            if (a.status != 200)
                fail_msg("%s: %s", paths[i / 2], a.failure);
        }
    }
}

static enum server_then answer_early(struct span request, unsigned nth, struct buf *raw)
{
    const char *early = says(request, "POST /200") ? "200 OK" : "400 No";
    bool again = nth == 1 && request.size > 1024; /* the connection was gone before the answer */
    answer(raw, again ? "503 Later" : nth == 1 ? "200 OK" : early, "", SPAN(""));
    if (nth == 1)
        return SERVER_EARLY;
    return says(request, "/close") ? SERVER_CLOSE : SERVER_HOLD;
}

/* R1: who says 200 before it was sent everything has not taken everything. */
static void r1_answers_before_the_end_of_the_body(void **state)
{
    static const struct {
        const char *path;
        int status;
    } rows[] = {{"/200/hold", 0}, {"/200/close", 0}, {"/400/hold", 400}};
    static char large[3 * 1024 * 1024];
    memset(large, 'x', sizeof(large));
    options.timeout_ns = 300 * NS_PER_MS;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(server_stop) struct server server = {0};
        server_start(&server, answer_early);
        point_at(&server, rows[i].path);
        CLEANUP(http_client_close) struct http_client *c = opened();
        assert_int_equal(asked(c, "x").status, 200);
        post(c, 0, (struct span){large, sizeof(large)});
        struct http_answer a = next(c);
        if (a.status != rows[i].status && a.status != 503)
            fail_msg("%s: %d %s", rows[i].path, a.status, a.failure);
    }
}

static void says_what_it_is_told(void **state)
{
    const struct option_pair headers[] = {{"X-Tenant", "a b"}, {"content-TYPE", "text/mine"}};
    options.headers = (struct option_pairs){headers, 2};
    options.token = "s3cret";
    protocol.header = (struct http_header){"X-Own", "1{{", "own"};
    protocol.content_encoding = "gzip";
    CLIENT(c, "/headers");
    struct http_answer a = asked(c, "x");
    char text[ANSWER_TEXT_MAX];
    snprintf(text, sizeof(text), "%.*s", (int)a.body.size, a.body.data);
    assert_non_null(strstr(text, "User-Agent: tallyman/1.2.3 "));
    assert_non_null(strstr(text, "X-Tenant: a b "));
    assert_non_null(strstr(text, "content-TYPE: text/mine "));
    assert_non_null(strstr(text, "X-Own: 1{ "));
    assert_non_null(strstr(text, "Content-Encoding: gzip "));
    assert_non_null(strstr(text, "Authorization: Bearer s3cret "));
    assert_null(strstr(text, "X-Other"));
    assert_null(strstr(text, "text/plain"));
    assert_null(strstr(text, "Expect"));
}

/* Whatever a server says goes into logs and dead letters. */
static void r13_secrets_that_are_echoed_are_not_shown(void **state)
{
    const struct option_pair headers[] = {{"X-Api-Key", "Key k3y-s3cret"}, {"X-Tenant", "shown"}};
    static const struct {
        const char *username, *password, *token, *echoed;
    } rows[] = {
        {"user", "s3cret", NULL, "dXNlcjpzM2NyZXQ="},
        {NULL, NULL, "s3cret", "Bearer "},
    };
    options.headers = (struct option_pairs){headers, 2};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        options.username = rows[i].username;
        options.password = rows[i].password;
        options.token = rows[i].token;
        CLIENT(c, "/headers");
        struct http_answer a = asked(c, "x");
        assert_non_null(memmem(a.body.data, a.body.size, rows[i].echoed, strlen(rows[i].echoed)));
        struct sink_answer judged;
        http_judge(&a, &judged);
        assert_null(strstr(judged.text, "s3cret"));
        assert_null(strstr(judged.text, "dXNlcjpzM2NyZXQ"));
        assert_non_null(strstr(judged.text, "X-Tenant: shown"));
        assert_null(strstr(judged.text, "k3y"));
    }
}

/* A secret at the end of what is kept of an answer may be cut. */
static void r13_secrets_that_are_cut_are_not_shown(void **state)
{
    char content[ANSWER_TEXT_MAX + 1] = "";
    options.token = "s3cret-token";
    CLIENT(c, "/echo");
    size_t head = (size_t)snprintf(content, sizeof(content), "%s: HTTP 400: ", url);
    for (size_t shown = 0; shown < strlen(options.token); shown++) {
        struct sink_answer judged;
        size_t fill = ANSWER_TEXT_MAX - 1 - head - shown;
        memset(content, 'x', fill);
        snprintf(content + fill, sizeof(content) - fill, "%s", options.token);
        struct http_answer a = asked(c, content);
        http_judge(&a, &judged);
        assert_null(strstr(judged.text, "s3cr"));
    }
}

static void write_file(const char *path, const char *text)
{
    CLEANUP(close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static enum server_then ask_for_new(struct span request, unsigned nth, struct buf *raw)
{
    /* "user:new" */
    if (says(request, "Authorization: Basic dXNlcjpuZXc=\r\n"))
        answer(raw, "200 OK", "", SPAN(""));
    else
        answer(raw, "401 No", "", SPAN(""));
    return SERVER_KEEP;
}

static bool health_says(struct health *h, const char *words)
{
    struct health_trouble t = {0};
    return health_troubles(h, &t, 1) == 1 && strcmp(t.code, "sink.secret_unread") == 0 &&
           strstr(t.reason, words);
}

/* Refused, and the answer and the health say why: what is wrong with the file. */
static void refused_for(struct http_client *c, const char *words)
{
    struct sink_answer judged;
    struct http_answer a = asked(c, "x");
    assert_int_equal(a.status, 401);
    http_judge(&a, &judged);
    if (!strstr(judged.text, words))
        fail_msg("%s", judged.text);
    assert_true(health_says(environment.health, words));
}

/* A secret out of a file is read again once the server has refused it (R9, R13). */
static void renews_secrets(void **state)
{
    CLEANUP(health_free) struct health *health = NULL;
    char words[64], path[] = "/tmp/tallyman-secret-XXXXXX";
    close(mkstemp(path));
    write_file(path, "old\n");
    options.username = "user";
    options.password_file = path;
    CLEANUP(server_stop) struct server server = {0};
    server_start(&server, ask_for_new);
    point_at(&server, "/");
    assert_int_equal(health_new(&health), 0);
    environment.health = health;
    CLEANUP(http_client_close) struct http_client *c = opened();
    assert_int_equal(asked(c, "x").status, 401);
    assert_int_equal(unlink(path), 0);
    snprintf(words, sizeof(words), "password_file: %s: No such file", path);
    refused_for(c, words); /* the old one goes on */
    write_file(path, "\n");
    snprintf(words, sizeof(words), "password_file: %s is empty", path);
    refused_for(c, words);
    write_file(path, "new\r\n");
    assert_int_equal(asked(c, "x").status, 200);
    assert_int_equal(health_troubles(health, NULL, 0), 0);
    unlink(path);
    environment.health = NULL;
}

static void statuses(void **state)
{
    static const struct {
        const char *path;
        int status;
        int64_t retry_after_ns;
        const char *body;
    } rows[] = {
        {"/204", 204, 0, ""},          {"/429", 429, 7 * NS_PER_SECOND, " calm  ? down"},
        {"/100", 200, 0, "then"},      {"/301", 301, 0, ""},
        {"/long-header", 200, 0, ""},  {"/many-headers", 503, 0, ""},
        {"/cut-body", 200, 0, "half"}, /* the status is the acknowledgement */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLIENT(c, rows[i].path);
        struct http_answer a = asked(c, "x");
        assert_int_equal(a.status, rows[i].status);
        assert_true(a.retry_after_ns == rows[i].retry_after_ns);
        assert_body(&a, rows[i].body);
    }
}

/* An answer that does not end: enough of it is read, and the connection closed. */
static void endless_answer(void **state)
{
    CLIENT(c, "/endless");
    struct http_answer a = asked(c, "x");
    assert_int_equal(a.status, 400);
    assert_in_range(a.body.size, ANSWER_KEPT_MAX - 1,
                    ANSWER_KEPT_MAX); /* a space at its end goes */
    assert_int_equal(resource_open(RESOURCE_SINK), 0);
}

static void failures(void **state)
{
    static const struct {
        const char *path, *words;
    } rows[] = {
        {"/cut-before", "the connection was closed before the answer: "},
        {"/long-status", "the answer's headers are too large"},
        {"/cut-status", "the connection was closed before the answer: "},
        {"/garbage", "what answered does not speak HTTP: "},
        {"/hang", "timed out: no answer within 300ms"},
    };
    options.timeout_ns = 300 * NS_PER_MS;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLIENT(c, rows[i].path);
        struct http_answer a = asked(c, "x");
        if (a.status != 0 || strncmp(a.failure, rows[i].words, strlen(rows[i].words)) != 0)
            fail_msg("%s: %d %s", rows[i].path, a.status, a.failure);
        assert_int_equal(resource_open(RESOURCE_SINK), 0);
    }
}

static void refused_connection(void **state)
{
    CLIENT(c, "/");
    server_stop(&server);
    struct http_answer a = asked(c, "x");
    assert_int_equal(a.status, 0);
    assert_string_equal(a.failure, "cannot connect: Connection refused");
}

static void speaks_no_tls(void **state)
{
    CLEANUP(server_stop) struct server server = {0};
    server_start(&server, as_told);
    snprintf(url, sizeof(url), "https://%s/garbage", server.host);
    options.timeout_ns = NS_PER_SECOND;
    CLEANUP(http_client_close) struct http_client *c = opened();
    struct http_answer a = asked(c, "x");
    assert_int_equal(a.status, 0);
    assert_true(strncmp(a.failure, "TLS: ", 5) == 0 || strncmp(a.failure, "timed out", 9) == 0);
}

/* S96: a name goes by c-ares, and one that is not there is said by its name. */
static void names(void **state)
{
    CLEANUP(server_stop) struct server server = {0};
    server_start(&server, as_told);
    snprintf(url, sizeof(url), "http://localhost:%s/204", server.port);
    {
        CLEANUP(http_client_close) struct http_client *c = opened();
        for (unsigned slot = 0; slot < 4; slot++)
            post(c, slot, SPAN("x"));
        for (unsigned seen = 0, i = 0; i < 4; i++) {
            struct http_answer a = next(c);
            assert_int_equal(a.status, 204);
            seen |= 1U << a.slot;
            assert_true(i < 3 || seen == 15);
        }
    }
    snprintf(url, sizeof(url), "http://no_such_name.invalid:1/");
    options.connect_timeout_ns = NS_PER_SECOND;
    CLEANUP(http_client_close) struct http_client *c = opened();
    for (int i = 0; i < 2; i++) {
        struct http_answer a = asked(c, "x");
        assert_int_equal(a.status, 0);
        if (strncmp(a.failure, "could not resolve no_such_name.invalid: ", 40) != 0)
            fail_msg("%s", a.failure);
    }
}

/* As many connections as there are requests at once, and no more; they are used again. */
static void several_at_once(void **state)
{
    CLIENT(c, "/echo");
    for (int round = 0; round < 3; round++) {
        static const char *const contents[] = {"a", "b", "c", "d"};
        for (unsigned slot = 0; slot < 4; slot++)
            post(c, slot, span_of(contents[slot]));
        for (int i = 0; i < 4; i++) {
            struct http_answer a = next(c);
            assert_int_equal(a.status, 400);
            assert_body(&a, contents[a.slot]);
        }
        assert_true(resource_open(RESOURCE_SINK) <= 4);
    }
}

/* Given up under way: the slot is free, the connection gone. */
static void abandoned(void **state)
{
    CLIENT(c, "/hang");
    struct http_answer a;
    for (unsigned slot = 0; slot < 4; slot++)
        post(c, slot, SPAN("x"));
    for (int i = 0; i < 50 && resource_open(RESOURCE_SINK) < 4; i++) {
        struct pollfd fds[FDS_MAX];
        int64_t timeout_ns = -1;
        assert_false(http_client_step(c, &a));
        size_t count = http_client_wait(c, fds, FDS_MAX, &timeout_ns);
        poll(fds, count, 10);
    }
    assert_int_equal(resource_open(RESOURCE_SINK), 4);
    http_client_abandon(c, 0);
    http_client_abandon(c, 1);
    assert_int_equal(resource_open(RESOURCE_SINK), 2);
    post(c, 0, SPAN("again"));
    assert_false(http_client_step(c, &a));
}

/* A proxy gets what is for the URL, and is the only one whose name matters. */
static enum server_then be_proxy(struct span request, unsigned nth, struct buf *raw)
{
    answer(raw, "400 No", "",
           says(request, "POST http://no_such_name.invalid/x HTTP/1.1\r\n") ? SPAN("through")
                                                                            : SPAN("astray"));
    return SERVER_KEEP;
}

static void proxy(void **state)
{
    CLEANUP(server_stop) struct server server = {0};
    char at[80];
    server_start(&server, be_proxy);
    snprintf(at, sizeof(at), "http://localhost:%s", server.port);
    snprintf(url, sizeof(url), "http://no_such_name.invalid/x");
    options.proxy = at;
    CLEANUP(http_client_close) struct http_client *c = opened();
    struct http_answer a = asked(c, "x");
    assert_int_equal(a.status, 400);
    assert_body(&a, "through");
}

/* The environment's proxy is not ours. */
static void no_proxy_of_the_environment(void **state)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    CLIENT(c, "/204");
    assert_int_equal(asked(c, "x").status, 204);
    unsetenv("http_proxy");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, defaults, nothing_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sends_the_body),
        TEST(sends_large_bodies),
        TEST(keeps_the_connection),
        TEST(kept_connection_that_is_closed),
        TEST(r1_answers_before_the_end_of_the_body),
        TEST(says_what_it_is_told),
        TEST(r13_secrets_that_are_echoed_are_not_shown),
        TEST(r13_secrets_that_are_cut_are_not_shown),
        TEST(renews_secrets),
        TEST(statuses),
        TEST(endless_answer),
        TEST(failures),
        TEST(refused_connection),
        TEST(speaks_no_tls),
        TEST(names),
        TEST(several_at_once),
        TEST(abandoned),
        TEST(proxy),
        TEST(no_proxy_of_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
