/* answer — what became of a request that was sent.
 *
 *     verdict     what the route does
 *     delivered   commits, goes on
 *     retry       sends the same range again after a while: the network, 5xx, 429, and also what a
 *                 wrong configuration causes (401, 403, 404 …): no line is lost to a wrong password
 *     too large   sends it again in halves; a single entry is refused
 *     refused     the content is to blame: sends it again in halves, until the culprit stands alone
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum verdict { VERDICT_DELIVERED, VERDICT_RETRY, VERDICT_TOO_LARGE, VERDICT_REFUSED };

enum {
    ANSWER_TEXT_MAX = 512,  /* bytes told of what a server said, with the NUL */
    ANSWER_REASON_MAX = 32, /* bytes of a reason, with the NUL */
};

struct sink_target;

struct sink_answer {
    unsigned slot; /* as given to send */
    enum verdict verdict;
    int64_t retry_after_ns;         /* as the server asks; 0: it does not */
    struct sink_target *target;     /* blamed alone (a rate limit of one stream); NULL: nobody is */
    bool of_group;                  /* retry: the group of these lines is blamed alone (a tenant) */
    bool unexplained;               /* refused, and nothing in the answer shows that the lines were
                                       looked at: a wrong configuration may be the cause as well */
    char reason[ANSWER_REASON_MAX]; /* refused: a stable word for dead letters and metrics:
                                       "line_too_long", "too_old", "http_400" */
    char text[ANSWER_TEXT_MAX];     /* for people: "http://…: HTTP 400: max entry size …" */
};
