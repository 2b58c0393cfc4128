// SPDX-License-Identifier: Apache-2.0
#include "sink/loki/options.h"

#define AT(member) .offset = offsetof(struct loki_options, member)

const struct sink_option loki_option_rows[] = {
    {.name = "tenant",
     .kind = OPTION_LABELLED,
     AT(tenant),
     .fallback_words = "none",
     .help = "Loki's tenant, sent as `X-Scope-OrgID`. It may be made of a container's labels, as "
             "`headers` may: `{compose_project}`."},
    {.name = "labels",
     .kind = OPTION_TEXTS,
     AT(labels),
     .fallback_words = "`[container_name, compose_project, compose_service, stream, host, source, "
                       "service]`",
     .help =
         "Labels that make a stream, at most 15: those of a container, `stream` and `host`. Few "
         "and steady ones are best. A container with none of them gets `source_type`."},
    {.name = "structured_metadata",
     .kind = OPTION_TEXTS,
     AT(structured_metadata),
     .fallback_words = "`[all]`",
     .help =
         "Labels that go along with each line, as far as they make no stream: `[all]`, "
         "`[none]` or their names. Beside those of a container there are `stream`, "
         "`source_type`, `source_id`, by name only `host`, and for lines that have them `attrs`, "
         "`partial`, `continued`, `unterminated`, `time_missing`, `stream_missing`, and `time` "
         "where a line was sent with a later nanosecond than its own, since Loki takes equal "
         "lines of one stream and time for one."},
    {.name = "host",
     .kind = OPTION_TEXT,
     AT(host),
     .fallback_words = "this machine's name",
     .help = "The value of the label `host`."},
    {.name = "format",
     .kind = OPTION_CHOICE,
     AT(format),
     .fallback = "protobuf",
     .words = OPTION_WORDS("protobuf", "json"),
     .help = "The form of requests. JSON is for servers that take nothing else."},
    {.name = "compression",
     .kind = OPTION_CHOICE,
     AT(compression),
     .fallback = "auto",
     .words = OPTION_WORDS("auto", "snappy", "gzip", "none"),
     .help = "`auto` is `snappy` for protobuf and `gzip` for JSON, which take no other. `none` "
             "spares the processor on short ways."},
    {0},
};
