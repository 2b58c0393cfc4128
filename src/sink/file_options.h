/* file_options — what the file sink lets the user choose. */
#pragma once

#include "sink/line_options.h"
#include "sink/output_rotate.h"

struct file_options {
    struct line_options lines;
    const char *path;              /* template, absolute */
    int64_t max_size;              /* bytes; 0: an output is never rotated */
    int64_t max_files;             /* rotated ones, kept beside each output */
    enum rotated_form compression; /* of rotated ones */
};
