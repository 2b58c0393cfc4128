// SPDX-License-Identifier: Apache-2.0
/* bare — what the kernel asks for input and output alone: the floor below any reader and writer.
 *
 *   bare read FILE            preads it, a quantum at a time, and looks at no byte
 *   bare write FILE BYTES     pwrites so many bytes into a new file, a buffer at a time; fdatasync
 */
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_all(const char *path)
{
    static char buffer[READ_QUANTUM_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n;
    for (off_t at = 0; (n = pread(fd, buffer, sizeof(buffer), at)) > 0; at += n)
        ;
    int r = n < 0 ? -errno : 0;
    close(fd);
    return r;
}

static int write_all(const char *path, uint64_t bytes)
{
    static char buffer[OUTPUT_BUFFER_BYTES];
    memset(buffer, 'x', sizeof(buffer));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    int r = 0;
    for (uint64_t at = 0; at < bytes && r == 0;) {
        size_t size = bytes - at < sizeof(buffer) ? (size_t)(bytes - at) : sizeof(buffer);
        ssize_t n = pwrite(fd, buffer, size, (off_t)at);
        if (n < 0)
            r = -errno;
        else
            at += (uint64_t)n;
    }
    if (r == 0 && fdatasync(fd) < 0)
        r = -errno;
    close(fd);
    return r;
}

int main(int argc, char **argv)
{
    int r;
    if (argc == 3 && strcmp(argv[1], "read") == 0)
        r = read_all(argv[2]);
    else if (argc == 4 && strcmp(argv[1], "write") == 0)
        r = write_all(argv[2], strtoull(argv[3], NULL, 10));
    else
        return fprintf(stderr, "usage: bare read FILE | bare write FILE BYTES\n"), 2;
    if (r < 0)
        fprintf(stderr, "bare: %s: %s\n", argv[2], strerror(-r));
    return r < 0;
}
