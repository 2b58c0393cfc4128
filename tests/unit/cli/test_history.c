// SPDX-License-Identifier: Apache-2.0
/* What of reading a whole log cannot be shown from outside: what it allocates, and a file that
 * changes between two reads. The linker hands every allocation of the program to the wrappers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "allocations.h"
#include "cli/history.h"

enum { LINES = 20000 /* several reads of them */ };

/* A file of numbered lines, removed with the test. */
static int set_up(void **state)
{
    static char path[] = "/tmp/test_history.XXXXXX";
    memcpy(path + sizeof(path) - sizeof("XXXXXX"), "XXXXXX", sizeof("XXXXXX"));
    int fd = mkstemp(path);
    CLEANUP(fclose) FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file)
        return -1;
    for (int i = 0; i < LINES; i++)
        fprintf(file,
                "{\"log\":\"line \\\"%06d\\\"\\n\",\"stream\":\"stdout\","
                "\"time\":\"2026-11-23T16:00:00.%09dZ\"}\n",
                i, i);
    *state = path;
    return 0;
}

static int tear_down(void **state)
{
    return unlink(*state);
}

static struct history *open_file(const char *path)
{
    struct history_options options = {.path = path, .form = FORM_BYTES, .records = true};
    struct history *h;
    struct error error = {""};
    int r = history_open(&h, &options, &error);
    if (r < 0)
        fail_msg("%s", error.text);
    return h;
}

/* S31: none per line, and none per read once it has begun. */
static void test_reading_allocates_nothing(void **state)
{
    CLEANUP(history_close) struct history *h = open_file(*state);
    struct batch *batch;
    struct error error;
    assert_int_equal(history_next(h, &batch, &error), 0);

    size_t lines = batch->count;
    unsigned long before = allocations;
    while (history_next(h, &batch, &error) == 0)
        lines += batch->count;
    assert_int_equal(allocations, before);
    assert_int_equal(lines, LINES);
}

/* Design §6: what was emptied and written anew while it was read ends there, and is told. */
static void test_truncated_while_it_is_read(void **state)
{
    static const char other[] = "{\"log\":\"other\\n\",\"stream\":\"stdout\","
                                "\"time\":\"2026-11-23T17:00:00Z\"}\n";
    CLEANUP(history_close) struct history *h = open_file(*state);
    struct batch *batch;
    struct error error;
    do
        assert_int_equal(history_next(h, &batch, &error), 0);
    while (batch->count == 0);

    CLEANUP(fclose) FILE *file = fopen(*state, "w");
    assert_non_null(file);
    fputs(other, file);
    assert_int_equal(fflush(file), 0);
    assert_int_equal(history_next(h, &batch, &error), 0);
    assert_int_equal(batch->count, 0);
    assert_int_equal(batch->gap_count, 1);
    assert_int_equal(batch->gaps[0].reason, GAP_TRUNCATED);
    assert_string_equal(history_path(h, batch->gaps[0].serial), *state);
    assert_int_equal(history_next(h, &batch, &error), HISTORY_END);
}

/* R13: what is no log file is refused with its name. */
static void test_what_is_no_file(void **state)
{
    static const char *const none[] = {"/tmp", "/dev/null", "/nowhere/at/all"};
    for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
        struct history_options options = {.path = none[i], .form = FORM_JSON};
        struct history *h = NULL;
        struct error error = {""};
        assert_true(history_open(&h, &options, &error) < 0);
        assert_null(h);
        assert_non_null(strstr(error.text, none[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reading_allocates_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_truncated_while_it_is_read, set_up, tear_down),
        cmocka_unit_test(test_what_is_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
