// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/standing.h"

#include "base/clock.h"

#include <search.h>

static int compare(const void *a_, const void *b_)
{
    const struct loki_standing *a = a_, *b = b_;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

struct loki_standing *loki_standing_take(struct loki_standings *all, uint64_t hash)
{
    struct loki_standing *added = malloc(sizeof(*added));
    if (!added)
        return NULL;
    *added = (struct loki_standing){.hash = hash, .newest_ns = INT64_MIN};
    struct loki_standing **found = tsearch(added, &all->tree, compare);
    if (!found || *found != added)
        free(added);
    if (!found)
        return NULL;
    (*found)->users++;
    return *found;
}

struct loki_standing *loki_standing_drop(struct loki_standings *all, struct loki_standing *s)
{
    if (!s || --s->users > 0)
        return NULL;
    tdelete(s, &all->tree, compare);
    free(s);
    return NULL;
}

static uint64_t bytes_of_late(const struct loki_standing *s, int64_t now_ns)
{
    uint64_t passed_ms = (uint64_t)(now_ns - s->sent_ns) / NS_PER_MS;
    if (s->sent_ns == 0 || passed_ms >= LOKI_FORGETS_MS)
        return 0;
    uint64_t allowed = passed_ms * LOKI_CALM_BYTES_S / 1000;
    return s->sent_bytes > allowed ? s->sent_bytes - allowed : 0;
}

void loki_standing_sent(struct loki_standing *s, uint64_t bytes, int64_t now_ns)
{
    s->sent_bytes = bytes_of_late(s, now_ns) + bytes;
    s->sent_ns = now_ns;
}

bool loki_standing_is_known(const struct loki_standing *s, int64_t now_ns)
{
    return s->accepted && now_ns - s->sent_ns < LOKI_FORGETS_MS * NS_PER_MS;
}

bool loki_standing_is_calm(const struct loki_standing *s, int64_t now_ns)
{
    return loki_standing_is_known(s, now_ns) && s->piece.oldest_ns >= s->newest_ns &&
           bytes_of_late(s, now_ns) + s->piece.bytes <= LOKI_CALM_BYTES_S;
}
