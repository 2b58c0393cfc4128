// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "route/route_private.h"

/* One try in so many looks for good lines as thoroughly as the first; the others cost a few
 * requests each. */
enum { THOROUGH_EACH = 16 };

static bool doubts(const struct route *r, const struct sink_answer *answer)
{
    return !r->requests.understood && answer->verdict == VERDICT_REFUSED && answer->unexplained;
}

/* That something is too large can be said by a proxy that knows nothing of our lines. */
static bool shows_understanding(const struct sink_answer *answer)
{
    return answer->verdict == VERDICT_DELIVERED ||
           (answer->verdict == VERDICT_REFUSED && !answer->unexplained);
}

void doubt_note(const struct route *r, struct route_request *q, const struct sink_answer *answer)
{
    q->doubted |= doubts(r, answer);
}

bool doubt_is_sparing(const struct route *r)
{
    return r->requests.counts.voided % THOROUGH_EACH != 0;
}

int doubt_lift(struct route *r, const struct sink_answer *answer, struct error *error)
{
    struct requests *q = &r->requests;
    if (q->understood || !shows_understanding(answer))
        return 0;
    q->understood = true;
    q->counts.voided = 0;
    bool doubted = false;
    for (size_t i = 0; i < q->count; i++) {
        struct route_request *request = q->items[i];
        if (request->doubted)
            refusals_tell(r, &request->load);
        doubted |= request->doubted;
        request->doubted = false;
        if (request->state == REQUEST_DOUBTED)
            request->state = REQUEST_SETTLED;
    }
    return doubted && refusals_fit(r, 0, error) ? -ENOSPC : 0;
}

/* What was said of its last line; NULL while some request may still be taken. */
static const char *last_answer(const struct requests *q)
{
    const char *answer = NULL;
    for (size_t i = 0; i < q->count; i++) {
        const struct route_request *request = q->items[i];
        if (request->state == REQUEST_DOUBTED)
            answer = request->load.refusals[request->load.refusal_count - 1].answer;
        else if (request->state != REQUEST_SETTLED && !request->aside)
            return NULL;
    }
    return answer;
}

int doubt_judge(struct route *r, struct error *error)
{
    const char *answer = last_answer(&r->requests);
    if (!answer)
        return 0;
    r->requests.counts.voided++;
    return error_set(error, -EREMOTEIO,
                     "everything is refused since the start, and nothing becomes a dead letter "
                     "until a line is taken; check url and headers, else the lines: %s",
                     answer);
}
