// SPDX-License-Identifier: Apache-2.0
#include "docker/log_frames.h"

#include <endian.h>
#include <errno.h>

#include "base/rfc3339.h"

enum {
    HEAD_SIZE = 8,                 /* type, three zeros, size */
    STAMP_SIZE = RFC3339_SIZE + 1, /* with the space */
    PENDING_MAX = 4 * 1024 * 1024, /* a frame that is not whole, and one feed */
};

enum frame_type { FRAME_STDIN, FRAME_STDOUT, FRAME_STDERR, FRAME_SYSTEM_ERROR };

#define DETAIL_CHUNK_NUMBER "CONTAINER_PARTIAL_ORDINAL="

struct log_shape log_shape_of(const struct container *c)
{
    return (struct log_shape){.tty = c->tty, .own_times = strcmp(c->log_driver, "journald") == 0};
}

void log_frames_init(struct log_frames *f, struct log_shape shape)
{
    *f = (struct log_frames){.shape = shape, .pending = BUF_INIT(PENDING_MAX)};
}

void log_frames_deinit(struct log_frames *f)
{
    buf_deinit(&f->pending);
}

static struct span rest(const struct log_frames *f)
{
    if (f->pending.size == 0)
        return (struct span){0};
    return (struct span){f->pending.data + f->taken, f->pending.size - f->taken};
}

/* What was taken gives its room back; a stream that is silent holds no memory. */
static void drop_taken(struct log_frames *f)
{
    struct span left = rest(f);

    if (left.size == 0) {
        buf_deinit(&f->pending);
        f->pending = BUF_INIT(PENDING_MAX);
    } else {
        memmove(f->pending.data, left.data, left.size);
        f->pending.size = left.size;
    }
    f->taken = 0;
}

int log_frames_feed(struct log_frames *f, struct span bytes)
{
    buf_append(&f->pending, bytes);
    return f->pending.failed;
}

void log_frames_finish(struct log_frames *f)
{
    f->finished = true;
}

/* Takes the time and its space off the front. */
static bool take_stamp(struct span *text, int64_t *ret_ns)
{
    struct span stamp = {text->data, RFC3339_SIZE};

    if (text->size < STAMP_SIZE || text->data[RFC3339_SIZE] != ' ' ||
        rfc3339_parse(stamp, ret_ns) != 0)
        return false;
    *text = (struct span){text->data + STAMP_SIZE, text->size - STAMP_SIZE};
    return true;
}

static bool take_newline(struct span *text)
{
    if (text->size == 0 || text->data[text->size - 1] != '\n')
        return false;
    text->size--;
    return true;
}

/* The value of a detail; NULL data where it is not among them. */
static struct span find_detail(struct span details, struct span key)
{
    while (details.size) {
        const char *comma = memchr(details.data, ',', details.size);
        size_t size = comma ? (size_t)(comma - details.data) : details.size;
        if (span_starts_with((struct span){details.data, size}, key))
            return (struct span){details.data + key.size, size - key.size};
        details.data += size + (comma != NULL);
        details.size -= size + (comma != NULL);
    }
    return (struct span){0};
}

/* Takes the details and their space off the front. Of a log whose chunks are numbered, what has no
 * number is no chunk; that they are is known from the first chunk on. */
static bool take_details(struct log_frames *f, struct span *text, bool *ret_starts_line)
{
    const char *space = text->size ? memchr(text->data, ' ', text->size) : NULL;
    if (!space)
        return false;
    struct span details = {text->data, (size_t)(space - text->data)};
    struct span number = find_detail(details, SPAN(DETAIL_CHUNK_NUMBER));

    f->numbered |= number.data != NULL;
    *ret_starts_line = f->numbered && (!number.data || span_equal(number, SPAN("1")));
    *text = (struct span){space + 1, text->size - details.size - 1};
    return true;
}

static bool read_payload(struct log_frames *f, enum frame_type type, struct span payload,
                         struct log_record *ret)
{
    struct log_record record = {.is_fault = type == FRAME_SYSTEM_ERROR};

    record.stream = type == FRAME_STDERR ? STREAM_STDERR : STREAM_STDOUT;
    if (!record.is_fault && !take_stamp(&payload, &record.time_ns))
        return false;
    if (!record.is_fault && log_shape_is_detailed(f->shape) &&
        !take_details(f, &payload, &record.starts_line))
        return false;
    record.ends_line = take_newline(&payload);
    record.text = payload;
    *ret = record;
    return true;
}

/* Over what is there of a frame that is too long. */
static void skip(struct log_frames *f)
{
    size_t there = rest(f).size, size = f->to_skip < there ? f->to_skip : there;

    f->taken += size;
    f->to_skip -= size;
}

static bool head_is_valid(const char *head)
{
    return head[0] <= FRAME_SYSTEM_ERROR && head[0] >= 0 && !head[1] && !head[2] && !head[3];
}

static bool next_frame(struct log_frames *f, struct log_record *ret)
{
    for (;;) {
        skip(f);
        struct span left = rest(f);
        if (f->to_skip || left.size < HEAD_SIZE)
            return false;
        if (!head_is_valid(left.data)) {
            f->broken = true;
            return false;
        }

        uint32_t size;
        memcpy(&size, left.data + 4, sizeof(size));
        size = be32toh(size);
        if (size > LOG_FRAME_BYTES_MAX) {
            f->nonsense++;
            f->to_skip = (size_t)HEAD_SIZE + size;
            continue;
        }
        if (left.size - HEAD_SIZE < size)
            return false;
        f->taken += HEAD_SIZE + size;
        struct span payload = {left.data + HEAD_SIZE, size};
        if (read_payload(f, (enum frame_type)left.data[0], payload, ret))
            return true;
        f->nonsense++;
    }
}

/* How much of `left`, whose text begins at `from`, is one record of a TTY; 0: not to be known yet.
 * Docker cuts at 16,384 bytes at the latest. */
static size_t raw_record_size(const struct log_frames *f, struct span left, size_t from)
{
    size_t most = from + SOURCE_CHUNK_BYTES;
    size_t searched = left.size < most + 1 ? left.size : most + 1;
    const char *newline = memchr(left.data, '\n', searched);

    if (newline)
        return (size_t)(newline + 1 - left.data);
    if (left.size > most)
        return most;
    return f->finished ? left.size : 0;
}

static bool next_raw(struct log_frames *f, struct log_record *ret)
{
    struct span left = rest(f);
    struct log_record record = {.stream = STREAM_STDOUT, .time_ns = f->inside ? f->line_ns : 0};

    if (left.size == 0)
        return false;
    if (left.size < STAMP_SIZE && !f->finished && !memchr(left.data, '\n', left.size))
        return false;
    record.text = left;
    bool stamped = take_stamp(&record.text, &record.time_ns);
    record.text.size = raw_record_size(f, left, stamped ? STAMP_SIZE : 0);
    if (record.text.size == 0)
        return false;

    f->taken += record.text.size;
    record.text.size -= stamped ? STAMP_SIZE : 0;
    record.is_fault = !stamped && !f->inside;
    record.ends_line = take_newline(&record.text);
    f->inside = !record.is_fault && !record.ends_line;
    f->line_ns = record.time_ns;
    *ret = record;
    return true;
}

bool log_frames_next(struct log_frames *f, struct log_record *ret)
{
    if (f->broken)
        return false;
    if (f->pending.size > f->taken && (f->shape.tty ? next_raw(f, ret) : next_frame(f, ret)))
        return true;
    drop_taken(f);
    return false;
}
