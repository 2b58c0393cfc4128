/* output_upkeep — compresses the rotated files of a sink's outputs, while the route does its work:
 * a slice between its pulls. One file is in hand at a time.
 *
 * What cannot be compressed (the disk is full) stays plain; it is warned about once an hour at
 * most, and tried again after COMPRESS_PAUSE_NS, the next output's first.
 *
 * - Owns: the compressor. Borrows the outputs per call.
 * - Thread: the route's.
 */
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "sink/output_compress.h"
#include "sink/output_table.h"

#define COMPRESS_PAUSE_NS (10 * 60 * NS_PER_SECOND)
enum { UPKEEP_LOOKS_MAX = 16 /* outputs looked at per step */ };

struct output_upkeep {
    struct output_compressor *compressor;
    size_t next; /* the output whose turn it is */
    size_t left; /* outputs to look at in this round */
    int64_t paused_until_ns;
    struct log_limit failure_log;
    uint64_t failures; /* files that could not be compressed at a try; atomic */
};

void output_upkeep_deinit(struct output_upkeep *u);

/* Some of the outputs may have rotated files that are plain: a round begins. */
void output_upkeep_wake(struct output_upkeep *u, const struct output_table *outputs);

/* Something is left that can be done now. */
bool output_upkeep_unfinished(const struct output_upkeep *u, int64_t now_ns);

/* A step of it. When the next is wanted, monotonic; INT64_MAX: after a wake. */
int64_t output_upkeep_step(struct output_upkeep *u, const struct output_table *outputs,
                           int64_t now_ns);
