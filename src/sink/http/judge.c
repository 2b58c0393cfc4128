// SPDX-License-Identifier: Apache-2.0
#include "sink/http/credentials.h"

#include <strings.h>

/* The first row that holds a status decides. */
static const struct {
    int first, last;
    enum verdict verdict;
    const char *advice; /* behind the server's own words */
} rows[] = {
    /* The status line is the acknowledgement: a body that was cut afterwards changes nothing. */
    {200, 299, VERDICT_DELIVERED, NULL},
    /* Not followed: a body would go, with its secrets, to where nobody has sent it. */
    {300, 399, VERDICT_RETRY, "redirects are not followed; let url be where it leads"},
    /* The content is to blame, as far as a status can tell: only the protocol's own words can. */
    {400, 400, VERDICT_REFUSED, NULL},
    {422, 422, VERDICT_REFUSED, NULL},
    /* The configuration is to blame, ours or the server's: it waits until somebody has repaired it,
     * and no line is lost to a wrong password. */
    {401, 401, VERDICT_RETRY, "check username and password, or token"},
    {402, 402, VERDICT_RETRY, NULL},
    {403, 403, VERDICT_RETRY, "check username and password, or token, and what they may do"},
    {404, 404, VERDICT_RETRY, "check the path of url"},
    {405, 405, VERDICT_RETRY, "check the path of url"},
    {406, 406, VERDICT_RETRY, "check headers"},
    {407, 407, VERDICT_RETRY, "the proxy wants credentials: " PROXY_ADVICE},
    {410, 410, VERDICT_RETRY, "check the path of url"},
    {411, 411, VERDICT_RETRY, NULL},
    {412, 412, VERDICT_RETRY, "check headers"},
    {414, 414, VERDICT_RETRY, "check url"},
    {415, 415, VERDICT_RETRY, "check what content and compression the server takes"},
    {417, 417, VERDICT_RETRY, "check headers"},
    {421, 421, VERDICT_RETRY, "check url"},
    {426, 426, VERDICT_RETRY, "check url"},
    {428, 428, VERDICT_RETRY, "check headers"},
    {431, 431, VERDICT_RETRY, "check headers"},
    /* The server asks for it. */
    {408, 408, VERDICT_RETRY, NULL},
    {423, 423, VERDICT_RETRY, NULL},
    {425, 425, VERDICT_RETRY, NULL},
    {429, 429, VERDICT_RETRY, NULL},
    {413, 413, VERDICT_TOO_LARGE, NULL},
    /* Whatever else a client is to blame for: nothing but the content differs from what was taken
     * before. */
    {400, 499, VERDICT_REFUSED, NULL},
    {500, 599, VERDICT_RETRY, NULL},
};

static void put_text(const struct http_answer *answer, const char *advice, struct sink_answer *ret)
{
    bool has_body = answer->body.size > 0;
    int size = (int)answer->body.size;

    if (answer->status == 0)
        snprintf(ret->text, sizeof(ret->text), "%s: %s", answer->url, answer->failure);
    else
        snprintf(ret->text, sizeof(ret->text), "%s: HTTP %d%s%s%s%s%.*s", answer->url,
                 answer->status, advice ? " (" : "", advice ? advice : "", advice ? ")" : "",
                 has_body ? ": " : "", size, has_body ? answer->body.data : "");
    if (answer->credentials)
        credentials_hide(answer->credentials, ret->text);
}

/* What is known beats what is supposed: a secret's file that is not there, or empty. */
static const char *advise(const struct http_answer *answer, const char *advice)
{
    bool of_secrets = answer->status == 401 || answer->status == 403 || answer->status == 407;
    const char *unread =
        of_secrets && answer->credentials ? credentials_unread(answer->credentials) : NULL;

    return unread ? unread : advice;
}

/* Where headers vary, these may be meant for one tenant of many. */
static bool is_of_who_asks(int status)
{
    return status == 401 || status == 403 || status == 429;
}

/* Of a proxy that asks for a login, or of a server that shows its start page under any path: nobody
 * who takes logs thanks for them in HTML. */
static bool is_web_page(struct span body)
{
    static const char *const starts[] = {"<!doctype html", "<html"};

    while (body.size > 0 && (unsigned char)body.data[0] <= ' ')
        body = (struct span){body.data + 1, body.size - 1};
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
        if (body.size >= strlen(starts[i]) &&
            strncasecmp(body.data, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

void http_judge(const struct http_answer *answer, struct sink_answer *ret)
{
    const char *advice = NULL;

    *ret = (struct sink_answer){
        .slot = answer->slot,
        .verdict = VERDICT_RETRY,
        .retry_after_ns = answer->retry_after_ns,
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (answer->status < rows[i].first || answer->status > rows[i].last)
            continue;
        ret->verdict = rows[i].verdict;
        advice = rows[i].advice;
        break;
    }
    if (ret->verdict == VERDICT_DELIVERED && is_web_page(answer->body)) {
        ret->verdict = VERDICT_RETRY;
        advice = "a web page, which is no acknowledgement; check url and proxy";
    }
    ret->of_group = answer->varied && is_of_who_asks(answer->status);
    put_text(answer, advise(answer, advice), ret);
    if (answer->too_large) {
        ret->verdict = VERDICT_TOO_LARGE;
        snprintf(ret->reason, sizeof(ret->reason), "too_large");
    } else if (answer->status != 0) {
        ret->unexplained = ret->verdict == VERDICT_REFUSED;
        snprintf(ret->reason, sizeof(ret->reason), "http_%d", answer->status);
    }
}
