// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/pick.h"

static void forget_piece(const struct request *q)
{
    for (size_t i = 0; i < q->part_count; i++)
        for (unsigned stream = 0; stream < STREAM_COUNT; stream++)
            q->parts[i].target->standing[stream]->piece =
                (struct loki_piece){.oldest_ns = INT64_MAX};
}

/* Adds the lines from `at` on that are neighbours and of one stream; returns the next. */
static const struct entry *add_run(const struct request_part *part, const struct entry *at,
                                   const struct entry *end)
{
    struct loki_piece *piece = &part->target->standing[at->stream]->piece;
    int64_t oldest_ns = piece->oldest_ns;
    uint64_t bytes = 0;
    for (unsigned stream = at->stream; at < end && at->stream == stream; at++) {
        if (at->flags & ENTRY_DELIVERED)
            continue;
        bytes += request_line_bytes(part->terms, at);
        oldest_ns = at->time_ns < oldest_ns ? at->time_ns : oldest_ns;
    }
    piece->bytes += bytes;
    piece->oldest_ns = oldest_ns;
    return at;
}

static void survey(const struct request *q, struct request_range range)
{
    forget_piece(q);
    for (size_t i = 0; i < q->part_count; i++) {
        const struct request_part *part = &q->parts[i];
        size_t first = part->first, end = part->first + part->count;
        const struct entry *at = q->entries + (first > range.first ? first : range.first);
        const struct entry *behind = q->entries + (end < range.end ? end : range.end);
        while (at < behind)
            at = add_run(part, at, behind);
    }
}

enum manner { CALM, BUSY, NEW };

static enum manner manner_of(const struct loki_standing *s, int64_t now_ns)
{
    if (!loki_standing_is_known(s, now_ns))
        return NEW;
    return loki_standing_is_calm(s, now_ns) ? CALM : BUSY;
}

/* What goes: one alone, or all, in which case `last` is the last. */
struct choice {
    struct loki_standing *alone, *last;
    bool has_busy;
};

static void consider(struct choice *c, struct loki_standing *s, int64_t now_ns)
{
    enum manner manner = manner_of(s, now_ns);
    if (c->alone || s == c->last)
        return;
    if (manner == NEW || (manner == BUSY && c->has_busy)) {
        c->alone = s;
        return;
    }
    c->has_busy |= manner == BUSY;
    if (manner == BUSY || !c->has_busy)
        c->last = s;
}

static void send_off(struct loki_standing *s, enum loki_turn turn, int64_t now_ns)
{
    s->piece.turn = turn;
    loki_standing_sent(s, s->piece.bytes, now_ns);
}

struct loki_standing *loki_pick(const struct request *q, struct request_range range, int64_t now_ns,
                                bool *ret_more)
{
    struct choice choice = {0};
    survey(q, range);
    for (size_t i = 0; i < q->part_count; i++)
        for (unsigned stream = 0; stream < STREAM_COUNT; stream++) {
            struct loki_standing *s = q->parts[i].target->standing[stream];
            if (s->piece.bytes > 0)
                consider(&choice, s, now_ns);
        }
    struct loki_standing *told = choice.alone ? choice.alone : choice.last;
    *ret_more = false;
    if (!told)
        return NULL;
    send_off(told, LOKI_GOES_LAST, now_ns);
    for (size_t i = 0; i < q->part_count; i++)
        for (unsigned stream = 0; stream < STREAM_COUNT; stream++) {
            struct loki_standing *s = q->parts[i].target->standing[stream];
            if (s->piece.bytes == 0 || s->piece.turn != LOKI_STAYS)
                continue;
            *ret_more |= choice.alone != NULL;
            if (!choice.alone)
                send_off(s, LOKI_GOES, now_ns);
        }
    return told;
}
