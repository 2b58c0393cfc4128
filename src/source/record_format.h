/* record_format — how the records of a log file stand in it. A segment has one for life. */
#pragma once

enum record_format {
    RECORD_JSON_FILE, /* a JSON object a line (json_file/) */
    RECORD_LOCAL,     /* protobuf frames (local_file/): drivers `local` and dual logging, spools */
};
