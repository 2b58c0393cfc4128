/* history — all that was ever written into the log of one container, and what became of the files:
 * what an all-knowing reader would deliver.
 *
 * Records stand in the order of writing, which is the order of reading. A line of more than one
 * record was cut by Docker. What was destroyed bears the reasons that a gap over it may have.
 *
 * - Owns: its arrays. Text is not kept: it is made again from the line's number.
 */
#pragma once

#include "base/buf.h"
#include "model/entry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_NONE SIZE_MAX
#define LOSS(reason) (1u << (reason))
#define LOSS_UNKNOWN (1u << 31) /* nobody can know of it: no gap has to be booked */

struct line {
    int64_t time_ns; /* of all its records; no two lines have the same */
    uint64_t number; /* makes its text */
    uint64_t size;   /* source bytes, without the newline */
    unsigned stream;
    bool terminated;
    bool ended; /* all its records are written */
    size_t first_record, last_record;
    unsigned name_oldest, name_newest; /* of the container, while it was written */
};

struct record {
    size_t line;
    size_t next; /* of the same line; HISTORY_NONE */
    unsigned generation;
    uint64_t from, size;  /* its part of the line's text */
    uint64_t file_bytes;  /* in the file, with its newline */
    unsigned may_be_lost; /* bits: LOSS of a reason; beside the generation's */
};

/* Bytes that are no record. */
struct damage {
    enum gap_reason reason;
    bool blank; /* an empty line, which is no damage beside records */
    unsigned generation;
    size_t records_before;
    uint64_t bytes;
};

struct generation {
    unsigned names;       /* that a look finds it by */
    bool seen;            /* a look has found it */
    bool only_descriptor; /* nothing but our descriptor keeps it */
    bool half_packed;     /* beside it lies a .gz that will never be finished */
    bool emptied;         /* it is what followed in a file that was emptied in place */
    unsigned may_be_lost; /* as in a record, for all of them */
    size_t records;
};

struct history {
    unsigned number; /* of the container */
    struct line *lines;
    size_t line_count;
    struct record *records;
    size_t record_count;
    struct damage *damages;
    size_t damage_count;
    struct generation *generations;
    size_t generation_count;
    unsigned excuses[GAP_REASON_COUNT]; /* gaps that may be booked although nothing is missing */
};

void history_deinit(struct history *h);
struct line *history_begin_line(struct history *h, struct line line);
struct record *history_add_record(struct history *h, struct record record);
void history_add_damage(struct history *h, struct damage damage);
unsigned history_add_generation(struct history *h);

/* Bytes [from, from + size) of a line's text. */
void history_text(const struct history *h, const struct line *line, uint64_t from, uint64_t size,
                  struct buf *to);

/* Why this record may be missing. */
unsigned history_may_be_lost(const struct history *h, size_t record);

/* The reason under which the damage must be booked; GAP_REASON_COUNT: under none. */
enum gap_reason history_reason(const struct history *h, const struct damage *damage);

/* The newest that a look has found; HISTORY_NONE. */
size_t history_newest_seen(const struct history *h);

/* Was that one emptied in place? Docker counts on, so its size does not tell whether Docker has
 * rotated since. */
bool history_misleads(const struct history *h);

/* The line of that time; HISTORY_NONE. */
size_t history_find_line(const struct history *h, int64_t time_ns);
