// SPDX-License-Identifier: Apache-2.0
/* The table of answers, row by row. R1: what the configuration or the network is to blame for is
 * sent again; only what the content is to blame for may end among the dead letters. */
#include "sink/http/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct sink_answer judged(int status, const char *body, int64_t retry_after_ns)
{
    const struct http_answer answer = {.slot = 3,
                                       .status = status,
                                       .failure =
                                           status ? "" : "cannot connect: Connection refused",
                                       .retry_after_ns = retry_after_ns,
                                       .body = span_of(body),
                                       .url = "http://loki:3100/push"};
    struct sink_answer ret;

    memset(&ret, 0xff, sizeof(ret));
    http_judge(&answer, &ret);
    assert_int_equal(ret.slot, 3);
    assert_null(ret.target);
    assert_int_equal(ret.retry_after_ns, retry_after_ns);
    return ret;
}

static void verdicts(void **state)
{
    static const struct {
        int first, last;
        enum verdict verdict;
    } rows[] = {
        {0, 0, VERDICT_RETRY},       {200, 299, VERDICT_DELIVERED}, {300, 399, VERDICT_RETRY},
        {400, 400, VERDICT_REFUSED}, {401, 408, VERDICT_RETRY},     {409, 409, VERDICT_REFUSED},
        {410, 412, VERDICT_RETRY},   {413, 413, VERDICT_TOO_LARGE}, {414, 415, VERDICT_RETRY},
        {416, 416, VERDICT_REFUSED}, {417, 417, VERDICT_RETRY},     {418, 418, VERDICT_REFUSED},
        {422, 422, VERDICT_REFUSED}, {425, 426, VERDICT_RETRY},     {429, 429, VERDICT_RETRY},
        {451, 451, VERDICT_REFUSED}, {499, 499, VERDICT_REFUSED},   {500, 599, VERDICT_RETRY},
        {600, 999, VERDICT_RETRY},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (int status = rows[i].first; status <= rows[i].last; status++)
            if (judged(status, "", 0).verdict != rows[i].verdict ||
                judged(status, "", 0).unexplained != (rows[i].verdict == VERDICT_REFUSED))
                fail_msg("status %d", status);
}

static void words(void **state)
{
    struct sink_answer a = judged(400, "max entry size exceeded", 0);
    assert_string_equal(a.reason, "http_400");
    assert_string_equal(a.text, "http://loki:3100/push: HTTP 400: max entry size exceeded");
    a = judged(0, "", 0);
    assert_string_equal(a.reason, "");
    assert_string_equal(a.text, "http://loki:3100/push: cannot connect: Connection refused");
    a = judged(401, "no", 0);
    assert_string_equal(
        a.text, "http://loki:3100/push: HTTP 401 (check username and password, or token): no");
    a = judged(301, "", 0);
    assert_non_null(strstr(a.text, "redirects are not followed"));
    a = judged(503, "", 30);
    assert_string_equal(a.text, "http://loki:3100/push: HTTP 503");
}

/* R1: a login page is not an acknowledgement, whatever its status says; other answers are. */
static void web_pages(void **state)
{
    assert_int_equal(judged(200, "\n <!DOCTYPE html><title>Log in</title>", 0).verdict,
                     VERDICT_RETRY);
    struct sink_answer a = judged(200, "<html lang=en>", 0);
    assert_int_equal(a.verdict, VERDICT_RETRY);
    assert_false(a.unexplained);
    assert_non_null(strstr(a.text, "a web page, which is no acknowledgement"));
    assert_int_equal(judged(400, "<html>", 0).verdict, VERDICT_REFUSED);

    static const char *const others[] = {"", " ", "<htm", "<ok/>", "ok", "{\"html\": \"<html>\"}"};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_int_equal(judged(200, others[i], 0).verdict, VERDICT_DELIVERED);
}

/* The longest answer is cut, and nothing is written past the text's end. */
static void long_words(void **state)
{
    char body[ANSWER_TEXT_MAX];
    memset(body, 'x', sizeof(body));
    body[sizeof(body) - 1] = '\0';
    struct sink_answer a = judged(400, body, 0);
    assert_int_equal(strlen(a.text), ANSWER_TEXT_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(words),
        cmocka_unit_test(web_pages),
        cmocka_unit_test(long_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
