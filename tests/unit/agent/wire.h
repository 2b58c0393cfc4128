/* wire — a sink of the tests: it sends requests, and has an option of each kind. It stands last in
 * the catalog of a test whose linker wraps sink_all. */
#pragma once

#include "sink/sink.h"

struct wire_options {
    struct request_options request;
    const char *url, *proxy, *username, *password;
    struct option_pairs headers, labels;
    struct option_texts brokers;
    const char *tls_ca, *spool;
    bool verify;
    int64_t tries, bytes, timeout_ns;
    enum wire_order { WIRE_LOOSE, WIRE_STRICT } order;
};

extern const struct sink_ops wire_sink;
