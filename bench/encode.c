// SPDX-License-Identifier: Apache-2.0
/* encode — what a line of json-file costs on its way into a request: copying it there, and encoding
 * it for Loki, without compression and with it.
 *
 *   encode FILE
 *
 * Some rounds over the file's first few requests; prints `key value` lines: nanoseconds of CPU a
 * line. Beside it: a copy of the same messages, one by one. "bare" is without structured metadata,
 * "none" with all of it, which is more than the lines themselves; so is what is compressed.
 */
#include "base/check.h"
#include "base/clock.h"
#include "sink/http/compress.h"
#include "sink/loki/push.h"
#include "source/json_file/json_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REQUESTS = 4, ROUNDS = 8, REQUEST_BYTES = 1024 * 1024 /* as batch.bytes has it */ };

struct bench {
    struct request requests[REQUESTS];
    size_t count, lines;
    struct container *container;
    struct sink_target target;
    struct loki_targets targets;
    struct loki_labels labels;
    struct loki_plan plan;
    struct loki_notes notes;
    struct buf raw, body;
    struct compressor *compressor; /* NULL: the body stays as it was encoded */
    int64_t copy_ns;               /* spent in filling requests */
};

static int64_t cpu_ns(void)
{
    return clock_of(CLOCK_THREAD_CPUTIME_ID);
}

static void make_container(struct bench *b)
{
    struct pair labels[] = {{"com.docker.compose.project", "shop"},
                            {"com.docker.compose.service", "web"},
                            {"tier", "front"}};
    struct pair network = {"shop_default", "172.18.0.2"};
    struct container_fields fields = {
        .id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .name = "shop-web-1",
        .image = "nginx:1.27",
        .state = "running",
        .hostname = "0123456789ab",
        .command = "nginx",
        .labels = {labels, ARRAY_SIZE(labels)},
        .networks = {&network, 1},
        .network_mode = "shop_default",
        .constants = CONTAINER_CONSTANTS_DEFAULT,
    };
    CHECK(container_new(&b->container, &fields) == 0);
}

static void set_metadata(struct bench *b, struct option_texts metadata)
{
    loki_target_drop(&b->targets, &b->target);
    CHECK(loki_labels_init(&b->labels, LOKI_PROTOBUF, (struct option_texts){0}, metadata, "host-1",
                           NULL) == 0);
}

/* A pull's lines; false where there are none left. */
static bool decode(struct json_file *decoder, int fd, off_t *at, char *quantum, struct batch *batch)
{
    const struct record_position position = {.serial = 1, .after_ns = GAP_TIME_UNKNOWN};
    struct record_result result;
    ssize_t n = pread(fd, quantum, READ_QUANTUM_BYTES, *at);
    const char *last = n > 0 ? memrchr(quantum, '\n', (size_t)n) : NULL;
    if (!last)
        return false;
    batch_reset(batch);
    json_file_decode(decoder, (struct span){quantum, (size_t)(last - quantum) + 1}, &position,
                     batch, &result);
    *at += (off_t)result.consumed;
    return true;
}

static void fill(struct bench *b, int fd)
{
    struct json_file decoder;
    struct batch batch;
    off_t at = 0;
    char *quantum = malloc(READ_QUANTUM_BYTES + BUF_SLACK);
    CHECK(quantum && batch_init(&batch, FORM_BYTES) == 0);
    json_file_init(&decoder, FORM_BYTES);
    batch.container = b->container;
    b->count = b->lines = 0;
    b->copy_ns = 0;
    for (; b->count < REQUESTS; b->count++) {
        struct request *q = &b->requests[b->count];
        request_clear(q);
        while (q->bytes < REQUEST_BYTES && decode(&decoder, fd, &at, quantum, &batch)) {
            int64_t before_ns = cpu_ns();
            CHECK(request_add(q, &b->target, (struct request_terms){0}, &batch) == 0);
            b->copy_ns += cpu_ns() - before_ns;
        }
        if (q->count == 0)
            break;
        b->lines += q->count;
    }
    batch_deinit(&batch);
    free(quantum);
}

/* What any encoder does at least. */
static void copy(struct bench *b, const struct request *q)
{
    for (size_t i = 0; i < q->count; i++)
        buf_append(&b->raw, q->entries[i].message);
}

static void encode(struct bench *b, const struct request *q)
{
    CHECK(loki_target_use(&b->targets, &b->target, &b->labels, b->container) == 0);
    CHECK(loki_plan_make(&b->plan, q, (struct request_range){0, q->count}) == 0);
    CHECK(loki_plan_note(&b->plan, &b->notes) == 0);
    loki_push_protobuf(&b->labels, &b->plan, &b->raw);
}

static double pass(struct bench *b, void (*work)(struct bench *b, const struct request *q))
{
    int64_t before_ns = cpu_ns();
    for (size_t i = 0; i < ROUNDS * b->count; i++) {
        size_t skip;
        compress_begin(&b->raw);
        work(b, &b->requests[i % b->count]);
        if (b->compressor)
            CHECK(compress_finish(b->compressor, &b->raw, &b->body, &skip, NULL) == 0);
        CHECK(b->raw.failed == 0);
    }
    return (double)(cpu_ns() - before_ns) / (double)(ROUNDS * b->lines);
}

static void measure(struct bench *b)
{
    static const char *const none[] = {"none"};
    static const struct {
        const char *name;
        enum compression kind;
        struct option_texts metadata;
    } rows[] = {{"encode_loki_bare", COMPRESSION_SNAPPY_STORED, {none, 1}},
                {"encode_loki_none", COMPRESSION_SNAPPY_STORED, {0}},
                {"encode_loki_snappy", COMPRESSION_SNAPPY, {0}}};
    b->raw = b->body = BUF_INIT(COMPRESS_CONTENT_MAX);
    pass(b, copy); /* the buffers grow */
    printf("request_ns %.2f\n", (double)b->copy_ns / (double)b->lines);
    printf("copy_ns %.2f\n", pass(b, copy));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CHECK(compressor_new(&b->compressor, rows[i].kind) == 0);
        set_metadata(b, rows[i].metadata);
        pass(b, encode);
        printf("%s_ns %.2f\n", rows[i].name, pass(b, encode));
        b->compressor = compressor_free(b->compressor);
    }
}

int main(int argc, char **argv)
{
    static struct bench b;
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        fprintf(stderr, "usage: encode FILE\n");
        return 2;
    }
    make_container(&b);
    for (size_t i = 0; i < REQUESTS; i++)
        request_init(&b.requests[i], FORM_BYTES);
    fill(&b, fd);
    fill(&b, fd); /* as in the long run: what is kept of a request is there */
    if (b.count == 0) {
        fprintf(stderr, "encode: %s: no lines\n", argv[1]);
        return 1;
    }
    measure(&b);

    for (size_t i = 0; i < b.count; i++)
        request_deinit(&b.requests[i]);
    loki_target_drop(&b.targets, &b.target);
    loki_plan_deinit(&b.plan);
    free(b.notes.items);
    buf_deinit(&b.raw);
    buf_deinit(&b.body);
    container_unref(b.container);
    close(fd);
    return 0;
}
