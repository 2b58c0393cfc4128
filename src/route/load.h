/* load — what a request of a route carries, and what became of it so far: the lines, where each
 * pull's go, the pieces that are still to be sent, and the ranges that go to the dead letters.
 *
 * A target outlives its request: a part holds its binding, whatever becomes of the container and
 * of its source meanwhile.
 *
 * - Owns: all of it. Emptied by its route alone, since bindings are the sink's.
 * - Errors: -ENOMEM.
 * - Thread: the route's.
 */
#pragma once

#include "base/error.h"
#include "route/pieces.h"
#include "sink/answer.h"

struct binding;
struct route;

/* To each part of the request. */
struct load_part {
    struct binding *binding; /* held */
    uint32_t key;            /* the source's, in the ledger */
};

/* Refused for good. */
struct refusal {
    struct request_range range;
    int64_t refused_ns;
    char reason[ANSWER_REASON_MAX];
    char *answer; /* owned */
};

struct load {
    struct request request;
    struct load_part *parts; /* as many as the request has */
    size_t part_capacity;
    struct pieces pieces;
    struct refusal *refusals;
    size_t refusal_count;
    uint32_t *blamed; /* keys of the sources that are, by the last load_blame_…; ascending */
    size_t blamed_count;
};

void load_init(struct load *l, enum message_form form);
/* Empties it; load_deinit gives back all its memory. */
void load_clear(struct load *l, struct route *r);
void load_deinit(struct load *l, struct route *r);

/* Copies the batch's entries. */
int load_add(struct load *l, struct binding *binding, struct request_terms terms, uint32_t key,
             const struct batch *batch) MUST_CHECK;
/* Its groups together, for pieces_begin; and that. */
int load_cut(struct load *l, uint64_t bytes_max, size_t lines_max) MUST_CHECK;
/* The whole of `range` goes to the dead letters. */
int load_refuse(struct load *l, struct request_range range, const char *reason, const char *answer,
                int64_t now_ns) MUST_CHECK;

/* Notes the sources that alone are held up: the target's, or those that have lines of the next
 * piece's group. False where the next piece has no line of the target, or for want of memory. */
bool load_blame_target(struct load *l, const struct sink_target *target);
bool load_blame_group(struct load *l);
/* With all it has in the request, under whatever name or label: a source is in one draft. */
bool load_blames(const struct load *l, uint32_t key);
/* What is unsettled or refused of it, and of these sources only, or only of the others, becomes the
 * content of `to`, which is empty. */
enum load_share { LOAD_OF_BLAMED, LOAD_OF_OTHERS };
int load_copy(const struct load *from, struct load *to, enum load_share share) MUST_CHECK;
