/* line_options — what a sink that writes lines lets the user choose: their format.
 *
 * Sinks have them in their own options, and line_option_rows among their tables.
 */
#pragma once

#include "sink/option.h"

enum sink_format { SINK_NDJSON, SINK_TEXT, SINK_RAW };
#define SINK_FORMAT_WORDS OPTION_WORDS("ndjson", "text", "raw")

struct line_options {
    enum sink_format format;
    struct option_texts fields; /* NDJSON members to write, in the schema's order; none: all */
};

extern const struct sink_option line_option_rows[]; /* ends with a row without a name */
