// SPDX-License-Identifier: Apache-2.0
/* The body of a container's log, with frames and without, with details and without, fed whole and
 * in small pieces: the same records must come out of it, none larger than promised. */
#include "base/check.h"
#include "docker/log_frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t add(uint64_t sum, struct span text)
{
    for (size_t i = 0; i < text.size; i++)
        sum = (sum ^ (unsigned char)text.data[i]) * UINT64_C(1099511628211);
    return sum;
}

/* A sum over all that comes out. */
static uint64_t read_all(struct span body, struct log_shape shape, size_t step)
{
    struct log_frames frames;
    struct log_record record;
    uint64_t sum = 0;

    log_frames_init(&frames, shape);
    for (size_t at = 0; at < body.size; at += step) {
        size_t piece = body.size - at < step ? body.size - at : step;
        CHECK(log_frames_feed(&frames, (struct span){body.data + at, piece}) == 0);
        if (at + piece == body.size)
            log_frames_finish(&frames);
        while (log_frames_next(&frames, &record)) {
            CHECK(record.text.size <= (shape.tty ? SOURCE_CHUNK_BYTES : LOG_FRAME_BYTES_MAX));
            CHECK(record.stream < STREAM_COUNT);
            sum = add(sum * 31 + (uint64_t)record.time_ns, record.text);
            sum = sum * 31 + record.starts_line * 4u + record.ends_line * 2u + record.is_fault;
        }
        CHECK(frames.broken || frames.pending.size <= LOG_FRAME_BYTES_MAX + step);
    }
    sum = sum * 31 + frames.nonsense * 2 + frames.broken;
    log_frames_deinit(&frames);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span body = {(const char *)data, size};

    if (size > 256 * 1024)
        return 0;
    for (unsigned i = 0; i < 4; i++) {
        struct log_shape shape = {.tty = i & 1, .own_times = i & 2};
        CHECK(read_all(body, shape, size ? size : 1) == read_all(body, shape, 13));
    }
    return 0;
}
