// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/pair.h"

#include "base/json_text.h"
#include "base/utf8.h"
#include "sink/protobuf.h"

void loki_append_pair(struct buf *to, const char *name, struct span value)
{
    size_t name_size = strlen(name);
    size_t value_size = utf8_mended_size(value);
    size_t size = protobuf_bytes_size(name_size) + protobuf_bytes_size(value_size);
    char *p = buf_reserve(to, protobuf_bytes_size(size));
    if (!p)
        return;
    p = protobuf_put_head(p, PROTOBUF_BYTES(3), size);
    p = protobuf_put_head(p, PROTOBUF_BYTES(1), name_size);
    memcpy(p, name, name_size);
    p = protobuf_put_head(p + name_size, PROTOBUF_BYTES(2), value_size);
    p = utf8_put_mended(p, value);
    to->size = (size_t)(p - to->data);
}

void loki_append_member(struct buf *to, const char *name, struct span value)
{
    buf_append_char(to, '"');
    buf_append(to, span_of(name));
    buf_append(to, SPAN("\":\""));
    json_text_escape(to, value);
    buf_append_char(to, '"');
}
