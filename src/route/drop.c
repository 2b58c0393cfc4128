// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "route/route_private.h"

void drop_step(struct route *r)
{
    struct letters_progress done = {.state = LETTERS_DONE};
    struct error error = {""};
    if (!errand_begin(r, ERRAND_DROP))
        return;
    int code = ledger_drop_letters(r->ledger, &r->errand.filter, &done.dropped, &error);
    if (code == 0 && r->requests.ops)
        code = refusals_count(r, &error);
    if (code < 0)
        letters_fail(&done, error.text);
    log_line(code < 0 ? LOG_WARN : LOG_INFO, "route.dropped",
             code < 0 ? "dead letters could not be given up" : "dead letters were given up",
             "route=%s letters=%" PRIu64 " error=%s", r->options.name, done.dropped,
             LOG_QUOTE(error.text));
    errand_show(r, &done);
}
