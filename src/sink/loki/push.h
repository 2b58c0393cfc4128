/* push — the body of a push, in Loki's two forms.
 *
 *     protobuf  logproto.PushRequest { streams = 1 { labels = 1, entries = 2 {
 *                   timestamp = 1 { seconds = 1, nanos = 2 }, line = 2,
 *                   structuredMetadata = 3 { name = 1, value = 2 } } } }
 *     JSON      {"streams":[{"stream":{…},"values":[["ns","line",{…}], …]}, …]}
 *
 * Messages are bytes for protobuf, where what is not UTF-8 is mended, and the inside of a JSON
 * string for JSON.
 *
 * - Thread: one.
 * - Limits: those of the buffer, which fails past them.
 * - Source of the format: Loki's pkg/push/push.proto, docs/sources/reference/loki-http-api.md.
 */
#pragma once

#include "sink/loki/plan.h"

void loki_push_protobuf(const struct loki_labels *l, struct loki_plan *p, struct buf *to);
void loki_push_json(const struct loki_labels *l, const struct loki_plan *p, struct buf *to);

/* What lines with these texts take in a push, at most, in the form that the labels have. */
struct request_terms loki_push_terms(const struct loki_labels *l, const struct loki_texts *texts);

/* Metadata of this line alone, as the container's is written. */
void loki_push_extras(const struct loki_labels *l, const struct entry *e, unsigned extras,
                      struct buf *to);
