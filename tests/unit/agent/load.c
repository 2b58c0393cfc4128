// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static char directory[64];

int enter_directory(void **state)
{
    snprintf(directory, sizeof(directory), "/tmp/tallyman-config-XXXXXX");
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

int leave_directory(void **state)
{
    unlink(FILE_NAME);
    return chdir("/") == 0 ? rmdir(directory) : -1;
}

static int load_bytes(struct config **ret, const char *bytes, size_t size, struct error *error)
{
    FILE *file = fopen(FILE_NAME, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return config_load(ret, FILE_NAME, error);
}

struct config *load(const char *yaml)
{
    struct config *c = NULL;
    struct error error = {0};

    int code = load_bytes(&c, yaml, strlen(yaml), &error);
    if (code < 0)
        fail_msg("%s\n%s", error.text, yaml);
    return c;
}

void assert_refused_bytes(const char *bytes, size_t size, const char *sentence)
{
    struct config *c = NULL;
    struct error error = {0};

    assert_int_equal(load_bytes(&c, bytes, size, &error), -EINVAL);
    assert_null(c);
    assert_string_equal(error.text, sentence);
}

void assert_refused(const char *yaml, const char *sentence)
{
    assert_refused_bytes(yaml, strlen(yaml), sentence);
}

char *config_printed(const struct config *c)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    assert_non_null(to);
    if (c)
        config_print(c, to);
    else
        config_document(to);
    assert_int_equal(fclose(to), 0);
    return text;
}
