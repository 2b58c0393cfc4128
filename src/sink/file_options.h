/* file_options — what the file sink lets the user choose. */
#pragma once

#include "sink/line_options.h"

struct file_options {
    struct line_options lines;
    const char *path; /* template, absolute */
};
