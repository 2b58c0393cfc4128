// SPDX-License-Identifier: Apache-2.0
/* Gives each file that is named, and each file of each folder that is named, to a fuzz target: what
 * a fuzzer once found stays tested, with any compiler. */
#include "base/cleanup.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replayed;

static int fail(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return -1;
}

/* In a block of exactly its size, so that a sanitizer sees a read past its end. */
static int replay_file(const char *path, size_t size)
{
    CLEANUP(fclose) FILE *file = fopen(path, "rb");
    CLEANUP_FREE uint8_t *data = malloc(size ? size : 1);
    if (!file || !data || fread(data, 1, size, file) != size)
        return fail(path);

    LLVMFuzzerTestOneInput(data, size);
    replayed++;
    return 0;
}

static int replay(const char *path);

static int replay_folder(const char *path)
{
    CLEANUP(closedir) DIR *folder = opendir(path);
    if (!folder)
        return fail(path);

    for (const struct dirent *entry; (entry = readdir(folder));) {
        char inner[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        if (replay(inner) < 0)
            return -1;
    }
    return 0;
}

static int replay(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return fail(path);
    return S_ISDIR(st.st_mode) ? replay_folder(path) : replay_file(path, (size_t)st.st_size);
}

int main(int count, char **arguments)
{
    for (int i = 1; i < count; i++)
        if (replay(arguments[i]) < 0)
            return 1;
    printf("%u inputs\n", replayed);
    return replayed ? 0 : 1;
}
