/* log_frames — the body of GET /containers/{id}/logs?timestamps=1: bytes in, records out.
 *
 * A container without a TTY: frames `type(1) 000 size(4, big-endian) payload`, one for each record
 * of the log; payload = time SP text, with a newline where the record ends its line. With a TTY the
 * payloads alone, so that it is guessed where a record begins: behind a newline, and where 16,384
 * bytes of a line are full. There the end of a run without a newline cannot be told from the line
 * that follows it.
 *
 * What the Engine says *about* a log stands in its midst: frames of type 3, and with a TTY lines
 * without a time. It is handed out as a fault.
 *
 * Source of the format: docker-logs §6.6 (Engine API 1.24 to 1.55).
 *
 * - Owns: one buffer, given back whenever nothing is in it.
 * - Limits: LOG_FRAME_BYTES_MAX a frame; a longer one is passed over and counted.
 * - Thread: one.
 */
#pragma once

#include "base/buf.h"
#include "model/entry.h"

enum {
    LOG_FRAME_BYTES_MAX = RECORD_BYTES_MAX - 1024, /* leaves room for another form's own frame */
};

struct log_record {
    struct span text; /* without the newline; lives until the next call */
    int64_t time_ns;
    enum stream stream;
    bool ends_line;
    bool is_fault; /* the Engine's own words; of the rest only `text` holds */
};

struct log_frames {
    bool tty, finished;
    bool broken;       /* here no frame begins: what follows cannot be read */
    bool inside;       /* TTY: of a line whose newline has not come yet … */
    int64_t line_ns;   /* … and its time */
    size_t to_skip;    /* bytes of a frame that is too long */
    uint64_t nonsense; /* frames that were passed over: too long, or without a time */
    struct buf pending;
    size_t taken; /* bytes of `pending` that are done with */
};

void log_frames_init(struct log_frames *f, bool tty);
void log_frames_deinit(struct log_frames *f);

/* 0 or -ENOMEM. All that is whole is to be taken before the next feed. */
int log_frames_feed(struct log_frames *f, struct span bytes) MUST_CHECK;
/* The body ended in order: what a TTY has left without a newline is a record, too. */
void log_frames_finish(struct log_frames *f);
/* False: no whole record is there (yet), or it is `broken`. */
bool log_frames_next(struct log_frames *f, struct log_record *ret);
