/* pick — which streams of a piece go in the next push, so that Loki tells what becomes of each.
 *
 * A push holds either one stream that is new to Loki, or one of several busy ones; or all that are
 * calm (standing.h), and one that is busy behind them. So a single busy stream costs no push more.
 *
 * - Thread: one.
 */
#pragma once

#include "sink/loki/target.h"

/* Sets the turn of all streams of the request, and counts what goes as sent. Returns the one that
 * Loki will tell of, which goes last; NULL where nothing of the piece is left to send. *ret_more:
 * others are left for another push. */
struct loki_standing *loki_pick(const struct request *q, struct request_range range, int64_t now_ns,
                                bool *ret_more);
