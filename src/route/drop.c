// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>

#include "base/check.h"
#include "route/route_private.h"

int route_drop(struct route *r, const struct ledger_letter_filter *filter, uint64_t *ret_number,
               struct error *error)
{
    struct drop *d = &r->drop;
    CHECK(!filter->reason); /* it would have to be copied */
    pthread_mutex_lock(&r->status_lock);
    bool busy = replay_is_busy(r);
    if (!busy) {
        d->filter = *filter;
        d->asked = true;
        d->shown = (struct route_drop){.number = d->shown.number + 1};
        *ret_number = d->shown.number;
    }
    pthread_mutex_unlock(&r->status_lock);
    if (busy)
        return error_set(error, -EBUSY, "a replay or a drop is on its way: wait until it is over");
    route_wake(r);
    return 0;
}

void route_drop_status(struct route *r, struct route_drop *ret)
{
    pthread_mutex_lock(&r->status_lock);
    *ret = r->drop.shown;
    pthread_mutex_unlock(&r->status_lock);
}

static bool is_asked(struct route *r)
{
    pthread_mutex_lock(&r->status_lock);
    bool asked = r->drop.asked;
    pthread_mutex_unlock(&r->status_lock);
    return asked;
}

static void show(struct route *r, const struct route_drop *done)
{
    pthread_mutex_lock(&r->status_lock);
    r->drop.shown = *done;
    r->drop.asked = false;
    pthread_mutex_unlock(&r->status_lock);
}

/* Nobody else writes what was asked until it is over. */
void drop_step(struct route *r)
{
    struct drop *d = &r->drop;
    struct error error = {""};
    if (!is_asked(r))
        return;
    struct route_drop done = {.number = d->shown.number, .state = LETTERS_DONE};
    int code = ledger_drop_letters(r->ledger, &d->filter, &done.dropped, &error);
    if (code == 0 && r->requests.ops)
        code = refusals_count(r, &error);
    if (code < 0) {
        done.state = LETTERS_FAILED;
        snprintf(done.text, sizeof(done.text), "%s", error.text);
    }
    log_line(code < 0 ? LOG_WARN : LOG_INFO, "route.dropped",
             code < 0 ? "dead letters could not be given up" : "dead letters were given up",
             "route=%s letters=%" PRIu64 " error=%s", r->options.name, done.dropped,
             LOG_QUOTE(error.text));
    show(r, &done);
}
