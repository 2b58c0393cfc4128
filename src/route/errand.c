// SPDX-License-Identifier: Apache-2.0
#include "route/errand.h"

#include <errno.h>

#include "route/route_private.h"

const char *errand_word(enum errand_kind kind)
{
    return kind == ERRAND_REPLAY ? "replay" : "drop";
}

static bool is_busy(const struct errand *e)
{
    const struct route_errand *last = &e->shown[e->kind];
    return last->number && last->progress.state == LETTERS_ON_THEIR_WAY;
}

/* Its number. */
static uint64_t put(struct errand *e, enum errand_kind kind,
                    const struct ledger_letter_filter *filter)
{
    struct route_errand *shown = &e->shown[kind];
    e->filter = *filter;
    if (filter->reason) {
        snprintf(e->reason, sizeof(e->reason), "%s", filter->reason);
        e->filter.reason = e->reason;
    }
    e->kind = kind;
    e->asked = true;
    *shown = (struct route_errand){.number = shown->number + 1};
    return shown->number;
}

int route_ask_errand(struct route *r, enum errand_kind kind,
                     const struct ledger_letter_filter *filter, uint64_t *ret_number,
                     struct error *error)
{
    int code = kind == ERRAND_REPLAY ? letters_check_sink(r->ops, error) : 0;
    if (code < 0)
        return code;
    pthread_mutex_lock(&r->status_lock);
    bool busy = is_busy(&r->errand);
    if (!busy)
        *ret_number = put(&r->errand, kind, filter);
    pthread_mutex_unlock(&r->status_lock);
    if (busy)
        return error_set(error, -EBUSY, "a replay or a drop is on its way: wait until it is over");
    route_wake(r);
    return 0;
}

void route_errand_status(struct route *r, enum errand_kind kind, struct route_errand *ret)
{
    pthread_mutex_lock(&r->status_lock);
    *ret = r->errand.shown[kind];
    pthread_mutex_unlock(&r->status_lock);
}

bool errand_begin(struct route *r, enum errand_kind kind)
{
    struct errand *e = &r->errand;
    pthread_mutex_lock(&r->status_lock);
    bool asked = e->asked && e->kind == kind;
    e->asked = e->asked && !asked;
    pthread_mutex_unlock(&r->status_lock);
    return asked;
}

void errand_show(struct route *r, const struct letters_progress *progress)
{
    pthread_mutex_lock(&r->status_lock);
    r->errand.shown[r->errand.kind].progress = *progress;
    pthread_mutex_unlock(&r->status_lock);
}
