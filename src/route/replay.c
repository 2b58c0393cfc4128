// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "route/route_private.h"

static void show_failure(struct route *r, const char *text)
{
    struct letters_progress progress = r->errand.shown[ERRAND_REPLAY].progress;
    letters_fail(&progress, text);
    errand_show(r, &progress);
}

/* What was done is shown, and after the end forgotten. */
static void look(struct route *r)
{
    struct replay *p = &r->replay;
    struct letters_progress progress;
    letters_progress(p->letters, &progress);
    r->requests.counts.redeemed +=
        progress.delivered - r->errand.shown[ERRAND_REPLAY].progress.delivered;
    if (progress.state != LETTERS_ON_THEIR_WAY) {
        p->letters = letters_close(p->letters);
        log_line(progress.state == LETTERS_DONE ? LOG_INFO : LOG_WARN, "route.replayed",
                 progress.state == LETTERS_DONE ? "dead letters were sent again"
                                                : "not all dead letters could be sent again",
                 "route=%s delivered=%" PRIu64 " refused=%" PRIu64 " left=%" PRIu64 " error=%s",
                 r->options.name, progress.delivered, progress.refused, progress.left,
                 LOG_QUOTE(progress.text));
    }
    errand_show(r, &progress);
}

static void begin(struct route *r)
{
    struct error error = {""};
    if (!errand_begin(r, ERRAND_REPLAY))
        return;
    const struct letters_options options = {
        .ledger = r->ledger,
        .ops = r->ops,
        .sink = r->sink,
        .filter = r->errand.filter,
        .batch_bytes_max = r->options.batch_bytes_max,
    };
    if (letters_open(&r->replay.letters, &options, &error) < 0)
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
