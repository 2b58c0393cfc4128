// SPDX-License-Identifier: Apache-2.0
/* numbered: what the containers of the integration tests run.
 *
 *     numbered LINES LINES_PER_SECOND [LINE_BYTES [ERR_EACH [TALLY]]]
 *
 * Writes lines `out NNNNNNNN ....` to stdout and, as each ERR_EACH-th, `err NNNNNNNN ....` to
 * stderr; each stream counts for itself, each line is one write. LINES 0: until SIGTERM.
 * LINES_PER_SECOND 0: as fast as it can.
 *
 * TALLY is a file that holds `struct tally`: the numbers go on from there, and whoever reads it
 * knows what was written, however this process ends.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* A line of at most PIPE_BUF is written whole or not at all. */
enum { LINE_BYTES_MAX = 4096, LINE_BYTES_MIN = 14, LINES_PER_NAP = 10, DOUBTFUL_MAX = 64 };

struct stream_tally {
    uint64_t begun;   /* the number after the last line that was to be written */
    uint64_t written; /* the number after the last line that was written */
    uint64_t doubtful_count;
    uint64_t doubtful[DOUBTFUL_MAX]; /* killed at these lines: they may have been written */
};

struct tally {
    struct stream_tally out, err;
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    ended = number;
}

static void take_up(struct stream_tally *stream)
{
    if (stream->begun != stream->written && stream->doubtful_count < DOUBTFUL_MAX)
        stream->doubtful[stream->doubtful_count++] = stream->written;
    stream->written = stream->begun;
}

static struct tally *open_tally(const char *path)
{
    static struct tally own;
    if (!path)
        return &own;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || ftruncate(fd, sizeof(struct tally)) < 0)
        exit(3);
    struct tally *shared =
        mmap(NULL, sizeof(struct tally), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED)
        exit(3);
    take_up(&shared->out);
    take_up(&shared->err);
    return shared;
}

static void write_line(int fd, const char *prefix, struct stream_tally *stream, size_t size)
{
    char line[LINE_BYTES_MAX + 1];
    memset(line, '.', sizeof(line));
    int used = snprintf(line, sizeof(line), "%s %08lu ", prefix, (unsigned long)stream->begun++);
    line[used] = '.';
    line[size - 1] = '\n';
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, line + done, size - done);
        if (n < 0)
            exit(1);
        done += (size_t)n;
    }
    stream->written = stream->begun;
}

static void nap(unsigned long lines_per_second)
{
    long ns = LINES_PER_NAP * 1000000000L / (long)lines_per_second;
    struct timespec pause = {.tv_sec = ns / 1000000000L, .tv_nsec = ns % 1000000000L};
    nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
    unsigned long value[4] = {0, 0, 64, 4};
    for (int i = 1; i < argc && i <= 4; i++)
        value[i - 1] = strtoul(argv[i], NULL, 10);
    unsigned long lines = value[0], per_second = value[1], err_each = value[3];
    size_t size = value[2];
    if (size < LINE_BYTES_MIN || size > LINE_BYTES_MAX)
        return 2;
    struct tally *tally = open_tally(argc > 5 ? argv[5] : NULL);

    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, NULL);

    for (unsigned long i = 0; (lines == 0 || i < lines) && !ended; i++) {
        if (err_each && i % err_each == err_each - 1)
            write_line(STDERR_FILENO, "err", &tally->err, size);
        else
            write_line(STDOUT_FILENO, "out", &tally->out, size);
        if (per_second && i % LINES_PER_NAP == LINES_PER_NAP - 1)
            nap(per_second);
    }
    return 0;
}
