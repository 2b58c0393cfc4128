// SPDX-License-Identifier: Apache-2.0
/* decode — what a line of json-file costs to decode, beside what it costs just to read it, and
 * beside the same lines as the local driver keeps them.
 *
 *   decode FILE [--passes N] [--plain]
 *
 * CPU time per line, the least of the passes. "decode" is over the file in memory, a quantum at a
 * time as a pull does it; "read+decode" preads each quantum first; "local" is over the same lines
 * in frames, of which it first finds the whole ones. --plain: `key value` lines.
 */
#include "base/clock.h"
#include "source/json_file/json_file.h"
#include "source/local_file/frame.h"
#include "source/local_file/frame_write.h"
#include "source/local_file/local_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct bench {
    int fd;
    char *file;        /* all of it, with BUF_SLACK behind */
    size_t size;       /* bytes */
    char *quantum;     /* READ_QUANTUM_BYTES and BUF_SLACK */
    struct buf frames; /* its lines, as the local driver keeps them */
    struct json_file decoder;
    struct batch batch;
    size_t lines;
    int passes;
    bool plain;
};

static const char *const isa_words[] = {"portable", "sse2", "avx2"};
static const char *const form_words[] = {"bytes", "json"};

/* A pass over all of the file; returns how many lines it saw. */
typedef size_t pass_fn(struct bench *b);

/* The whole lines at the start of `s`. */
static struct span whole_lines(struct span s)
{
    const char *last = memrchr(s.data, '\n', s.size);
    if (!last) {
        fprintf(stderr, "decode: a line longer than %d bytes\n", READ_QUANTUM_BYTES);
        exit(1);
    }
    return (struct span){s.data, (size_t)(last - s.data) + 1};
}

static size_t decode_lines(struct bench *b, struct span lines, size_t *ret_consumed)
{
    const struct record_position at = {.serial = 1, .after_ns = GAP_TIME_UNKNOWN};
    struct record_result result;
    batch_reset(&b->batch);
    json_file_decode(&b->decoder, lines, &at, &b->batch, &result);
    *ret_consumed = result.consumed;
    return b->batch.count;
}

static size_t pass_decode(struct bench *b)
{
    size_t lines = 0;
    for (size_t at = 0; at < b->size;) {
        size_t left = b->size - at, consumed;
        struct span s = {b->file + at, left < READ_QUANTUM_BYTES ? left : READ_QUANTUM_BYTES};
        lines += decode_lines(b, whole_lines(s), &consumed);
        at += consumed;
    }
    return lines;
}

static size_t pread_quantum(struct bench *b, size_t at)
{
    ssize_t n = pread(b->fd, b->quantum, READ_QUANTUM_BYTES, (off_t)at);
    if (n <= 0) {
        perror("decode: pread");
        exit(1);
    }
    return (size_t)n;
}

static size_t pass_read_decode(struct bench *b)
{
    size_t lines = 0;
    for (size_t at = 0; at < b->size;) {
        struct span s = {b->quantum, pread_quantum(b, at)};
        size_t consumed;
        lines += decode_lines(b, whole_lines(s), &consumed);
        at += consumed;
    }
    return lines;
}

static size_t pass_read(struct bench *b)
{
    for (size_t at = 0; at < b->size;)
        at += pread_quantum(b, at);
    return b->lines;
}

static size_t pass_local(struct bench *b)
{
    const struct record_position at = {.serial = 1, .after_ns = GAP_TIME_UNKNOWN};
    struct record_result result;
    size_t lines = 0;
    for (size_t offset = 0; offset < b->frames.size; offset += result.consumed) {
        size_t left = b->frames.size - offset;
        struct span s = {b->frames.data + offset,
                         left < READ_QUANTUM_BYTES ? left : READ_QUANTUM_BYTES};
        s.size = frames_whole(s);
        batch_reset(&b->batch);
        local_file_decode(s, &at, &b->batch, &result);
        lines += b->batch.count;
    }
    return lines;
}

static size_t pass_newlines(struct bench *b)
{
    size_t lines = 0;
    const char *end = b->file + b->size;
    for (const char *p = b->file; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        lines++;
    return lines;
}

static void report(const struct bench *b, const char *what, int64_t ns)
{
    double per_line = (double)ns / (double)b->lines, per_second = (double)b->size / (double)ns;
    if (b->plain)
        printf("%s_ns_per_line %.2f\n%s_gb_per_s %.3f\n", what, per_line, what, per_second);
    else
        printf("%-28s %8.1f ns/line %8.2f GB/s\n", what, per_line, per_second);
}

static void measure(struct bench *b, const char *what, pass_fn *pass)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < b->passes; i++) {
        int64_t start = clock_of(CLOCK_THREAD_CPUTIME_ID);
        size_t lines = pass(b);
        int64_t took = clock_of(CLOCK_THREAD_CPUTIME_ID) - start;
        if (b->lines == 0)
            b->lines = lines;
        if (lines != b->lines) {
            fprintf(stderr, "decode: %s saw %zu lines of %zu\n", what, lines, b->lines);
            exit(1);
        }
        if (took < least)
            least = took;
    }
    report(b, what, least);
}

static void measure_decoders(struct bench *b, pass_fn *pass, const char *prefix)
{
    for (int form = FORM_BYTES; form <= FORM_JSON; form++) {
        for (int isa = 0; isa < JSON_FILE_ISA_COUNT; isa++) {
            json_file_init(&b->decoder, (enum message_form)form);
            b->batch.form = (enum message_form)form;
            if (json_file_use(&b->decoder, (enum json_file_isa)isa) < 0)
                continue;
            char what[64];
            snprintf(what, sizeof(what), "%s_%s_%s", prefix, form_words[form], isa_words[isa]);
            measure(b, what, pass);
        }
    }
}

/* Those of a corpus of whole lines. */
static int make_frames(struct bench *b)
{
    json_file_init(&b->decoder, FORM_BYTES);
    b->batch.form = FORM_BYTES;
    b->frames = BUF_INIT(2 * b->size + RECORD_BYTES_MAX);
    for (size_t at = 0, consumed; at < b->size; at += consumed) {
        size_t left = b->size - at;
        struct span s = {b->file + at, left < READ_QUANTUM_BYTES ? left : READ_QUANTUM_BYTES};
        decode_lines(b, whole_lines(s), &consumed);
        for (size_t i = 0; i < b->batch.count; i++) {
            const struct entry *e = &b->batch.entries[i];
            int r = local_frame_write(&b->frames, e->stream, e->time_ns, e->message, NULL);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static void measure_local(struct bench *b)
{
    for (int form = FORM_BYTES; form <= FORM_JSON; form++) {
        char what[64];
        snprintf(what, sizeof(what), "decode_local_%s", form_words[form]);
        b->batch.form = (enum message_form)form;
        measure(b, what, pass_local);
    }
}

static int load(struct bench *b, const char *path)
{
    struct stat st;
    b->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (b->fd < 0 || fstat(b->fd, &st) < 0)
        return -errno;
    b->size = (size_t)st.st_size;
    b->file = malloc(b->size + BUF_SLACK);
    b->quantum = malloc(READ_QUANTUM_BYTES + BUF_SLACK);
    if (!b->file || !b->quantum)
        return -ENOMEM;
    for (size_t at = 0; at < b->size;) {
        ssize_t n = pread(b->fd, b->file + at, b->size - at, (off_t)at);
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        at += (size_t)n;
    }
    if (b->size == 0 || b->file[b->size - 1] != '\n')
        return -EINVAL; /* whole lines only */
    int r = batch_init(&b->batch, FORM_BYTES);
    return r < 0 ? r : make_frames(b);
}

int main(int argc, char **argv)
{
    static struct bench b = {.fd = -1, .passes = 5};
    const char *path = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--plain") == 0)
            b.plain = true;
        else if (strcmp(argv[i], "--passes") == 0 && i + 1 < argc)
            b.passes = (int)strtol(argv[++i], NULL, 10);
        else
            path = argv[i];
    }
    if (!path || b.passes < 1) {
        fprintf(stderr, "usage: decode FILE [--passes N] [--plain]\n");
        return 2;
    }
    int r = load(&b, path);
    if (r < 0) {
        fprintf(stderr, "decode: %s: %s\n", path, strerror(-r));
        return 1;
    }

    measure(&b, "newlines", pass_newlines);
    measure(&b, "read", pass_read);
    measure_decoders(&b, pass_decode, "decode");
    measure_decoders(&b, pass_read_decode, "read_decode");
    measure_local(&b);

    batch_deinit(&b.batch);
    buf_deinit(&b.frames);
    free(b.file);
    free(b.quantum);
    close(b.fd);
    return 0;
}
