/* admin_answer — what the admin server answers to whom.
 *
 * Only a POST changes anything. A browser that is on some other site sends one wherever that site
 * wants it to, but says so in `Origin`: such a POST is refused.
 *
 * - Owns: nothing.
 * - Thread: one, the server's.
 */
#pragma once

#include "agent/status.h"

struct admin_question {
    const char *method, *path;
    const char *origin;             /* of the page that asks; NULL: none does */
    const char *key, *reason, *all; /* of the query; NULL: not there */

    struct status *status;
    struct status_report *report; /* room to work in */
    struct buf *body;             /* of the answer: appended */
};

struct admin_answer {
    enum status_answer status;
    const char *content_type;
    const char *allow; /* the methods there are, where it was another; NULL */
};

void admin_answer(struct admin_answer *ret, const struct admin_question *q);
