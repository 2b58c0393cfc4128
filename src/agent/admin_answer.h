/* admin_answer — what the admin server answers to whom.
 *
 * - Owns: nothing.
 * - Thread: one, the server's.
 */
#pragma once

#include "agent/status.h"

struct admin_answer {
    enum status_answer status;
    const char *content_type;
    const char *allow; /* the methods there are, where it was another; NULL */
};

/* `report` is room to work in. The body is appended to `body`. */
void admin_answer(struct admin_answer *ret, const char *method, const char *path,
                  struct status *status, struct status_report *report, struct buf *body);
