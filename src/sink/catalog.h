/* catalog — the sinks by name; sink.h's sink_all gives the list of catalog.c. */
#pragma once

#include "sink/sink.h"

extern const struct sink_ops file_sink;   /* sink/file.c: exactly once */
extern const struct sink_ops loki_sink;   /* sink/loki/loki.c: at least once */
extern const struct sink_ops stdout_sink; /* sink/stdout.c: at least once */
extern const struct sink_ops http_sink;   /* sink/http/http.c: at least once */
extern const struct sink_ops null_sink;   /* sink/null.c: for measuring */
