/* options — what the sink loki lets the user choose. */
#pragma once

#include "sink/http/client.h"
#include "sink/loki/labels.h"

enum loki_compression {
    LOKI_COMPRESSION_AUTO,
    LOKI_COMPRESSION_SNAPPY,
    LOKI_COMPRESSION_GZIP,
    LOKI_COMPRESSION_NONE
};

struct loki_options {
    struct http_options http;
    const char *tenant;
    struct option_texts labels;
    struct option_texts structured_metadata;
    const char *host;
    enum loki_format format;
    enum loki_compression compression;
};

extern const struct sink_option loki_option_rows[]; /* ends with a row without a name */
