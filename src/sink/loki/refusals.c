// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/refusals.h"

#include "sink/http/credentials.h"

#include <strings.h>

#define STREAM_RATE "per stream rate limit exceeded"

static const struct refusal {
    int status; /* 0: any */
    const char *text;
    enum verdict verdict;
    const char *reason; /* refused */
    const char *blames; /* what stands before the name of the stream that is to blame, alone */
} refusals[] = {
    /* Limits that time, or somebody, will lift. */
    {429, STREAM_RATE, VERDICT_RETRY, NULL, "for stream '"},
    {429, "ingestion rate limit exceeded", VERDICT_RETRY, NULL, NULL},
    {429, "maximum active stream limit exceeded", VERDICT_RETRY, NULL, "to create stream "},
    /* By default with status 260, which is none of success. */
    {0, "ingestion blocked for user", VERDICT_RETRY, NULL, NULL},

    /* The configuration is to blame, ours or Loki's. */
    {400, "includes structured metadata, but this feature is disallowed", VERDICT_RETRY, NULL,
     NULL},
    {400, "no org id", VERDICT_RETRY, NULL, NULL},
    {400, "multiple org IDs present", VERDICT_RETRY, NULL, NULL},
    {400, "tenant ID", VERDICT_RETRY, NULL, NULL},

    /* gRPC's own limit between Loki's parts is a 500. */
    {0, "received message larger than max", VERDICT_TOO_LARGE, NULL, NULL},
    {0, "trying to send message larger than max", VERDICT_TOO_LARGE, NULL, NULL},
    {0, "message size too large", VERDICT_TOO_LARGE, NULL, NULL}, /* decompressed, too */
    {0, "request body too large", VERDICT_TOO_LARGE, NULL, NULL},
    {400, "compressed message size", VERDICT_TOO_LARGE, NULL, NULL},

    /* Single lines, or all of a stream. */
    {400, "entry too far behind", VERDICT_REFUSED, "out_of_order", NULL},
    {400, "entry out of order", VERDICT_REFUSED, "out_of_order", NULL},
    {400, "has timestamp too old", VERDICT_REFUSED, "too_old", NULL},
    {400, "has timestamp too new", VERDICT_REFUSED, "too_far_ahead", NULL},
    {400, "max entry size", VERDICT_REFUSED, "line_too_long", NULL},
    {400, "label names; limit", VERDICT_REFUSED, "bad_labels", NULL},
    {400, "has label name too long", VERDICT_REFUSED, "bad_labels", NULL},
    {400, "has label value too long", VERDICT_REFUSED, "bad_labels", NULL},
    {400, "has duplicate label name", VERDICT_REFUSED, "bad_labels", NULL},
    {400, "at least one label pair", VERDICT_REFUSED, "bad_labels", NULL},
    {400, "error parsing labels", VERDICT_REFUSED, "bad_labels", NULL},
    {400, "couldn't parse labels", VERDICT_REFUSED, "bad_labels", NULL},
    {400, "missing required labels", VERDICT_REFUSED, "bad_labels", NULL},
    {400, "structured metadata too large", VERDICT_REFUSED, "metadata_too_large", NULL},
    {400, "too many structured metadata labels", VERDICT_REFUSED, "metadata_too_large", NULL},
};

/* How many bytes the label set at the start of `s` has; 1 where none ends. */
static size_t label_set_size(struct span s)
{
    bool quoted = false;
    for (size_t at = 1; at < s.size; at++) {
        if (quoted && s.data[at] == '\\')
            at++;
        else if (s.data[at] == '"')
            quoted = !quoted;
        else if (!quoted && s.data[at] == '}')
            return at + 1;
    }
    return 1;
}

/* What stands behind `text` in `s`; without data where it does not stand there. */
static struct span behind(struct span s, const char *text)
{
    size_t size = strlen(text), step = 1;
    for (; s.size >= size; s.data += step, s.size -= step) {
        if (strncasecmp(s.data, text, size) == 0)
            return (struct span){s.data + size, s.size - size};
        step = s.data[0] == '{' ? label_set_size(s) : 1;
    }
    return (struct span){0};
}

static const struct refusal *refusal_of(const struct http_answer *answer)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
        if ((refusals[i].status == 0 || refusals[i].status == answer->status) &&
            behind(answer->body, refusals[i].text).data)
            return &refusals[i];
    return NULL;
}

/* The number behind `text`, 0 where there is none. */
static uint64_t number_behind(struct span s, const char *text)
{
    uint64_t number = 0;
    s = behind(s, text);
    for (; s.size && s.data[0] >= '0' && s.data[0] <= '9'; s.data++, s.size--)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(s.data[0] - '0'), &number))
            return 0;
    return number;
}

/* More than the limit allows in a second at once will never pass, however long one waits. */
static bool is_too_much_at_once(const struct http_answer *answer)
{
    if (answer->status != 429 || !behind(answer->body, "ingestion rate limit exceeded").data)
        return false;
    uint64_t limit = number_behind(answer->body, "(limit: ");
    return limit > 0 && number_behind(answer->body, "totaling '") > limit;
}

bool loki_blames_stream_rate(const struct http_answer *answer)
{
    return answer->status == 429 && behind(answer->body, STREAM_RATE).data;
}

/* Where long labels stand before it: it takes the place of the end of the answer. */
static void show(const struct http_answer *answer, const char *text, struct sink_answer *ret)
{
    enum { SHOWN_MAX = ANSWER_TEXT_MAX / 4 };
    static const char cut[] = " ... ";
    if (strcasestr(ret->text, text))
        return;
    struct span from = behind(answer->body, text);
    from = (struct span){from.data - strlen(text), from.size + strlen(text)};
    size_t shown = from.size < SHOWN_MAX ? from.size : SHOWN_MAX;
    size_t at = ANSWER_TEXT_MAX - sizeof(cut) - shown;
    while (((unsigned char)ret->text[at] & 0xc0) == 0x80)
        at--;
    snprintf(ret->text + at, ANSWER_TEXT_MAX - at, "%s%.*s", cut, (int)shown, from.data);
    if (answer->credentials)
        credentials_hide(answer->credentials, ret->text);
}

void loki_judge(const struct http_answer *answer, struct sink_answer *ret, struct span *ret_stream)
{
    *ret_stream = (struct span){0};
    http_judge(answer, ret);
    const struct refusal *refusal = refusal_of(answer);
    if (!refusal)
        return;
    show(answer, refusal->text, ret);
    ret->verdict = is_too_much_at_once(answer) ? VERDICT_TOO_LARGE : refusal->verdict;
    ret->unexplained = false;
    if (refusal->reason)
        snprintf(ret->reason, sizeof(ret->reason), "%s", refusal->reason);
    if (refusal->blames)
        *ret_stream = behind(answer->body, refusal->blames);
}
