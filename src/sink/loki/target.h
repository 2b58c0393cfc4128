/* target — what the sink keeps of one container's era: its rendered labels, what was sent last.
 *
 * The texts are kept for the TEXTS_KEPT_MAX targets that were used last, besides those in use; the
 * others are rendered again.
 *
 * - Owns: the texts of the list's members.
 * - Thread: one.
 */
#pragma once

#include "sink/loki/labels.h"
#include "sink/loki/shift.h"
#include "sink/loki/standing.h"

struct sink_target {
    struct loki_texts texts;
    bool there;                 /* they are rendered */
    const char *headers;        /* owned by the sink, a word; NULL: they are the same for all */
    struct request_terms terms; /* of a push */
    struct sink_target *newer, *older;
    struct shift_memory memory[STREAM_COUNT];
    struct loki_standing *standing[STREAM_COUNT]; /* used by it; NULL: nobody asks, all goes */
    uint32_t noted[STREAM_COUNT]; /* plan.h's: where its memory to be is; one more, 0: nowhere */
};

static inline enum loki_turn loki_turn_of(const struct sink_target *t, unsigned stream)
{
    return t->standing[stream] ? t->standing[stream]->piece.turn : LOKI_GOES;
}

/* Whether lines of it are in the push. */
static inline bool loki_target_goes(const struct sink_target *t)
{
    return loki_turn_of(t, STREAM_STDOUT) != LOKI_STAYS ||
           loki_turn_of(t, STREAM_STDERR) != LOKI_STAYS;
}

struct loki_targets {
    struct sink_target *newest, *oldest;
    size_t count;
};

/* Has the texts there until the list is trimmed. 0 or -errno. */
int loki_target_use(struct loki_targets *l, struct sink_target *t, const struct loki_labels *labels,
                    const struct container *c) MUST_CHECK;
void loki_target_drop(struct loki_targets *l, struct sink_target *t);
void loki_targets_trim(struct loki_targets *l);
