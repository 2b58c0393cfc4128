// SPDX-License-Identifier: Apache-2.0
#include "cli/streamed_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "base/limits.h"
#include "docker/log_frames.h"
#include "docker/log_stream.h"
#include "source/local_file/frame_write.h"
#include "source/spool.h"

enum {
    DEADLINE_MS = 10 * 1000,
    BATCH_MAX = 4 * 1024 * 1024, /* bytes of what one read of the socket becomes */
};

struct receiving {
    const struct streamed_log_options *options;
    struct log_streams *connections;
    struct log_frames frames;
    struct spool_marks marks;
    struct buf batch;
    int fd;
    bool ended;
    int code; /* of the whole */
    struct error *error;
};

static int open_nameless(struct error *error)
{
    const char *directory = getenv("TMPDIR");
    char path[PATH_BYTES_MAX];
    if (!directory || !*directory)
        directory = "/var/tmp";
    if (snprintf(path, sizeof(path), "%s/tallyman-XXXXXX", directory) >= (int)sizeof(path))
        return error_set(error, -ENAMETOOLONG, "%s: too long", directory);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return error_set(error, -errno, "no file for the log can be made in %s: %s", directory,
                         strerror(errno));
    unlink(path);
    return fd;
}

/* The first failure is the one that is told. */
static void fail(struct receiving *r, int code, const char *text)
{
    if (r->code == 0)
        r->code = error_set(r->error, code, "%s", text);
    r->ended = true;
}

static int write_batch(struct receiving *r)
{
    for (size_t at = 0; at < r->batch.size;) {
        ssize_t n = write(r->fd, r->batch.data + at, r->batch.size - at);
        if (n < 0 && errno != EINTR)
            return -errno;
        at += n > 0 ? (size_t)n : 0;
    }
    buf_clear(&r->batch);
    return 0;
}

static void tell_fault(const struct receiving *r, struct span said)
{
    struct error text;
    error_set(&text, 0, "the Engine has trouble with this log: %.*s", (int)said.size,
              said.data ? said.data : "");
    r->options->warn(text.text);
}

static int append_record(struct receiving *r, const struct log_record *record)
{
    const struct spool_entry entry = {
        .text = record->text,
        .time_ns = record->time_ns,
        .stream = record->stream,
        .ends_line = record->ends_line,
        .own_time = r->frames.shape.own_times,
        .starts_line = record->starts_line,
    };
    return spool_frame(&r->batch, &r->marks, &entry);
}

static int append_records(struct receiving *r)
{
    struct log_record record;
    int code = 0;

    while (code == 0 && log_frames_next(&r->frames, &record)) {
        if (record.is_fault)
            tell_fault(r, record.text);
        else
            code = append_record(r, &record);
    }
    return code;
}

static int append_bytes(struct receiving *r, struct span bytes)
{
    int code = 0;
    while (code == 0 && bytes.size) {
        size_t size = bytes.size < SOURCE_CHUNK_BYTES ? bytes.size : SOURCE_CHUNK_BYTES;
        code = local_frame_write(&r->batch, STREAM_STDOUT, 0, (struct span){bytes.data, size},
                                 &(struct local_partial){.last = false});
        bytes = (struct span){bytes.data + size, bytes.size - size};
    }
    return code;
}

/* `code`: of the appending. False where something went wrong. */
static bool keep(struct receiving *r, int code)
{
    if (code == 0)
        code = write_batch(r);
    if (code < 0) {
        struct error text;
        error_set(&text, code, "what the Engine sends cannot be kept: %s", strerror(-code));
        fail(r, code, text.text);
    } else if (r->frames.broken) {
        fail(r, -EBADMSG, "what the Engine sends is no log");
    }
    return r->code == 0;
}

static void on_pinged(void *context, int code, const char *text)
{
    struct receiving *r = context;
    struct log_stream *stream; /* the connections' to close */

    if (code == 0) {
        const struct log_stream_request request = {
            .id = r->options->container->id,
            .since_ns = r->options->since_ns > 0 ? r->options->since_ns : 0,
            .details = log_shape_is_detailed(r->frames.shape),
        };
        code = log_stream_start(&stream, r->connections, &request, r);
        text = "no memory for a connection";
    }
    if (code)
        fail(r, code, text);
}

static bool on_received(void *owner, struct span bytes)
{
    struct receiving *r = owner;
    if (r->options->untimed)
        return keep(r, append_bytes(r, bytes));
    int code = log_frames_feed(&r->frames, bytes);
    return keep(r, code < 0 ? code : append_records(r));
}

static void on_ended(void *owner, enum log_stream_end end, const char *text)
{
    struct receiving *r = owner;

    r->ended = true;
    switch (end) {
    case LOG_STREAM_ENDED:
        log_frames_finish(&r->frames);
        (void)keep(r, append_records(r));
        break;
    case LOG_STREAM_GONE: fail(r, -ENOENT, "the Engine has it no more"); break;
    case LOG_STREAM_UNREADABLE:
        fail(r, -ENOTSUP, "its log cannot be read back, says the Engine");
        break;
    case LOG_STREAM_GIVEN_UP: break; /* by keep, which said why */
    case LOG_STREAM_BROKEN:
    case LOG_STREAM_REFUSED: fail(r, -EPROTO, text); break;
    }
}

/* Leaves the result in r->code. */
static void receive(struct receiving *r)
{
    int code = log_streams_ping(r->connections);
    if (code < 0)
        fail(r, code, "there is no Engine to ask");
    while (!r->ended) {
        log_streams_step(r->connections);
        code = r->ended ? 0 : log_streams_poll(r->connections, -1, -1);
        if (code < 0)
            fail(r, code, "waiting for the Engine failed");
    }
    if (r->code == 0 && r->frames.nonsense) {
        struct error text;
        error_set(&text, 0, "%" PRIu64 " records that the Engine sent cannot be read",
                  r->frames.nonsense);
        r->options->warn(text.text);
    }
}

int streamed_log_receive(int *ret_fd, const struct streamed_log_options *options,
                         struct error *error)
{
    CLEANUP(close_fd) int fd = open_nameless(error);
    if (fd < 0)
        return fd;
    struct receiving r = {
        .options = options, .batch = BUF_INIT(BATCH_MAX), .fd = fd, .error = error};
    const struct log_streams_options connections = {
        .host = options->docker_host,
        .deadline_ms = DEADLINE_MS,
        .once = true,
        .untimed = options->untimed,
        .callbacks = {on_pinged, on_received, on_ended},
        .context = &r,
    };
    int code = log_streams_open(&r.connections, &connections, error);
    if (code < 0)
        return code;
    log_frames_init(&r.frames, log_shape_of(options->container));
    receive(&r);
    log_frames_deinit(&r.frames);
    buf_deinit(&r.batch);
    log_streams_close(r.connections);
    if (r.code == 0)
        *ret_fd = TAKE_FD(fd);
    return r.code;
}
