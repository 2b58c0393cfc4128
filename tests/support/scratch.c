// SPDX-License-Identifier: Apache-2.0
#include "scratch.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
// cmocka needs those before it
#include <cmocka.h>

#include "base/cleanup.h"

int scratch_make(void **state)
{
    char *path = malloc(SCRATCH_PATH_MAX);
    const char *parent = getenv("TMPDIR");
    snprintf(path, SCRATCH_PATH_MAX, "%s/tallyman-ledger-XXXXXX", parent ? parent : "/tmp");
    *state = path;
    return mkdtemp(path) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

int scratch_remove(void **state)
{
    int r = nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return r;
}

const char *scratch_join(struct scratch_path *to, void *const *state, const char *name)
{
    snprintf(to->text, sizeof(to->text), "%.200s/%s", (const char *)*state, name);
    return to->text;
}

void scratch_copy(const char *from, const char *to)
{
    CLEANUP(fclose) FILE *in = fopen(from, "rb");
    if (!in)
        return;
    CLEANUP(fclose) FILE *out = fopen(to, "wb");
    assert_non_null(out);

    char block[4096];
    size_t size;
    while ((size = fread(block, 1, sizeof(block), in)) > 0)
        assert_int_equal(fwrite(block, 1, size, out), size);
}

void scratch_copy_book(const char *from, const char *to)
{
    char from_log[SCRATCH_PATH_MAX + 8], to_log[SCRATCH_PATH_MAX + 8];
    snprintf(from_log, sizeof(from_log), "%s-wal", from);
    snprintf(to_log, sizeof(to_log), "%s-wal", to);
    scratch_copy(from, to);
    scratch_copy(from_log, to_log);
}

void scratch_write(const char *path, const void *bytes, size_t size)
{
    CLEANUP(fclose) FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
}

int64_t scratch_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

void assert_says(const struct error *error, const char *path, const char *words)
{
    if (!strstr(error->text, path) || !strstr(error->text, words) || strchr(error->text, '\n'))
        fail_msg("'%s' should be one line that names '%s' and says '%s'", error->text, path, words);
}
