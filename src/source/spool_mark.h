/* spool_mark — how far a log was received, and which records of a new answer were received before.
 *
 * The Engine is asked for the log `since` a time, that instant included. What it sends again has to
 * be dropped without dropping anything else. Within a stream the records stand in the order of
 * their times, and those of one time in an order that does not change, so per stream the time of
 * the last one and how many bear it say where to go on. Between the streams the order is not quite
 * that of the times, and the chunks of a long line bear the time of its first: so it is asked from
 * SPOOL_OVERLAP_NS before the last record, and from the time of a line that is not whole. The last
 * as they stand, not the newest: where the clock has stepped back an Engine up to 23, which looks
 * at the time of each record, would else leave out what came behind that step.
 *
 * A spool numbers the chunks of a line as they come. A full one without a newline is followed by
 * the next on the same stream: with the same time, or with any (`own_time`), so that the reader of
 * a spool needs their numbers alone.
 *
 * What the container wrote in that window, or had written since then by a clock that has stepped
 * back, may come twice.
 *
 * - Owns: nothing; plain data.
 * - Source of the behaviour: docker-logs §2.5, §6.6.
 */
#pragma once

#include "base/clock.h"
#include "model/entry.h"

#define SPOOL_OVERLAP_NS NS_PER_SECOND

/* A record as it is received: a line, or a chunk of one. */
struct spool_entry {
    struct span text; /* without the newline */
    int64_t time_ns;
    enum stream stream;
    bool ends_line;
    bool own_time;    /* the chunks of a line bear each its own time, not all that of the first */
    bool starts_line; /* it is known to continue nothing */
};

/* The last record of a stream. */
struct spool_mark {
    uint64_t count; /* records of this time, from the last one back; 0: none is known */
    int64_t time_ns;
    uint32_t ordinal; /* of a chunk: 1, 2, 3 … of its line; else 0 */
    bool open;        /* a chunk that another one is to follow */
    bool cut_off;     /* without a newline, and too short for a chunk: the end of a run */
};

struct spool_marks {
    struct spool_mark streams[STREAM_COUNT];
    int64_t last_ns; /* of the last record of all; 0: none is known */
};

void spool_marks_note(struct spool_marks *m, const struct spool_entry *entry);

/* What of an answer was received before. */
struct spool_overlap {
    int64_t since_ns; /* to ask from; 0: all there is */
    struct {
        int64_t time_ns;
        uint64_t left; /* records of that time that are still to come again; 0: it is over */
    } streams[STREAM_COUNT];
};

/* `tty`: the answer comes without frames, where the end of a run without a newline could not be
 * told from what follows. So it is not asked for again. */
void spool_overlap_begin(struct spool_overlap *o, const struct spool_marks *m, bool tty);
/* Is the record new? To be asked once for each, in order. */
bool spool_overlap_passes(struct spool_overlap *o, enum stream stream, int64_t time_ns);

/* Steps back through whole frames to find the marks, the newest bytes first. `frames` ends where a
 * frame ends, and may begin within one. True: all is found that an overlap needs. *ret_left: the
 * bytes at its start that were not looked at. */
struct spool_search {
    struct spool_marks *marks;
    bool closed[STREAM_COUNT]; /* a record of another time was met */
};
bool spool_search_back(struct spool_search *s, struct span frames, size_t *ret_left);

/* The bytes of a file up to the end of its last whole frame. */
size_t spool_whole_size(struct span file);
