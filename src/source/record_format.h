/* record_format — how the records of a log file stand in it, and what a decoder of them is told and
 * answers. A segment has one format for life.
 */
#pragma once

#include "base/span.h"

#include <stdint.h>

enum record_format {
    RECORD_JSON_FILE, /* a JSON object a line (json_file/) */
    RECORD_LOCAL,     /* protobuf frames (local_file/): drivers `local` and dual logging, spools */
};

struct record_position {
    uint64_t serial;  /* of the segment */
    uint64_t offset;  /* of input's first byte in it */
    int64_t after_ns; /* time of the record before, GAP_TIME_UNKNOWN if none */
};

struct record_result {
    size_t consumed;         /* bytes of input, whole records and what is damaged between them */
    struct span last_record; /* the last record in input, of a line without its newline; empty if
                                none */
    int64_t last_ns;         /* time of the last record that has one, else position's after_ns */
};
