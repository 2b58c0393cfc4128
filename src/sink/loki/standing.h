/* standing — what is known of one stream: whether Loki may be trusted to tell what became of it.
 *
 * An ingester goes through the streams of a push and answers with what happened to the last of
 * them. It says 204 to a push of which it dropped all of an earlier stream, for the stream's rate,
 * for the number of streams, for lines too far behind. So only calm streams, which none of these
 * limits can meet, may stand before another one in a push. Calm is a stream
 *
 * - of which Loki has taken lines in a place where it would have told otherwise, and not long ago:
 *   a stream that is quiet for long is a new one to an ingester;
 * - whose lines are not older than what it has had;
 * - of which little is sent: LOKI_CALM_BYTES_S.
 *
 * A stream that Loki itself splits into several (`shard_streams`) is told of by its last part
 * alone.
 *
 * - Owns: the standings, as long as a target uses them.
 * - Thread: one.
 * - Source: Loki 3.7, pkg/ingester/{instance,stream}.go.
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Of one stream, text and metadata, as Loki counts; as much may come at once. Loki's own limit
     * of a stream is 3 MB a second, 15 MB at once; a push for each of many steady streams, that
     * stay far below it, would cost them more than their lines do. */
    LOKI_CALM_BYTES_S = 256 * 1024,
    LOKI_FORGETS_MS = 10 * 60 * 1000, /* an ingester lets go of a quiet stream after 30 minutes */
};

/* Of a stream, in the push that is being made (pick.h). */
enum loki_turn { LOKI_STAYS, LOKI_GOES, LOKI_GOES_LAST };

struct loki_standing {
    uint64_t hash;       /* of the stream's name and its tenant */
    size_t users;        /* targets, by enum stream */
    bool accepted;       /* since Loki last refused what it tells of */
    unsigned fast_count; /* answers in a row that blame its rate */
    int64_t newest_ns;   /* the newest time that Loki has had */
    int64_t sent_ns;     /* monotonic, the last time; 0: never */
    uint64_t sent_bytes; /* less what LOKI_CALM_BYTES_S allowed for up to then */
    struct loki_piece {
        enum loki_turn turn;
        uint64_t bytes;    /* what is left of it in the piece, at most; 0: nothing */
        int64_t oldest_ns; /* of that */
    } piece;
};

struct loki_standings {
    void *tree; /* of search.h, by hash */
};

/* The stream's, made where there is none. NULL without memory. */
struct loki_standing *loki_standing_take(struct loki_standings *all, uint64_t hash);
/* Accepts NULL. Returns NULL. */
struct loki_standing *loki_standing_drop(struct loki_standings *all, struct loki_standing *s);

/* So many bytes of it were sent. */
void loki_standing_sent(struct loki_standing *s, uint64_t bytes, int64_t now_ns);
/* Whether Loki knows it, and what is told of it was good. */
bool loki_standing_is_known(const struct loki_standing *s, int64_t now_ns);
/* Whether it is calm with what is left of it in the piece. */
bool loki_standing_is_calm(const struct loki_standing *s, int64_t now_ns);
