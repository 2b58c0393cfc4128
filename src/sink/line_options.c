// SPDX-License-Identifier: Apache-2.0
#include "sink/line_options.h"

const struct sink_option line_option_rows[] = {
    {.name = "format",
     .kind = OPTION_CHOICE,
     .offset = offsetof(struct line_options, format),
     .fallback = "ndjson",
     .words = SINK_FORMAT_WORDS,
     .help = "One JSON object a line; time, stream and message; or the message alone."},
    {.name = "fields",
     .kind = OPTION_TEXTS,
     .offset = offsetof(struct line_options, fields),
     .fallback_words = "all of them",
     .help = "Which members an NDJSON line has, see [Fields](#fields)."},
    {0},
};
