// SPDX-License-Identifier: Apache-2.0
#include "sink/encoder.h"

#include <errno.h>

int encoder_init(struct encoder *e, const struct line_options *options, struct error *error)
{
    *e = (struct encoder){.format = options->format, .time = TIME_TEXT_INIT};
    if (e->format == SINK_NDJSON)
        return ndjson_init(&e->ndjson, options->fields.items, options->fields.count, error);
    if (options->fields.items)
        return error_set(error, -EINVAL, "fields: only format ndjson has members to choose from");
    return 0;
}

enum message_form encoder_form(const struct encoder *e)
{
    return e->format == SINK_NDJSON ? FORM_JSON : FORM_BYTES;
}

int encoder_render(const struct encoder *e, const struct container *c, struct stream_texts *ret,
                   struct error *error)
{
    int r = 0;
    switch (e->format) {
    case SINK_NDJSON: r = ndjson_render(&e->ndjson, c, ret); break;
    case SINK_TEXT: r = text_render(c, ret); break;
    case SINK_RAW: *ret = (struct stream_texts){0}; break;
    }
    return r < 0 ? error_set(error, r, "rendering the labels of %s: %s", c->name, strerror(-r)) : 0;
}

size_t encoder_bound(const struct encoder *e, const struct stream_texts *texts,
                     struct entries entries)
{
    switch (e->format) {
    case SINK_NDJSON: return ndjson_bound(texts, entries);
    case SINK_TEXT: return text_bound(texts, entries);
    case SINK_RAW: break;
    }
    return raw_bound(entries);
}

size_t encoder_encode(struct encoder *e, const struct stream_texts *texts, struct entries entries,
                      struct buf *to, size_t full)
{
    switch (e->format) {
    case SINK_NDJSON: return ndjson_encode(&e->ndjson, texts, entries, to, full);
    case SINK_TEXT: return text_encode(&e->time, texts, entries, to, full);
    case SINK_RAW: break;
    }
    return raw_encode(entries, to, full);
}
