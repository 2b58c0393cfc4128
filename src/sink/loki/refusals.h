/* refusals — what Loki means by an answer: its texts, one by one.
 *
 * Loki refuses single lines of a push and keeps the valid ones: a push that was refused and comes
 * again in halves repeats those. Its log queries show equal lines of one stream and time once;
 * `count_over_time` counts them as often as they came.
 *
 * Of the limits that its ingesters keep (a stream's rate, the number of streams, lines too far
 * behind) Loki tells only where they met the last stream of a push (standing.h).
 *
 * A text is looked for in the first ANSWER_KEPT_MAX bytes of an answer, whatever the case of its
 * letters, and not in the label sets that the answer quotes: what stands there is anybody's. Where
 * an answer tells of several lines the first row that fits holds: halves tell more.
 *
 * - Source of the texts: Loki 3.7, pkg/validation/validate.go, pkg/distributor/{http,distributor,
 *   validator}.go, pkg/ingester/{stream,instance}.go, pkg/chunkenc/interface.go, pkg/util/http.go.
 */
#pragma once

#include "sink/http/client.h"

/* Whether it blames the rate of a stream. That a push was more than the stream may have at once,
 * and will never pass, is not told. */
bool loki_blames_stream_rate(const struct http_answer *answer);

/* The verdict; *ret_stream is the label set of the stream that is blamed alone, as Loki wrote it
 * and up to the end of the answer; without data where none is. */
void loki_judge(const struct http_answer *answer, struct sink_answer *ret, struct span *ret_stream);
