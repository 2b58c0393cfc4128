// SPDX-License-Identifier: Apache-2.0
/* What cannot work is said when the sink is opened, beginning with the option's name (R13), and
 * without a secret. */
#include "base/clock.h"
#include "scratch.h"
#include "sink/http/client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct http_options sound = {
    .request.requests_max = 1,
    .url = "http://localhost",
    .tls_verify = true,
    .timeout_ns = NS_PER_SECOND,
    .connect_timeout_ns = NS_PER_SECOND,
};

static void refuses(struct http_options options, const char *words)
{
    const struct http_protocol protocol = {.path = "/path"};
    const struct sink_environment environment = {0};
    struct http_client *c = NULL;
    struct error error = {""};

    assert_true(http_client_open(&c, &options, &protocol, &environment, &error) < 0);
    assert_null(c);
    if (strncmp(error.text, words, strlen(words)) != 0)
        fail_msg("%s", error.text);
    assert_null(strstr(error.text, "s3cret"));
}

#define REFUSES(words, ...)                                                                        \
    do {                                                                                           \
        struct http_options o = sound;                                                             \
        __VA_ARGS__;                                                                               \
        refuses(o, (words));                                                                       \
    } while (0)

static void contradictions(void **state)
{
    REFUSES("password_file: there is a password", o.username = "me", o.password = "s3cret",
            o.password_file = "/x");
    REFUSES("token_file: there is a token", o.token = "s3cret", o.token_file = "/x");
    REFUSES("username: needs password or password_file", o.username = "me");
    REFUSES("password: needs username", o.password = "s3cret");
    REFUSES("password_file: needs username", o.password_file = "/x");
    REFUSES("token: there is a password", o.username = "me", o.password = "s3cret",
            o.token = "s3cret");
    REFUSES("proxy_password_file: there is a password", o.proxy = "http://p/",
            o.proxy_username = "me", o.proxy_password = "s3cret", o.proxy_password_file = "/x");
    REFUSES("proxy_username: needs proxy_password or proxy_password_file", o.proxy = "http://p/",
            o.proxy_username = "me");
    REFUSES("proxy_password: needs proxy_username", o.proxy = "http://p/",
            o.proxy_password = "s3cret");
    REFUSES("proxy_username: there is no proxy", o.proxy_username = "me",
            o.proxy_password = "s3cret");
    REFUSES("tls_cert: a certificate needs its key", o.tls_cert = "/x");
    REFUSES("tls_key: a certificate needs its key", o.tls_key = "/x");
}

static void urls(void **state)
{
    REFUSES("url: ", o.url = "http://");
    REFUSES("url: ", o.url = "http://host:99999/?key=s3cret");
    REFUSES("proxy: ", o.proxy = "http://");
}

static void headers(void **state)
{
    const struct option_pair own = {"content-length", "1"};

    REFUSES("headers: content-length follows from the body",
            o.headers = (struct option_pairs){&own, 1});
}

static void secret_files(void **state)
{
    static char large[70000];
    memset(large, 'x', sizeof(large));
    scratch_write(SCRATCH("empty"), "\n", 1);
    scratch_write(SCRATCH("lines"), "s3cret\nmore\n", 12);
    scratch_write(SCRATCH("nul"), "s3cret\0more", 11);
    scratch_write(SCRATCH("large"), large, sizeof(large));
    REFUSES("token_file: ", o.token_file = SCRATCH("missing"));
    REFUSES("token_file: ", o.token_file = SCRATCH("empty"));
    REFUSES("token_file: ", o.token_file = SCRATCH("lines"));
    REFUSES("token_file: ", o.token_file = SCRATCH("nul"));
    REFUSES("token_file: ", o.token_file = SCRATCH("large"));
    REFUSES("password_file: ", o.username = "me", o.password_file = SCRATCH("empty"));
    REFUSES("proxy_password_file: ", o.proxy = "http://p/", o.proxy_username = "me",
            o.proxy_password_file = SCRATCH("missing"));
    REFUSES("token_file: ", o.token_file = "/tmp"); /* a directory */
}

/* A PEM file that is none; the pairs that fit and do not are for the integration tests. */
static void tls_files(void **state)
{
    const char *junk = SCRATCH("junk");
    scratch_write(junk, "no PEM\n", 7);
    REFUSES("tls_ca: ", o.tls_ca = SCRATCH("missing"));
    REFUSES("tls_ca: ", o.tls_ca = junk);
    REFUSES("tls_cert: ", o.tls_cert = junk, o.tls_key = junk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contradictions),
        cmocka_unit_test(urls),
        cmocka_unit_test(headers),
        cmocka_unit_test_setup_teardown(secret_files, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(tls_files, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
