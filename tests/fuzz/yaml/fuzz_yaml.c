// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a configuration: refused with a place, or accepted, and then printed as a
 * configuration that is the same one. */
#include "agent/config.h"
#include "base/check.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in memory, the same for all inputs, so that no input costs a disk. */
static int load_bytes(struct config **ret, const void *bytes, size_t size)
{
    static int fd = -1;
    static char path[64];
    struct error error = {0};

    if (fd < 0) {
        fd = memfd_create("configuration", MFD_CLOEXEC);
        CHECK(fd >= 0);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    CHECK(ftruncate(fd, 0) == 0);
    CHECK(pwrite(fd, bytes, size, 0) == (ssize_t)size);

    int code = config_load(ret, path, &error);
    if (code == -EINVAL && size <= 1024 * 1024) {
        size_t line, column;
        CHECK(strncmp(error.text, path, strlen(path)) == 0);
        CHECK(sscanf(error.text + strlen(path), ":%zu:%zu: ", &line, &column) == 2);
        CHECK(line > 0 && column > 0);
    }
    return code;
}

struct text {
    char *data; /* owned */
    size_t size;
};

static struct text print(const struct config *c)
{
    struct text text = {0};
    FILE *to = open_memstream(&text.data, &text.size);
    CHECK(to);
    config_print(c, to);
    CHECK(fclose(to) == 0);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(config_free) struct config *first = NULL;
    CLEANUP(config_free) struct config *second = NULL;

    if (load_bytes(&first, data, size) < 0)
        return 0;
    struct text once = print(first);
    CHECK(load_bytes(&second, once.data, once.size) == 0);
    struct text twice = print(second);
    CHECK(once.size == twice.size && memcmp(once.data, twice.data, once.size) == 0);
    free(once.data);
    free(twice.data);
    return 0;
}
