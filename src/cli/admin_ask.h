/* admin_ask — asks the running daemon at its admin.listen, for the verbs that change something in
 * it.
 *
 * - Limits: ADMIN_ASK_WAIT_MS for an answer; its body is no longer than the caller's buffer takes.
 * - Thread: main.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

enum { ADMIN_ASK_WAIT_MS = 10 * 1000 };

/* `listen` is as admin_address_parse takes it; `path` may have a query. The answer's body is
 * appended. 0 where there is an answer, whatever its status; -errno with words where there is
 * none. */
int admin_ask(const char *listen, const char *method, const char *path, long *ret_status,
              struct buf *body, struct error *error) MUST_CHECK;
/* Appends `text` as it may stand in a query. */
void admin_ask_escape(struct buf *to, const char *text);
