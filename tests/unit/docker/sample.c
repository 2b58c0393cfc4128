// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct buf sample_read(const char *name)
{
    struct buf text = BUF_INIT(1024 * 1024);
    char path[4096];

    snprintf(path, sizeof(path), "%s/docker/%s", TEST_DATA, name);
    CLEANUP(fclose) FILE *file = fopen(path, "re");
    if (!file)
        fail_msg("%s: %m", path);
    for (;;) {
        char *room = buf_reserve(&text, 4096);
        assert_non_null(room);
        size_t n = fread(room, 1, 4096, file);
        if (n == 0)
            break;
        text.size += n;
    }
    return text;
}
