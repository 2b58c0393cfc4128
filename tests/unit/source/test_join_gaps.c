// SPDX-License-Identifier: Apache-2.0
/* A line whose middle is missing is never joined as if its two ends met (D31, D32, R1). */
#include "source_rig.h"

#include <string.h>

/* The first chunk came as a part, the last one as its continuation, and the gap between is booked.
 */
static void assert_two_ends(const struct source_rig *r, const char *gap)
{
    const struct buf *came = &r->came;
    assert_non_null(memmem(came->data, came->size, "op:aaaa", 7));
    assert_non_null(memmem(came->data, came->size, "\noc:c\n", 6));
    assert_non_null(memmem(came->data, came->size, gap, strlen(gap)));
}

static void a_generation_that_was_never_seen(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_sync(&r, 1);
    rig_rotate(&r, 2);
    rig_log_chunk(&r, 1, "stdout", 'b'); /* comes and goes between two looks */
    rig_rotate(&r, 2);
    rig_rotate(&r, 2);
    rig_log(&r, 1, "c\\n");
    rig_sync(&r, 3);
    rig_pull_all(&r);
    assert_two_ends(&r, "gap rotated ?@");
    source_rig_deinit(&r);
}

static void a_torn_record_between_two_chunks(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_write_text(&r, "", "{\"log\":\"bbbb\n"); /* what a full disk leaves of one */
    rig_log(&r, 1, "c\\n");
    rig_sync(&r, 1);
    rig_pull_all(&r);
    assert_two_ends(&r, "gap malformed 13@1:");
    source_rig_deinit(&r);
}

static void nuls_between_two_chunks(void **state)
{
    struct source_rig r;
    source_rig_init(&r);
    rig_log_chunk(&r, 1, "stdout", 'a');
    rig_sync(&r, 1);
    rig_pull_all(&r);
    rig_write(&r, "", (struct span){(char[100]){0}, 100});
    rig_pull_all(&r);
    rig_log(&r, 1, "c\\n");
    rig_pull_all(&r);
    assert_two_ends(&r, "gap nul 100@1:");
    source_rig_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_generation_that_was_never_seen),
        cmocka_unit_test(a_torn_record_between_two_chunks),
        cmocka_unit_test(nuls_between_two_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
