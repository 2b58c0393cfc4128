/* streamed_log — the log of a container as the Engine has it now, received into a file.
 *
 * For a log whose files are not to be had here. A file, since a log may be larger than memory: it
 * has no name, lies in $TMPDIR, else /var/tmp, and is gone with its descriptor. In it stand the
 * frames that a spool has (source/spool.h), for history.h to read.
 *
 * - Owns: nothing once it has returned; the descriptor is the caller's.
 * - Limits: a deadline for finding and connecting, none for the log; the room of the file system.
 * - Thread: one; waits until all is received.
 * - Errors: -errno with words.
 */
#pragma once

#include "base/error.h"
#include "model/container.h"

struct streamed_log_options {
    const char *docker_host; /* as docker_host_find gives it */
    const struct container *container;
    int64_t since_ns; /* from this instant on, itself included; 0 or less: from the beginning */
    /* Of a terminal: its bytes alone, in records that have no time and end no line. Asked for with
     * times, one stands in the midst of a line where a run ended without a newline. */
    bool untimed;
    /* What the Engine says about the log in its midst, and what of it cannot be read. */
    void (*warn)(const char *text);
};

int streamed_log_receive(int *ret_fd, const struct streamed_log_options *options,
                         struct error *error) MUST_CHECK;
