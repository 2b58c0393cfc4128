// SPDX-License-Identifier: Apache-2.0
#include "agent/streams_private.h"

#include <errno.h>
#include <inttypes.h>

#define FAULT_LOG_INTERVAL_NS (10 * NS_PER_SECOND)

static void spool_failed(struct streams *s, const char *why)
{
    char reason[HEALTH_REASON_MAX];

    s->spool_failed = true;
    snprintf(reason, sizeof(reason), "%s; what is streamed waits at the Engine, trying again", why);
    health_raise(s->health, "stream.spool", s->directory, reason);
}

static void spool_worked(struct streams *s)
{
    if (s->spool_failed)
        health_clear(s->health, "stream.spool", s->directory);
    s->spool_failed = false;
}

int streams_begin(struct streams *s, struct streamed *item, struct error *error)
{
    int r = spool_open(&item->spool, s->directory, item->id, &s->batch, error);
    item->progress = false;
    item->begun_at_ns = clock_monotonic_ns();
    if (r < 0) {
        spool_failed(s, error->text);
        return r;
    }
    spool_overlap_begin(&item->overlap, spool_marks(item->spool), item->shape.tty);
    log_frames_init(&item->frames, item->shape);
    item->ask_again = item->running;
    const struct log_stream_request request = {
        .id = item->id,
        .since_ns = item->overlap.since_ns,
        .details = log_shape_is_detailed(item->shape),
    };
    r = log_stream_start(&item->stream, s->connections, &request, item);
    if (r < 0) {
        streams_end(s, item);
        return error_set(error, r, "no memory for a connection");
    }
    return 0;
}

void streams_end(struct streams *s, struct streamed *item)
{
    item->stream = log_stream_cancel(item->stream);
    if (!item->spool)
        return;
    if (item->frames.nonsense || item->frames.broken)
        log_line(LOG_WARN, "stream.nonsense",
                 "of a log that was received some records could not be read",
                 "container=%.12s records=%" PRIu64 " broken=%s", item->id, item->frames.nonsense,
                 item->frames.broken ? "true" : "false");
    log_frames_deinit(&item->frames);
    s->dropped_files += spool_dropped_files(item->spool);
    item->spool = spool_close(item->spool);
}

/* What the Engine says about a log, in its midst. */
static void hear_fault(struct streams *s, const struct streamed *item, struct span text)
{
    char words[256];
    uint64_t suppressed;

    if (!log_limit_pass(&s->fault_log, FAULT_LOG_INTERVAL_NS, &suppressed))
        return;
    snprintf(words, sizeof(words), "%.*s", (int)text.size, text.data ? text.data : "");
    log_line(LOG_WARN, "stream.fault", "the Engine has trouble with a log that it streams",
             "container=%.12s said=%s suppressed=%" PRIu64, item->id, LOG_QUOTE(words), suppressed);
}

/* Takes all whole records; one write for what is new of them. */
static int take_records(struct streams *s, struct streamed *item)
{
    struct log_record record;
    struct error error = {""};
    int r = 0;

    while (r == 0 && log_frames_next(&item->frames, &record)) {
        if (record.is_fault) {
            hear_fault(s, item, record.text);
            continue;
        }
        if (!spool_overlap_passes(&item->overlap, record.stream, record.time_ns))
            continue;
        const struct spool_entry entry = {
            .text = record.text,
            .time_ns = record.time_ns,
            .stream = record.stream,
            .ends_line = record.ends_line,
            .own_time = item->shape.own_times,
            .starts_line = record.starts_line,
        };
        r = spool_append(item->spool, &entry);
        if (r < 0)
            error_set(&error, r, "no room for a record of %.12s", item->id);
    }
    if (r < 0) {
        buf_clear(&s->batch);
    } else if (s->batch.size) {
        r = spool_flush(item->spool, &error);
        item->progress |= r == 0;
    }
    if (r < 0)
        spool_failed(s, error.text);
    else if (item->progress)
        spool_worked(s);
    return r;
}

bool streams_received(void *owner, struct span bytes)
{
    struct streamed *item = owner;
    struct streams *s = item->streams;

    s->bytes += bytes.size;
    return log_frames_feed(&item->frames, bytes) == 0 && take_records(s, item) == 0 &&
           !item->frames.broken;
}

bool streams_finish(struct streams *s, struct streamed *item)
{
    log_frames_finish(&item->frames);
    return take_records(s, item) == 0;
}
