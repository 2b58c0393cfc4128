/* encoder — entries as bytes, in the format that a sink was configured with.
 *
 * - Borrows: the options' field names, while it lives.
 * - Thread: one.
 */
#pragma once

#include "sink/encode_ndjson.h"
#include "sink/encode_text.h"
#include "sink/line_options.h"
#include "sink/sink.h"

struct encoder {
    enum sink_format format;
    struct ndjson ndjson;  /* SINK_NDJSON */
    struct time_text time; /* SINK_TEXT */
};

/* -EINVAL with words where the options ask for what the format has not. */
int encoder_init(struct encoder *e, const struct line_options *options, struct error *error)
    MUST_CHECK;

/* The form of message that the format wants. */
enum message_form encoder_form(const struct encoder *e);

/* As in encode_ndjson.h, for any format. */
int encoder_render(const struct encoder *e, const struct container *c, struct stream_texts *ret,
                   struct error *error) MUST_CHECK;
size_t encoder_bound(const struct encoder *e, const struct stream_texts *texts,
                     struct entries entries);
size_t encoder_encode(struct encoder *e, const struct stream_texts *texts, struct entries entries,
                      struct buf *to, size_t full);
