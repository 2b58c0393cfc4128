// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>

#include "route/route_private.h"

bool replay_is_busy(const struct route *r)
{
    const struct route_replay *shown = &r->replay.shown;
    return r->drop.asked || (shown->number && shown->progress.state == LETTERS_ON_THEIR_WAY);
}

int route_replay(struct route *r, const struct ledger_letter_filter *filter, uint64_t *ret_number,
                 struct error *error)
{
    struct replay *p = &r->replay;
    if (!r->ops->requests)
        return error_set(error, -ENOTSUP,
                         "a sink of the type %s refuses nothing, and takes no dead letters",
                         r->ops->type);
    pthread_mutex_lock(&r->status_lock);
    bool busy = replay_is_busy(r);
    if (!busy) {
        p->filter = *filter;
        if (filter->reason) {
            snprintf(p->reason, sizeof(p->reason), "%s", filter->reason);
            p->filter.reason = p->reason;
        }
        p->asked = true;
        p->shown = (struct route_replay){.number = p->shown.number + 1};
        *ret_number = p->shown.number;
    }
    pthread_mutex_unlock(&r->status_lock);
    if (busy)
        return error_set(error, -EBUSY, "a replay or a drop is on its way: wait until it is over");
    route_wake(r);
    return 0;
}

void route_replay_status(struct route *r, struct route_replay *ret)
{
    pthread_mutex_lock(&r->status_lock);
    *ret = r->replay.shown;
    pthread_mutex_unlock(&r->status_lock);
}

static void show(struct route *r, const struct letters_progress *progress)
{
    pthread_mutex_lock(&r->status_lock);
    r->replay.shown.progress = *progress;
    pthread_mutex_unlock(&r->status_lock);
}

static void show_failure(struct route *r, const char *text)
{
    struct letters_progress progress = r->replay.shown.progress;
    progress.state = LETTERS_FAILED;
    snprintf(progress.text, sizeof(progress.text), "%s", text);
    show(r, &progress);
}

/* What was done is shown, and after the end forgotten. */
static void look(struct route *r)
{
    struct replay *p = &r->replay;
    struct letters_progress progress;
    letters_progress(p->letters, &progress);
    r->requests.counts.redeemed += progress.delivered - p->shown.progress.delivered;
    if (progress.state != LETTERS_ON_THEIR_WAY) {
        p->letters = letters_close(p->letters);
        log_line(progress.state == LETTERS_DONE ? LOG_INFO : LOG_WARN, "route.replayed",
                 progress.state == LETTERS_DONE ? "dead letters were sent again"
                                                : "not all dead letters could be sent again",
                 "route=%s delivered=%" PRIu64 " refused=%" PRIu64 " left=%" PRIu64 " error=%s",
                 r->options.name, progress.delivered, progress.refused, progress.left,
                 LOG_QUOTE(progress.text));
    }
    show(r, &progress);
}

/* Nobody else writes what was asked until it is over. */
static void begin(struct route *r)
{
    struct replay *p = &r->replay;
    struct error error = {""};
    pthread_mutex_lock(&r->status_lock);
    bool asked = p->asked;
    p->asked = false;
    pthread_mutex_unlock(&r->status_lock);
    if (!asked)
        return;
    const struct letters_options options = {
        .ledger = r->ledger,
        .ops = r->ops,
        .sink = r->sink,
        .filter = p->filter,
        .batch_bytes_max = r->options.batch_bytes_max,
    };
    if (letters_open(&p->letters, &options, &error) < 0)
        show_failure(r, error.text);
    else
        look(r);
}

int replay_step(struct route *r, int64_t now_ns, struct error *error)
{
    struct replay *p = &r->replay;
    if (!p->letters)
        begin(r);
    if (!p->letters || !letters_want_slot(p->letters))
        return 0;
    if (p->had_turn)
        requests_send(r, now_ns);
    p->had_turn = false;
    int slot = requests_free_slot(r);
    if (slot < 0)
        return 0;
    if (letters_step(p->letters, (unsigned)slot)) {
        p->slot = (unsigned)slot;
        r->requests.slots |= 1u << p->slot;
    }
    look(r);
    return refusals_count(r, error);
}

bool replay_take(struct route *r, const struct sink_answer *answer)
{
    struct replay *p = &r->replay;
    if (!p->letters || letters_want_slot(p->letters) || p->slot != answer->slot)
        return false;
    r->requests.slots &= ~(1u << p->slot);
    p->had_turn = true;
    letters_take(p->letters, answer);
    look(r);
    return true;
}

void replay_abandon(struct route *r)
{
    if (!r->replay.letters)
        return;
    r->replay.letters = letters_close(r->replay.letters);
    show_failure(r, "the route had to begin anew: what is left can be replayed again");
}
