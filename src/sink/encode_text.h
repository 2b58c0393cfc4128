/* encode_text — entries as text: for people and line tools, and raw.
 *
 *     text:  2026-11-23T16:02:11.597707236Z container_name stdout message
 *     raw:   message
 *
 * One entry is one line in both formats' sense: it ends with one newline, pieces of lines that were
 * cut and lines that the program did not end included. Messages come in FORM_BYTES.
 *
 * text: control bytes within the message, but for TAB, are written as \n, \r or \xNN, so that an
 * entry stays one line and no terminal obeys it. A backslash stays as it is: this is to be read,
 * not to be parsed back. The container's name is its short id where it has none.
 * raw: the message's bytes as the program wrote them.
 *
 * - Thread: one.
 */
#pragma once

#include "model/container.h"
#include "sink/encode.h"
#include "sink/time_text.h"

/* What stands between time and message. 0 or -ENOMEM; *ret is to be deinited. */
int text_render(const struct container *c, struct stream_texts *ret) MUST_CHECK;

/* As in encode_ndjson.h. */
size_t text_bound(const struct stream_texts *texts, struct entries entries);
size_t text_encode(struct time_text *time, const struct stream_texts *texts, struct entries entries,
                   struct buf *to, size_t full);

size_t raw_bound(struct entries entries);
size_t raw_encode(struct entries entries, struct buf *to, size_t full);
