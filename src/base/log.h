/* log — our own log: one line per fact, logfmt, to stderr.
 *
 *     log_line(LOG_WARN, "route.waiting", "the output is full; retrying", "route=%s", name);
 *     time=… level=warn event=route.waiting msg="the output is full; retrying" route=archive
 *
 * The event is stable (people alert on it); the message says the cause and what happens next. Never
 * a line per captured line: what may repeat goes through a log_limit.
 *
 * - Thread: any; a line is one write(2).
 * - Limits: LOG_LINE_MAX bytes a line, cut at the end.
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum { LOG_LINE_MAX = 2048 /* bytes */ };

void log_set_level(enum log_level level);
enum log_level log_level(void);

/* `fields` is a printf format of logfmt pairs; quote what may hold spaces with log_quote(). */
void log_line(enum log_level level, const char *event, const char *message, const char *fields, ...)
    PRINTF_LIKE(4, 5);

/* The same without fields. */
void log_fact(enum log_level level, const char *event, const char *message);

/* A value as logfmt wants it: quoted and escaped where it has to be. Returns `to`. */
enum { LOG_QUOTED_MAX = 512 /* bytes, cut at the end */ };
struct log_quoted {
    char text[LOG_QUOTED_MAX];
};
const char *log_quote(struct log_quoted *to, const char *value);
#define LOG_QUOTE(value) log_quote(&(struct log_quoted){0}, (value))

/* Lets one line through per `interval_ns`, and counts what it held back. Zero-initialised. */
struct log_limit {
    int64_t next_ns; /* monotonic */
    uint64_t suppressed;
};
/* True: write the line (and add *ret_suppressed to it). */
bool log_limit_pass(struct log_limit *limit, int64_t interval_ns, uint64_t *ret_suppressed);
