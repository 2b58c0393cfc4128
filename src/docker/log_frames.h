/* log_frames — the body of GET /containers/{id}/logs?timestamps=1: bytes in, records out.
 *
 * A container without a TTY: frames `type(1) 000 size(4, big-endian) payload`, one for each record
 * of the log; payload = time SP text, with a newline where the record ends its line. With a TTY the
 * payloads alone, so that it is guessed where a record begins: behind a newline, and where 16,384
 * bytes of a line are full. There the end of a run without a newline cannot be told from the line
 * that follows it.
 *
 * Of a line that Docker cut, each chunk is a record, and all bear the time of the first. But the
 * journal gives each a time of its own, so that nothing tells what goes on there but a full chunk
 * without a newline. An Engine up to 22 leaves out what is empty, also the end of a line of exactly
 * 16,384 bytes; but asked for details it tells the chunks' numbers, among what else it knows of a
 * record: `time SP details SP text`, details = `key=value,…`, encoded as in a URL. A later one
 * keeps these numbers to itself, and leaves nothing out.
 *
 * What the Engine says *about* a log stands in its midst: frames of type 3, and with a TTY lines
 * without a time. It is handed out as a fault.
 *
 * Source of the format: docker-logs §5, §6.6 (Engine API 1.24 to 1.55).
 *
 * - Owns: one buffer, given back whenever nothing is in it.
 * - Limits: LOG_FRAME_BYTES_MAX a frame; a longer one is passed over and counted.
 * - Thread: one.
 */
#pragma once

#include "base/buf.h"
#include "model/container.h"
#include "model/entry.h"

enum {
    LOG_FRAME_BYTES_MAX = RECORD_BYTES_MAX - 1024, /* leaves room for another form's own frame */
};

/* How the Engine sends a log. */
struct log_shape {
    bool tty;       /* without frames */
    bool own_times; /* each chunk of a line has its own */
};

struct log_shape log_shape_of(const struct container *c);

/* Whether it is to be asked for with details. Not for a terminal, where one could not tell details
 * from text. */
static inline bool log_shape_is_detailed(struct log_shape shape)
{
    return shape.own_times && !shape.tty;
}

struct log_record {
    struct span text; /* without the newline; lives until the next call */
    int64_t time_ns;
    enum stream stream;
    bool ends_line;
    bool starts_line; /* it is known to continue nothing */
    bool is_fault;    /* the Engine's own words; of the rest only `text` holds */
};

struct log_frames {
    struct log_shape shape;
    bool finished;
    bool numbered;     /* its details tell the numbers of chunks */
    bool broken;       /* here no frame begins: what follows cannot be read */
    bool inside;       /* TTY: of a line whose newline has not come yet … */
    int64_t line_ns;   /* … and its time */
    size_t to_skip;    /* bytes of a frame that is too long */
    uint64_t nonsense; /* frames that were passed over: too long, or without a time */
    struct buf pending;
    size_t taken; /* bytes of `pending` that are done with */
};

void log_frames_init(struct log_frames *f, struct log_shape shape);
void log_frames_deinit(struct log_frames *f);

/* 0 or -ENOMEM. All that is whole is to be taken before the next feed. */
int log_frames_feed(struct log_frames *f, struct span bytes) MUST_CHECK;
/* The body ended in order: what a TTY has left without a newline is a record, too. */
void log_frames_finish(struct log_frames *f);
/* False: no whole record is there (yet), or it is `broken`. */
bool log_frames_next(struct log_frames *f, struct log_record *ret);
